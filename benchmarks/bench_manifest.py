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
import pyarrow as pa
from common import save

from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.attention import read_list
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.storage.local import LocalStore

PART_ROWS = 2_000
COLLECTIONS = 40
DOUBT_MAP_BYTES = 130
JOB = "20260101T000000Z-bench"
STEPS = [
    {
        "op": "colorize",
        "model_ref": "builtin:default",
        "weights_sha256": "0" * 64,
        "params_json": '{"vividness": 1.0}',
        "device": "cpu",
        "precision": "float32",
    }
]


def made_part(numbers: range, rng: np.random.Generator) -> pa.Table:
    """Rows as a job writes them: unlike one another where real ones are."""
    count = len(numbers)
    failed = [n % 100 == 1 for n in numbers]
    collections = [f"collection {n // 500 % COLLECTIONS}" for n in numbers]
    paths = [
        f"{name}/box {n // 500:05d}/photo {n:08d}.tif"
        for n, name in zip(numbers, collections, strict=True)
    ]
    columns: dict[str, Any] = {
        "row_id": [rng.bytes(32).hex() for _ in numbers],
        "job_id": [JOB] * count, "recipe_sha256": ["r" * 64] * count,
        "object_id": [f"OBJ-{n:08d}" for n in numbers], "collection": collections,
        "source_uri": [f"s3://archive/masters/{path}" for path in paths], "source_path": paths,
        "page": [0] * count, "source_sha256": [rng.bytes(32).hex() for _ in numbers],
        "source_bytes": rng.integers(1_000_000, 60_000_000, count), "etag": ["e"] * count,
        "width": rng.integers(1000, 8000, count), "height": rng.integers(1000, 8000, count),
        "mime": ["image/tiff"] * count, "steps": [STEPS] * count,
        "started_at": [1_767_225_600_000_000 + n * 10_000 for n in numbers],
        **{f"ms_{name}": rng.gamma(4, 5, count) for name in
           ("read", "prepare", "model", "compose", "encode", "write")},
        "derivative_key": [f"{path}.colorized.jpg" for path in paths],
        "derivative_sha256": [rng.bytes(32).hex() for _ in numbers],
        "doubt_mean": rng.random(count), "doubt_p95": rng.random(count),
        "doubt_map": [rng.bytes(DOUBT_MAP_BYTES) for _ in numbers],
        "flags": [["damaged"] if n % 10 == 0 else [] for n in numbers],
        "review_needed": [n % 10 == 0 for n in numbers],
        "status": ["failed" if bad else "ok" for bad in failed],
        "error_class": ["truncated" if bad else "" for bad in failed],
        "error_message": ["ends after 1,024 of 30,000,000 bytes" if bad else "" for bad in failed],
    }  # fmt: skip
    return pa.Table.from_arrays(
        [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.nulls(count, field.type)
            for field in SCHEMA
        ],
        schema=SCHEMA,
    )


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
