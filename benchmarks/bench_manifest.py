"""What a manifest of a million rows answers, and how fast.

    python benchmarks/bench_manifest.py [ROWS]

The rows are made: 40 collections, one row in a hundred failed, one in ten to review. `status` and
its lists are the product's own; DuckDB (`pip install duckdb`) asks as an engineer would.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from common import save
from made_rows import JOB, PART_ROWS, made_part

from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.attention import read_list
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.storage.local import LocalStore


def median_s(work: Callable[[], Any], repeat: int = 3) -> dict[str, float]:
    """Seconds by the clock, and of processor time: others share the machine."""
    wall, worked = [], []
    for _ in range(repeat):
        start_s, worked_s = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start_s)
        worked.append(time.process_time() - worked_s)
    return {"wall": round(statistics.median(wall), 2), "cpu": round(statistics.median(worked), 2)}


def ask(folder: Path, query: str) -> list[Any]:
    files = folder / manifest.FOLDER / "*.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(query.replace("MANIFEST", f"read_parquet('{files}')"))
        return list(found.fetchall())


QUERIES = {
    "what failed in one collection": "select source_path, error_class, error_message from MANIFEST"
    " where collection = 'collection 7' and status = 'failed'",
    "one picture by its path": "select derivative_key, derivative_sha256 from MANIFEST"
    " where source_path = 'collection 7/box 00007/photo 00003600.tif'",
    "doubt by collection": "select collection, count(*), avg(doubt_mean) from MANIFEST"
    " where status = 'ok' group by collection",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    rows = parser.parse_args().rows
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = LocalStore(folder)
        layout.write_job(store, {"job_id": JOB, "recipe_sha256": "r" * 64, "listed": rows})
        for start in range(0, rows, PART_ROWS):
            numbers = range(start, min(rows, start + PART_ROWS))
            manifest.write_part(store, made_part(numbers, rng))
        start_s = time.perf_counter()
        manifest.compact(store)
        figures: dict[str, Any] = {"rows": rows, "compact_s": round(time.perf_counter() - start_s)}
        files = list((folder / manifest.FOLDER).iterdir())
        figures["files"] = len(files)
        figures["bytes_a_row"] = round(sum(one.stat().st_size for one in files) / rows, 1)
        figures["status_s"] = median_s(lambda: summarize(store))
        figures["status_failed_s"] = median_s(lambda: read_list(store, "failed"))
        figures["status_review_s"] = median_s(lambda: read_list(store, "review"), repeat=1)
        for name, query in QUERIES.items():
            figures[f"duckdb, {name}, s"] = median_s(partial(ask, folder, query))
            figures[f"duckdb, {name}, rows"] = len(ask(folder, query))
    for name, value in figures.items():
        print(f"{name}: {value}")
    save("manifest", figures)


if __name__ == "__main__":
    main()
