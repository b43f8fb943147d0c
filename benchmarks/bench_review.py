"""What the review desk takes: its start, its lists, one row, one picture, and its memory.

    python benchmarks/bench_review.py --rows 100000 1000000

The manifest is made; the pictures are grey sample photographs of 20 megapixels and their tinted
copies. Milliseconds of the clock, as a browser on the same machine waits.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pyarrow as pa
from common import gray_photograph, save

from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage.local import LocalStore

PART_ROWS = 100_000
MEGAPIXELS = 20.0
REPEATS = 20
MAP_BYTES = 550
"""Of a doubt map, by bench_report."""
STEP = {"op": "chroma_unet", "model_ref": "builtin:default"}


@dataclass
class Running:
    """A desk in a process of its own."""

    url: str
    key: str
    process: psutil.Process
    start_s: float

    def browser(self) -> httpx.Client:
        """A browser that has come in."""
        client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)
        client.get("/", params={"key": self.key})
        client.headers["X-CSRF-Token"] = client.get("/api/session").json()["csrf"]
        return client


@contextmanager
def running(output: Path, *words: str) -> Iterator[Running]:
    """Start a desk on an OUTPUT and end it as Ctrl-C does."""
    command = [sys.executable, "-m", "archive_colorizer", "review", str(output), "--port", "0"]
    command += ["--audit-log", str(output.parent / "audit.jsonl"), *words]
    own = os.environ | {"XDG_CACHE_HOME": str(output.parent / "cache")}  # nothing was made before
    start_s = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own) as process:
        assert process.stdout
        url, _, key = process.stdout.readline().removeprefix("review: ").strip().partition("?key=")
        took_s = time.perf_counter() - start_s
        try:
            yield Running(url, key, psutil.Process(process.pid), took_s)
        finally:
            process.terminate()
            process.wait(60)


def make_rows(store: LocalStore, count: int) -> None:
    """Write a manifest of so many rows, in files as compaction leaves them."""
    layout.write_job(store, {"job_id": "20260101T000000Z-bench", "recipe_sha256": "r",
                             "listed": count})  # fmt: skip
    rng = np.random.default_rng(0)
    for start in range(0, count, PART_ROWS):
        manifest.write_part(store, make_part(range(start, min(start + PART_ROWS, count)), rng))


def make_part(numbers: range, rng: np.random.Generator) -> pa.Table:
    """Rows that differ as an archive's do: paths, collections, doubt, maps."""
    size = len(numbers)
    names = [f"box-{n // 500:05d}/folder-{n // 50 % 10}/photograph-{n:08d}.tif" for n in numbers]
    ids = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    doubt = rng.beta(2, 8, size)
    failed = rng.random(size) < 0.01
    flagged = rng.random(size) < 0.05
    columns: dict[str, Sequence[Any]] = {
        "row_id": ids, "job_id": ["20260101T000000Z-bench"] * size, "page": [0] * size,
        "source_uri": [f"file:///archive/{name}" for name in names], "source_path": names,
        "object_id": [f"OBJ-{n:08d}" for n in numbers], "source_sha256": ids,
        "collection": [f"collection {n // 5000}" for n in numbers],
        "status": ["failed" if one else "ok" for one in failed],
        "error_class": ["truncated" if one else "" for one in failed],
        "tone_class": ["neutral"] * size, "flags": [["glare"] if one else [] for one in flagged],
        "review_needed": (flagged | (doubt > 0.5)).tolist(), "doubt_mean": doubt.tolist(),
        "doubt_map": [rng.bytes(MAP_BYTES) for _ in numbers], "width": [6000] * size,
        "height": [4000] * size, "orientation": [1] * size, "started_at": list(numbers),
        "derivative_sha256": [None if bad else one[::-1]
                              for one, bad in zip(ids, failed, strict=True)],
        "derivative_key": [f"{name}.colorized.jpg" for name in names], "steps": [[STEP]] * size,
        "derivative_width": [6000] * size, "derivative_height": [4000] * size,
    }  # fmt: skip
    return pa.table(
        [pa.array(columns[one.name], one.type) if one.name in columns else pa.nulls(size, one.type)
         for one in SCHEMA],
        schema=SCHEMA,
    )  # fmt: skip


