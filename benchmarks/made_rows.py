"""Rows of a manifest as a job writes them, made: for benchmarks of many."""

from typing import Any

import numpy as np
import pyarrow as pa

from archive_colorizer.pipeline.output.schema import SCHEMA

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
