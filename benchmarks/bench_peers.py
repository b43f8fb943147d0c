"""The product beside what people would use instead: same pictures, same network, same machine.

    pip install daft
    python benchmarks/bench_peers.py [--pictures 300] [--rounds 3]

Each program of `peers.py` and `archive-colorizer colorize` colours one folder, one after the other,
as often as there are rounds; medians are told. Rates are of the whole command, starting included;
peak memory is the process tree's proportional share (PSS). The product alone keeps records,
profiles and metadata, checks what it wrote and makes a report.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from common import ROOT, save, write_archive
from peers import PEERS

PRODUCT = "archive_colorizer"
LOOK_EVERY_S = 0.25


def peak_of(process: "subprocess.Popen[bytes]", ended: threading.Event) -> float:
    """Peak MiB of a process tree, looked at until it ends."""
    peak_mib = 0.0
    parent = psutil.Process(process.pid)
    while not ended.wait(LOOK_EVERY_S):
        try:
            family = [parent, *parent.children(recursive=True)]
            size_mib = sum(one.memory_full_info().pss for one in family) / 2**20
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        peak_mib = max(peak_mib, size_mib)
    return peak_mib


def run(name: str, source: Path, output: Path, log: Path) -> dict[str, float]:
    """Run one program; its pictures, seconds and peak memory.

    Raises:
        SystemExit: it failed, or pictures are missing.
    """
    program = [str(ROOT / "benchmarks" / "peers.py"), name]
    if name == PRODUCT:
        program = ["-m", PRODUCT, "colorize", "--engine", "ray"]
    start_s = time.monotonic()
    with log.open("wb") as file:
        words = [sys.executable, *program, str(source), str(output)]
        process = subprocess.Popen(words, stdout=file, stderr=file)
        ended = threading.Event()
        found: list[float] = []
        watch = threading.Thread(target=lambda: found.append(peak_of(process, ended)))
        watch.start()
        code = process.wait()
        seconds = time.monotonic() - start_s
        ended.set()
        watch.join()
    expected = len(list(source.iterdir()))
    made = len([one for one in output.glob("*.*") if one.suffix in {".jpg", ".jpeg", ".png"}])
    if code or made != expected:
        tail = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{name}: exit code {code}, {made} of {expected} pictures\n{tail}")
    return {"seconds": round(seconds, 2), "peak_mib": round(found[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--megapixels", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[PRODUCT, *PEERS])
    args = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in args.only}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_archive(folder / "in", args.pictures, args.megapixels)
        for number in range(args.rounds):
            for name in args.only:
                runs[name].append(
                    run(name, folder / "in", folder / f"{name}-{number}", folder / "log")
                )
                print(name, runs[name][-1], flush=True)
    cores = psutil.cpu_count() or 1
    table: dict[str, dict[str, Any]] = {}
    for name, several in runs.items():
        seconds = statistics.median(one["seconds"] for one in several)
        table[name] = {
            "pictures_per_s": round(args.pictures / seconds, 2),
            "pictures_per_s_a_core": round(args.pictures / seconds / cores, 2),
            "peak_mib": max(one["peak_mib"] for one in several),
            "seconds": [one["seconds"] for one in several],
        }
    save("peers", {"pictures": args.pictures, "megapixels": args.megapixels, "programs": table})


if __name__ == "__main__":
    main()
