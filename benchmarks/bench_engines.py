"""From how many pictures on is Ray quicker than the plain loop: the whole command, by the clock.

    python benchmarks/bench_engines.py [--counts 1 16 64] [--megapixels 1.5]

Each count is done once by each engine, one after the other, in a process of its own, with the
default model. The crossing is where straight lines through the counts (least squares) meet; on a
machine of more cores Ray's line is flatter, so there it lies lower. `many_cores_crossing` is the
bound: where the loop has taken as long as Ray takes for nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import save, write_archive


def time_job(source: Path, output: Path, engine: str) -> float:
    """Seconds of one command."""
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(source), str(output)]
    start_s = time.monotonic()
    subprocess.run([*words, "--engine", engine], check=True, capture_output=True)
    return round(time.monotonic() - start_s, 2)


def summarize(counts: list[int], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """The straight lines, and where they meet."""
    lines = {name: np.polyfit(counts, found, 1) for name, found in seconds.items()}
    (local_each, local_start), (ray_each, ray_start) = lines["local"], lines["ray"]
    gain, late = local_each - ray_each, ray_start - local_start
    return {
        "counts": counts,
        "seconds": seconds,
        "start_s": {"local": round(local_start, 2), "ray": round(ray_start, 2)},
        "ms_a_picture": {"local": round(1000 * local_each), "ray": round(1000 * ray_each)},
        "crossing": round(late / gain) if gain > 0 else None,
        "many_cores_crossing": round(late / local_each),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--megapixels", type=float, default=1.5)
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {"local": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, count in enumerate(args.counts, 1):
            source = root / f"in-{count}"
            write_archive(source, count, args.megapixels)
            for engine, found in seconds.items():
                found.append(time_job(source, root / f"{engine}-{count}", engine))
                print(count, engine, found[-1], flush=True)
            if number > 1:  # a long benchmark may be stopped: what there is stands
                what = f"grey JPEGs of {args.megapixels:g} MP, builtin:default"
                figures = summarize(args.counts[:number], seconds)
                save("bench_engines", {"what": what, **figures})


if __name__ == "__main__":
    main()
