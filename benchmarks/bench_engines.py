"""From how many pictures on is Ray quicker than the plain loop.

    python benchmarks/bench_engines.py                   # from results/bench_pipeline.json
    python benchmarks/bench_engines.py --counts 1 16 64  # measured anew, on an idle machine

Each engine's time is a straight line over the pictures: what it takes to start, and for each. The
crossing is where the lines meet. On a machine of more cores Ray's line is flatter and the crossing
lower; `many_cores_crossing` is the bound, where the loop has taken as long as Ray takes for
nothing. Measured anew, each count is one command of each engine with the default model, and the
lines are least squares.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, save, write_archive

Line = tuple[float, float]
"""Seconds a picture, and seconds to start."""


def time_job(source: Path, output: Path, engine: str) -> float:
    """Seconds of one command."""
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(source), str(output)]
    start_s = time.monotonic()
    subprocess.run([*words, "--engine", engine], check=True, capture_output=True)
    return round(time.monotonic() - start_s, 2)


def measure(counts: list[int], megapixels: float) -> tuple[dict[str, Line], dict[str, Any]]:
    """Lines of both engines, and what they are drawn through."""
    seconds: dict[str, list[float]] = {"local": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for count in counts:
            source = root / f"in-{count}"
            write_archive(source, count, megapixels)
            for engine, found in seconds.items():
                found.append(time_job(source, root / f"{engine}-{count}", engine))
                print(count, engine, found[-1], flush=True)
    lines = {name: tuple(np.polyfit(counts, found, 1)) for name, found in seconds.items()}
    what = f"grey JPEGs of {megapixels:g} MP, builtin:default"
    return lines, {"what": what, "counts": counts, "seconds": seconds}


def read_stored() -> tuple[dict[str, Line], dict[str, Any]]:
    """Lines of both engines by bench_pipeline.py: there the loop had one thread."""
    stored = json.loads((RESULTS / "bench_pipeline.json").read_text(encoding="utf-8"))
    alone, pictures = stored["local_alone"], int(stored["what"].split()[0])
    each = (alone["seconds"] - alone["first_picture_s"]) / (pictures - 1)
    lines = {
        "local": (each, alone["first_picture_s"] - each),
        "ray": (1 / stored["ray_marginal_pictures_per_s"], stored["ray_fixed_s"]),
    }
    return lines, {"what": stored["what"], "measured": stored["machine"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+")
    parser.add_argument("--megapixels", type=float, default=1.5)
    args = parser.parse_args()
    lines, known = measure(args.counts, args.megapixels) if args.counts else read_stored()
    (local_each, local_start), (ray_each, ray_start) = lines["local"], lines["ray"]
    gain, late = local_each - ray_each, ray_start - local_start
    figures = {
        "start_s": {"local": round(local_start, 2), "ray": round(ray_start, 2)},
        "ms_a_picture": {"local": round(1000 * local_each), "ray": round(1000 * ray_each)},
        "crossing": round(late / gain) if gain > 0 else None,
        "many_cores_crossing": round(late / local_each),
    }
    save("bench_engines", known | figures)


if __name__ == "__main__":
    main()
