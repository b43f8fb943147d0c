"""From the command to the first picture: in a plain loop, on a Ray of its own, on a running one.

    python benchmarks/bench_start.py [--earlier TREE] [--rounds 3]

Given are medians of wall seconds, and of processor seconds of the whole process tree until then
(for a running cluster those of the driver alone). An earlier source tree takes turns with this one.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from common import ROOT, save, write_archive

PICTURES = 64
CLUSTER = """
import ray, sys
ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print("AT", ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running_cluster() -> Iterator[str]:
    """A cluster that is there before anybody wants it; its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdin
    try:
        yield next(line for line in process.stdout if line.startswith("AT ")).split()[1]
    finally:
        process.stdin.close()
        process.wait(60)


def cpu_s(process: psutil.Process) -> float:
    """Processor seconds of a process tree so far."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def start(tree: Path, source: Path, output: Path, options: list[str]) -> dict[str, float]:
    """One command until its first derivative is there; then it is stopped."""
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(source), str(output)]
    start_s = time.monotonic()
    process = subprocess.Popen(
        [*words, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(tree)}, cwd=tree,
    )  # fmt: skip
    watched, used = psutil.Process(process.pid), 0.0
    while not next(output.glob("*.colorized.*"), None):
        if process.poll() is not None:
            raise SystemExit(f"{tree}: {options}: exit code {process.returncode}")
        with contextlib.suppress(psutil.Error):
            used = cpu_s(watched)
        time.sleep(0.05)
    wall_s = time.monotonic() - start_s
    process.terminate()
    process.wait(120)
    return {"wall_s": wall_s, "cpu_s": used}


def help_s(tree: Path) -> dict[str, float]:
    """`--help`, whole."""
    start_s, before = time.monotonic(), os.times()
    subprocess.run(
        [sys.executable, "-m", "archive_colorizer", "--help"], check=True, capture_output=True,
        env=os.environ | {"PYTHONPATH": str(tree)}, cwd=tree,
    )  # fmt: skip
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return {"wall_s": time.monotonic() - start_s, "cpu_s": used}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--earlier", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    # One token for the cluster and those who join it.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "of-this-benchmark-" + "0" * 32}
    trees = {"now": ROOT} | ({"earlier": args.earlier} if args.earlier else {})
    found: dict[str, list[dict[str, float]]] = {}
    loads = []
    with tempfile.TemporaryDirectory() as folder, running_cluster() as address:
        root = Path(folder)
        write_archive(root / "in", PICTURES)
        ways = {
            "plain loop": ["--engine", "local"],
            "Ray": ["--engine", "ray"],
            "--address": ["--address", address],
        }
        for number in range(args.rounds):
            for way, options in ways.items():
                for name, tree in trees.items():
                    output = root / f"{name}-{number}-{len(found)}-{way}"
                    one = start(tree, root / "in", output, options)
                    found.setdefault(f"{way}, {name}", []).append(one)
                    loads.append(round(psutil.getloadavg()[0], 1))
                    print(way, name, one, flush=True)
            for name, tree in trees.items():
                found.setdefault(f"--help, {name}", []).append(help_s(tree))
    figures: dict[str, Any] = {
        way: {key: round(median(one[key] for one in some), 2) for key in some[0]}
        for way, some in found.items()
    }
    save("bench_start", {"what": "seconds to the first picture", "loads": loads, **figures})


if __name__ == "__main__":
    main()