def timed(client: httpx.Client, urls: Sequence[str]) -> dict[str, float]:
    """Milliseconds of the first of some requests, and of the others in the middle and at most."""
    times = []
    for url in urls:
        start_s = time.perf_counter()
        answer = client.get(url)
        times.append((time.perf_counter() - start_s) * 1000)
        assert answer.status_code == 200, (url, answer.text)
    rest = times[1:] or times
    return {
        "first_ms": round(times[0], 1),
        "median_ms": round(float(np.median(rest)), 1),
        "most_ms": round(max(rest), 1),
    }


def measure_lists(count: int) -> dict[str, Any]:
    """Times of a desk on a manifest of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out"
        make_rows(LocalStore(output), count)
        with running(output) as desk, closing(desk.browser()) as client:
            steps = range(0, count, max(200, count // REPEATS))
            pages = [f"/api/pictures?limit=200&offset={at}" for at in steps]
            ids = [one["id"] for one in client.get(pages[3]).json()["items"][:REPEATS]]
            fresh = [f"/api/pictures?limit=200&doubt_min={0.3 + i / 1000}" for i in range(5)]
            words = [f"/api/pictures?limit=200&q=graph-0000{i}" for i in range(5)]
            verdict = [f"/api/pictures?verdict=none&limit={100 + i}" for i in range(5)]
            figures = {
                "rows": count,
                "start_s": round(desk.start_s, 2),
                "session": timed(client, ["/api/session"] * 5),
                "pages_by_doubt": timed(client, pages),
                "pages_by_path": timed(client, [f"{one}&sort=path" for one in pages]),
                "new_filter": timed(client, fresh),
                "new_search": timed(client, words),
                "by_verdict": timed(client, verdict),
                "queue": timed(client, ["/api/queue"] * 5),
                "whole_row": timed(client, [f"/api/pictures/{one}" for one in ids]),
                "doubt_map": timed(client, [f"/api/pictures/{one}/doubt.png" for one in ids]),
                "memory_mib": desk.process.memory_info().rss >> 20,
            }
        return figures


def measure_pictures() -> dict[str, Any]:
    """Times of the pictures of a few masters."""
    with tempfile.TemporaryDirectory() as folder:
        masters, store = Path(folder) / "masters", LocalStore(Path(folder) / "out")
        masters.mkdir()
        rows = [make_picture(store, masters, number) for number in range(6)]
        layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": len(rows)})
        manifest.write_part(store, pa.Table.from_pylist(rows, SCHEMA))
        with running(store.root) as desk, closing(desk.browser()) as client:
            shown = [
                client.get(f"/api/pictures/{row['row_id']}").json()["images"][side]
                for row in rows for side in ("before", "after")
            ]  # fmt: skip
            previews = [one["preview"] for one in shown]
            tiles = [one["tiles"].format(level=one["max_level"], x=3, y=3) for one in shown]
            return {
                "megapixels": MEGAPIXELS,
                "preview_1600": timed(client, previews),
                "preview_1600_again": timed(client, previews),
                "tile_with_decoding": timed(client, tiles),
                "tile_again": timed(client, tiles),
            }


def make_picture(store: LocalStore, masters: Path, number: int) -> dict[str, Any]:
    """A master and its derivative; gives their row."""
    gray = gray_photograph(MEGAPIXELS, number)
    height, width = gray.shape
    data = cv2.imencode(".jpg", gray)[1].tobytes() + bytes([number])
    (masters / f"{number}.jpg").write_bytes(data)
    tinted = np.stack([gray * 0.7, gray * 0.9, gray * 1.0], 2).astype(np.uint8)
    derivative = cv2.imencode(".jpg", tinted)[1].tobytes() + bytes([number])
    store.write_atomic(f"{number}.jpg", derivative)
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    return row | {
        "row_id": f"{number:064x}", "job_id": "j", "page": 0, "status": "ok",
        "source_uri": (masters / f"{number}.jpg").as_uri(), "source_path": f"{number}.jpg",
        "source_sha256": hashlib.sha256(data).hexdigest(), "width": width, "height": height,
        "orientation": 1, "derivative_key": f"{number}.jpg", "derivative_width": width,
        "derivative_height": height, "derivative_sha256": hashlib.sha256(derivative).hexdigest(),
        "started_at": number, "flags": [], "steps": [STEP],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    args = parser.parse_args()
    pictures = measure_pictures()
    print(pictures)
    lists = []
    for count in args.rows:
        lists.append(measure_lists(count))
        print(lists[-1])
    save("review", {"lists": lists, "pictures": pictures})


if __name__ == "__main__":
    main()
