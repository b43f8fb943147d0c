"""A long run: 20,000 small pictures on Ray, the memory of every process watched.

    python benchmarks/soak.py [PICTURES]

Says how many rows, pictures a second, and the memory of the driver and of all its processes by
tenths of the run. Takes about a quarter of an hour on two cores.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from common import save, write_archive

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

MEGAPIXELS = 0.1
TENTHS = 10


def memory_mib(process: psutil.Process) -> tuple[float, float]:
    """Memory of the driver alone (resident), and of all (shared pages count once)."""
    alone = process.memory_info().rss
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return alone / 2**20, total / 2**20


def watch_job(source: Path, output: Path) -> tuple[int, float, dict[str, list[int]]]:
    """Run a job on Ray; gives its exit code, seconds, and peaks of memory by tenths of the run."""
    words = ["archive_colorizer", "colorize", str(source), str(output), "--proxy-px", "128",
             "--engine", "ray"]  # fmt: skip
    start_s = time.monotonic()
    job = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL)
    watched = psutil.Process(job.pid)
    samples: list[tuple[float, float]] = []
    while job.poll() is None:
        samples.append(memory_mib(watched))
        time.sleep(2)
    seconds = time.monotonic() - start_s
    size = max(1, len(samples) // TENTHS)
    parts = [samples[i : i + size] for i in range(0, len(samples), size)][:TENTHS]
    peaks = {
        "driver_peak_mib_by_tenth": [round(max(a for a, _ in part)) for part in parts],
        "all_peak_mib_by_tenth": [round(max(b for _, b in part)) for part in parts],
    }
    return job.returncode, seconds, peaks


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=int, nargs="?", default=20_000)
    pictures = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "in", Path(scratch) / "out"
        write_archive(source, pictures, MEGAPIXELS)
        code, seconds, peaks = watch_job(source, output)
        store = open_store(str(output))
        rows = manifest.read(store, ["source_uri", "status"])
        found = verify(store).findings
        files = len(manifest.part_keys(store))
    figures = {
        "what": f"{pictures:,} grey JPEGs of {MEGAPIXELS} MP, builtin:default, proxy 128",
        "exit_code": code, "rows": rows.num_rows,
        "pages": len(set(rows["source_uri"].to_pylist())), "findings": len(found),
        "manifest_files": files, "seconds": round(seconds), "pictures_per_s":
        round(pictures / seconds, 1),
        **peaks,
    }  # fmt: skip
    print(figures)
    save("soak", figures)
    if code or rows.num_rows != pictures or found:
        sys.exit("the run is not whole")


if __name__ == "__main__":
    main()
