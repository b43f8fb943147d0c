"""How fast a training run was, and how its loss went: read from the run's own journal.

    python benchmarks/training_rate.py RUN MACHINE

RUN is a run's folder (losses.jsonl, validation.jsonl, run.json), MACHINE says where it ran. Writes
benchmarks/results/training-rate.json: seconds a step for each size of crops, samples a second, and
the held-out loss at each look.
"""

import json
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from common import save

from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.journal import VALIDATION, losses
from archive_colorizer.training.on_device.feed import size_of


def measure_run(run: Path) -> dict[str, Any]:
    """Rates over the steps after the first hundred, in which kernels are chosen."""
    said = json.loads((run / "run.json").read_text(encoding="utf-8"))["parameters"]
    feed = FeedConfig(
        crop_px=said["feed.crop_px"], batch_size=said["feed.batch_size"],
        sizes_px=tuple(said["feed.sizes_px"]), place=said["feed.place"],
    )  # fmt: skip
    lines = list(losses(run))
    by_size: dict[int, list[float]] = {}
    samples, seconds = 0, 0.0
    for before, line in pairwise(lines[100:]):
        px, size = size_of(feed, before["step"])
        took = line["spent_s"] - before["spent_s"]
        by_size.setdefault(px, []).append(took)
        samples, seconds = samples + size, seconds + took
    looks = [
        json.loads(line) for line in (run / VALIDATION).read_text(encoding="utf-8").splitlines()
    ]
    return {
        "recipe": said["recipe"],
        "steps": len(lines),
        "samples": sum(size_of(feed, line["step"] - 1)[1] for line in lines),
        "seconds a step, median": {str(px): median(took) for px, took in by_size.items()},
        "samples a second": samples / seconds,
        "first 100 steps, s": lines[99]["spent_s"],
        "held out": [{"step": look["step"], **look["figures"]} for look in looks],
    }


if __name__ == "__main__":
    found = measure_run(Path(sys.argv[1]))
    save("training-rate", {"trained on": sys.argv[2], **found})
    print(json.dumps(found, indent=1))
