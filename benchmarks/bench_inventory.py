"""The inventory reader alone: a CSV of a million rows, its speed and memory, by encoding.

    python benchmarks/bench_inventory.py [ROWS]

The inventory names objects that are not there: nothing but the table is read. Each run is a process
of its own, so that its peak of memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import save

from archive_colorizer.pipeline.inputs.inventory import read_inventory
from archive_colorizer.storage import DEFAULT_S3, parse_location

FORMS = {"utf-8": ",", "cp1252": ";", "utf-16": "\t"}


def write(path: Path, rows: int, encoding: str, delimiter: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(delimiter.join(("uri", "size_bytes", "etag", "collection", "caption")) + "\n")
        for n in range(rows):
            caption = f'"Straße {n}, ""Ansicht"" von Süden"' if n % 10 == 0 else f"Platte {n:07d}"
            uri = f"s3://archive/masters/{n // 1000:05d}/photo {n:08d}.tif"
            file.write(delimiter.join((uri, "30000000", f"{n:032x}", "glass plates", caption)))
            file.write("\n")


def read(path: Path) -> dict[str, float]:
    """Read an inventory in this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    count = sum(not row["problem"] for row in read_inventory(parse_location(str(path)), DEFAULT_S3))
    seconds, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": count, "seconds": round(seconds, 1), "cpu_seconds": round(cpu_s, 1),
        "rows_per_cpu_s": round(count / cpu_s),
        "peak_mib": round(peak / 1024), "peak_mib_before": round(before / 1024),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--read", type=Path, help="read this one, and print the figures")
    args = parser.parse_args()
    if args.read:
        print(json.dumps(read(args.read)))
        return
    figures = {}
    for encoding, delimiter in FORMS.items():
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "inventory.csv"
            write(path, args.rows, encoding, delimiter)
            done = subprocess.run(
                [sys.executable, __file__, "--read", path],
                check=True, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        figures[encoding] = json.loads(done.stdout)
        print(encoding, figures[encoding])
        if figures[encoding]["rows"] != args.rows:
            sys.exit("not every row was understood")
    save("bench_inventory", figures)


if __name__ == "__main__":
    main()
