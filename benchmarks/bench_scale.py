"""A job of a million rows: listed, compared with 900,000 done ones, ready to start.

    python benchmarks/bench_scale.py [ROWS]

The inventory names objects that are not there: nothing is opened before a job starts.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import save

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.selection import hash_page
from archive_colorizer.pipeline.output.manifest import ROWS_PER_FILE
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.recipe import recipe_digest
from archive_colorizer.pipeline.run import preview
from archive_colorizer.registry.resolve import resolve

DONE_SHARE = 0.9


def inventory(folder: Path, rows: int) -> Path:
    """Rows of one bucket, a thousand a folder."""
    path = folder / "inventory.parquet"
    uris = [f"s3://archive/masters/{n // 1000:05d}/photo {n:08d}.tif" for n in range(rows)]
    table = pa.table({
        "uri": uris, "size_bytes": np.full(rows, 30_000_000),
        "etag": [f"{n:032x}" for n in range(rows)], "collection": ["glass plates"] * rows,
    })  # fmt: skip
    pq.write_table(table, path)
    return path


def key_of(number: int) -> str:
    return f"{number // 1000:05d}/photo {number:08d}.colorized.jpg"


def derivatives(folder: Path, rows: int) -> None:
    """Empty files in the derivatives' places: they are listed and never opened."""
    for number in range(rows):
        path = folder / key_of(number)
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.touch()


def manifest(folder: Path, rows: int, digest: str) -> None:
    """Rows that are done, in files as compaction leaves them."""
    (folder / "manifest").mkdir(parents=True)
    for start in range(0, rows, ROWS_PER_FILE):
        numbers = range(start, min(rows, start + ROWS_PER_FILE))
        uris = [f"s3://archive/masters/{n // 1000:05d}/photo {n:08d}.tif" for n in numbers]
        columns = {
            "row_id": [hash_page(u, 0, 30_000_000, f"{n:032x}", digest)
                       for u, n in zip(uris, numbers, strict=True)],
            "source_uri": uris, "page": np.zeros(len(uris), np.int32),
            "status": ["ok"] * len(uris), "error_class": [""] * len(uris),
            "attempt": np.ones(len(uris), np.int32), "recipe_sha256": [digest] * len(uris),
            "source_bytes": np.full(len(uris), 30_000_000),
            "etag": [f"{n:032x}" for n in numbers], "job_id": ["20260101T000000Z-a"] * len(uris),
            "started_at": np.zeros(len(uris), np.int64),
            "derivative_uri": [f"file:///gone/{key_of(n)}" for n in numbers],
            "derivative_key": [key_of(n) for n in numbers],
            "derivative_bytes": np.zeros(len(uris), np.int64),
        }  # fmt: skip
        arrays = [
            pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(len(uris), f.type)
            for f in SCHEMA
        ]
        table = pa.Table.from_arrays(arrays, schema=SCHEMA)
        pq.write_table(table, folder / "manifest" / f"rows-{start:08d}.parquet", compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = inventory(folder, rows)
        config = JobConfig(source=str(source), output=str(folder / "out"))
        digest = recipe_digest(config, resolve(config.color.model).weights_sha256)
        manifest(folder / "out", int(rows * DONE_SHARE), digest)
        derivatives(folder / "out", int(rows * DONE_SHARE))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start_s = time.perf_counter()
        found = preview(config)
        seconds = time.perf_counter() - start_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "rows": rows, "done": found.done, "todo": found.todo, "seconds": round(seconds, 1),
        "peak_mib": round(peak_mib), "peak_mib_before": round(before / 1024),
    }  # fmt: skip
    print(figures)
    if found.done != int(rows * DONE_SHARE):
        sys.exit("the done rows were not recognised")
    save("bench_scale", figures)


if __name__ == "__main__":
    main()
