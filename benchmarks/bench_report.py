"""What doubt maps, thumbnails and the report cost a picture.

    python benchmarks/bench_report.py SHARDS/val-00.parquet --rows 200000

Bytes, and milliseconds of processor time; the shard is a Parquet file with photographs in a binary
column. The report is of made rows.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import save
from PIL import Image

from archive_colorizer.imaging.decoders.jpeg import decode_jpeg
from archive_colorizer.imaging.doubt_map import doubt_png
from archive_colorizer.imaging.thumbnails import thumbnail, thumbnail_sheet
from archive_colorizer.imaging.tone import make_proxy
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import open_colorizer
from archive_colorizer.pipeline.html_report import write_report
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage.local import LocalStore

BATCH = 16
PROXY_PX = 256
PART_ROWS = 10_000


def photographs(shard: str, count: int) -> list[Any]:
    table = next(pq.ParquetFile(shard).iter_batches(count))
    name = next(name for name in table.schema.names if table.schema.field(name).type in BINARIES)
    return [
        np.asarray(Image.open(io.BytesIO(data)).convert("L")) for data in table[name].to_pylist()
    ]


BINARIES = (pa.binary(), pa.large_binary())


def timed(work: Callable[[], Any], count: int) -> float:
    """Milliseconds of processor time a picture: others share the machine."""
    start = time.process_time()
    work()
    return round((time.process_time() - start) * 1000 / count, 3)


def allocated(folder: Path) -> int:
    """Bytes that a file system gives away, by its blocks."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def measure_column(store: LocalStore, values: Sequence[bytes], name: str) -> dict[str, float]:
    """What a binary column of one file adds, as the manifest is after compaction."""
    ids = [f"{number:064x}" for number in range(len(values))]
    bare = pa.table({"row_id": ids})
    full = bare.append_column("value", pa.array(values, pa.binary()))
    store.write_atomic(f"{name}-bare", manifest.to_parquet(bare))
    ms = timed(lambda: store.write_atomic(f"{name}-full", manifest.to_parquet(full)), len(values))
    sizes = {entry.key: entry.size_bytes for entry in store.list()}
    added = sizes[f"{name}-full"] - sizes[f"{name}-bare"]
    return {"bytes": round(added / len(values), 1), "write_ms": ms}


def measure_files(store: LocalStore, values: Sequence[bytes], name: str) -> dict[str, float]:
    """What one file a picture takes."""
    folder = Path(store.uri.removeprefix("file://")) / name

    def write() -> None:
        for number, value in enumerate(values):
            store.write_atomic(f"{name}/{number}", value)

    ms = timed(write, len(values))
    count = len(values)
    length = sum(map(len, values))
    return {
        "bytes": round(length / count, 1),
        "bytes_on_disk": round(allocated(folder) / count, 1),
        "write_ms": ms,
    }


def measure_doubt(store: LocalStore, doubts: Sequence[Any]) -> dict[str, Any]:
    maps: list[bytes] = []
    ms = timed(lambda: maps.extend(map(doubt_png, doubts)), len(doubts))
    raw = [np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), 0)).tobytes() for one in maps]
    return {
        "make_ms": ms,
        "png_in_parquet_column": measure_column(store, maps, "png"),
        "raw_in_parquet_column": measure_column(store, raw, "raw"),
        "png_file_each": measure_files(store, maps, "doubt"),
    }


def measure_thumbnails(store: LocalStore, pictures: Sequence[Any]) -> dict[str, Any]:
    count = len(pictures)
    small = [thumbnail(picture) for picture in pictures]
    pairs = list(zip(small, small, strict=True))
    batches = [pairs[start : start + BATCH] for start in range(0, count, BATCH)]
    sheets: list[bytes] = []
    make_ms = timed(lambda: [thumbnail(one) for one in pictures for _ in (0, 1)], count)
    sheet_ms = timed(lambda: sheets.extend(map(thumbnail_sheet, batches)), count)
    per_sheet = measure_files(store, sheets, "sheets")
    singles = [thumbnail_sheet([pair]) for pair in pairs]
    derivatives = [
        cv2.imencode(".jpg", cv2.resize(one, (1500, 1000)))[1].tobytes() for one in pictures
    ]
    return {
        "reduce_ms": make_ms,
        "encode_ms": sheet_ms,
        "sheet_of_16": {key: round(value * len(sheets) / count, 3)
                        for key, value in per_sheet.items()},
        "file_each": measure_files(store, singles, "singles"),
        "from_derivatives_at_report_time_ms": timed(
            lambda: [thumbnail(decode_jpeg(one, min_short_px=160)) for one in derivatives], count
        ),
    }  # fmt: skip


def made_rows(count: int, doubt: bytes) -> Iterator[dict[str, Any]]:
    empty = dict.fromkeys(SCHEMA.names)
    for n in range(count):
        name = f"상자 {n // 500:04d}/봉투 {n % 500 // 50}/사진 {n:07d}.tif"
        review = n % 10 == 0
        yield empty | {
            "row_id": f"{n:064x}", "job_id": "j", "recipe_sha256": "r", "page": 0,
            "source_uri": f"file:///in/{n}", "source_path": name, "object_id": f"OBJ-{n:07d}",
            "collection": f"컬렉션 {n // 1000}", "started_at": 1_000_000,
            "status": "failed" if n % 100 == 1 else "ok",
            "error_class": "truncated" if n % 100 == 1 else "", "error_message": "",
            "flags": ["damaged"] if review else [], "review_needed": review, "doubt_mean": 0.5,
            "doubt_map": doubt, "derivative_key": f"{name}.colorized.jpg",
            "thumbnail_key": f"report/thumbnails/{n // BATCH:032x}.jpg",
            "thumbnail_index": n % BATCH, "ms_model": 10.0, "source_bytes": 1_000_000,
        }  # fmt: skip


def measure_report(store: LocalStore, count: int, doubt: bytes) -> dict[str, Any]:
    layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": count})
    rows = made_rows(count, doubt)
    while part := list(islice(rows, PART_ROWS)):
        manifest.write_part(store, pa.Table.from_pylist(part, SCHEMA))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s, cpu_s = time.perf_counter(), time.process_time()
    write_report(store)
    seconds, worked_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    sizes = {entry.key: entry.size_bytes for entry in store.list("report")}
    index = sizes.pop("report/index.html")
    return {
        "rows": count,
        "wall_seconds": round(seconds, 1),
        "cpu_seconds": round(worked_s, 1),
        "cpu_ms_a_picture": round(worked_s * 1000 / count, 3),
        "pages": len(sizes),
        "largest_page_bytes": max(sizes.values()),
        "first_page_bytes": index,
        "bytes_a_picture": round(sum(sizes.values()) / count, 1),
        "peak_mib_beyond_the_rows": round(
            (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shard")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pictures", type=int, default=64)
    args = parser.parse_args()
    pictures = photographs(args.shard, args.pictures)
    colorizer = open_colorizer(resolve("builtin:default"), "float32", None)
    proxies = [GreyPicture(make_proxy(one, PROXY_PX)) for one in pictures]
    doubts = [one.doubt_hw for one in colorizer(proxies, 8) if not isinstance(one, Exception)]
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "pictures": len(pictures),
            "doubt_map": measure_doubt(LocalStore(Path(folder) / "doubt"), doubts),
            "thumbnails": measure_thumbnails(LocalStore(Path(folder) / "small"), pictures),
            "report": measure_report(
                LocalStore(Path(folder) / "out"), args.rows, doubt_png(doubts[0])
            ),
        }
    save("report", figures)


if __name__ == "__main__":
    main()
