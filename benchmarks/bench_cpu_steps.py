"""What each step of a picture costs, in one run with an earlier commit, turn by turn.

    git worktree add /tmp/earlier COMMIT
    python benchmarks/bench_cpu_steps.py --earlier /tmp/earlier [--rounds 3] [--masters tiff]

Both colour the same grey pictures in a plain loop, in processes of their own that take turns. Given
are milliseconds a picture of wall and of processor time: on a shared machine the second hardly
depends on its neighbours. Page faults are those of the whole process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from common import FORMS, ROOT, save, write_archive

SIZES = ((1.5, 24), (24.0, 6))
"""Megapixels, and pictures of a turn."""
TURN = """
import json, resource, sys, time
from collections import Counter
import cv2, torch
torch.set_num_threads(1)
cv2.setNumThreads(1)
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps import step as module

wall, cpu, calls = Counter(), Counter(), Counter()
call = module._call

def timed(step, records):
    start, used = time.perf_counter(), time.process_time()
    done = call(step, records)
    calls[step.name] += 1
    if calls[step.name] > 1:  # the first batch loads and warms
        wall[step.name] += time.perf_counter() - start
        cpu[step.name] += time.process_time() - used
        if step.name == "record":
            wall["pictures"] += len(records)
    elif step.name == "record":
        usage.append(resource.getrusage(resource.RUSAGE_SELF))
    return done

usage = []
module._call = timed
job = JobConfig(source=sys.argv[1], output=sys.argv[2])
settings = {"run": {"engine": "local", "batch_size": int(sys.argv[3])}}
report = colorize(overlay(job, settings, "bench"))
usage.append(resource.getrusage(resource.RUSAGE_SELF))
count = wall.pop("pictures")
before, after = usage
print("TURN", json.dumps({
    "wall_ms": {name: 1000 * value / count for name, value in wall.items()},
    "cpu_ms": {name: 1000 * value / count for name, value in cpu.items()},
    "faults": (after.ru_minflt - before.ru_minflt) / count,
    "kernel_ms": 1000 * (after.ru_stime - before.ru_stime) / count,
}))
"""
MODEL = "colorize"


def turn(tree: Path, source: Path, output: Path, batch: int) -> dict[str, Any]:
    """Colour a folder once with the program of a source tree."""
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", TURN, str(source), str(output), str(batch)]
    done = subprocess.run(
        words, capture_output=True, text=True, env=environment, cwd=tree, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("TURN ")]
    if not lines:
        raise SystemExit(f"{tree}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(lines[0].removeprefix("TURN "))
    return found


def summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over turns, and the sum of the steps beside the model."""
    figures: dict[str, Any] = {}
    for kind in ("wall_ms", "cpu_ms"):
        steps = {name: median(one[kind][name] for one in turns) for name in turns[0][kind]}
        beside = median(sum(ms for name, ms in one[kind].items() if name != MODEL) for one in turns)
        figures[kind] = {name: round(ms, 2) for name, ms in steps.items()}
        figures[kind]["beside_the_model"] = round(beside, 2)
    figures["faults"] = round(median(one["faults"] for one in turns))
    figures["kernel_ms"] = round(median(one["kernel_ms"] for one in turns), 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--earlier", type=Path, help="a source tree of another commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--masters", choices=FORMS, default="jpeg")
    args = parser.parse_args()
    trees = {"now": ROOT} | ({"earlier": args.earlier} if args.earlier else {})
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for megapixels, count in SIZES:
            source = root / f"in-{megapixels:g}"
            write_archive(source, count, megapixels, args.masters)
            turns: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
            for number in range(args.rounds):
                for name, tree in trees.items():
                    output = root / f"out-{megapixels:g}-{name}-{number}"
                    turns[name].append(turn(tree, source, output, batch=count // 3))
            found = {name: summary(some) for name, some in turns.items()}
            if args.earlier:
                beside = [one["cpu_ms"]["beside_the_model"] for one in found.values()]
                found["cpu_of_earlier"] = round(beside[0] / beside[1], 3)
            figures[f"{megapixels:g} MP"] = found
            print(megapixels, json.dumps(found))
    what = f"grey {args.masters} to JPEG, milliseconds a picture, medians of turns"
    form = "" if args.masters == "jpeg" else f"_{args.masters}"
    save(f"bench_cpu_steps{form}", {"what": what, **figures})


if __name__ == "__main__":
    main()
