"""Exports of a large OUTPUT: how long they take, and that memory does not grow with it.

    python benchmarks/bench_exports.py [--rows 10000 100000] [--forms csv xlsx premis bagit sums]

Rows are made, and each has a small file for its derivative; people decided on one in ten. Each
export runs in a process of its own, whose largest memory is asked of the system; of the first
number of rows once more, when all is there. `iiif` reads and
writes pictures, so its rows are fewer (`--pictures`), of one drawn picture of a megapixel.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from common import RESULTS, gray_photograph, save
from made_rows import JOB, PART_ROWS, made_part
from PIL import Image

from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.exports.run import export
from archive_colorizer.pipeline.output import layout, manifest, reviews
from archive_colorizer.storage.local import LocalStore

OPTIONS: dict[str, dict[str, Any]] = {"premis": {"per": "collection"}}
DECIDED = 10
"""People decided on one picture in so many."""


def make_output(folder: Path, rows: int, picture: bytes, size: tuple[int, int]) -> None:
    """An OUTPUT of so many rows.

    Args:
        folder: gets `out` and, with a picture, `masters`.
        rows: how many.
        picture: what master and derivative are, each with its number behind it; may be empty.
        size: its width and height.
    """
    store, rng = LocalStore(folder / "out"), np.random.default_rng(0)
    masters = folder / "masters"
    for start in range(0, rows, PART_ROWS):
        table = made_part(range(start, min(start + PART_ROWS, rows)), rng)
        files = [picture + b"%09d" % number for number in range(start, start + table.num_rows)]
        sums = [hashlib.sha256(data).hexdigest() for data in files]
        paths = table["source_path"].to_pylist()
        columns: dict[str, list[Any]] = {
            "derivative_sha256": sums, "derivative_bytes": [len(data) for data in files],
            "source_uri": [(masters / path).as_uri() for path in paths],
            "derivative_mime": ["image/jpeg"] * len(files), "version": ["0"] * len(files),
        }  # fmt: skip
        for name, value in zip(("width", "height"), size, strict=True):
            columns |= {name: [value] * len(files), f"derivative_{name}": [value] * len(files)}
        for name, values in columns.items():
            field = table.schema.field(name)
            table = table.set_column(
                table.column_names.index(name), field, pa.array(values, field.type)
            )
        manifest.write_part(store, table)
        for path, key, data in zip(paths, table["derivative_key"].to_pylist(), files, strict=True):
            places = [folder / "out" / key, *([masters / path] if picture else [])]
            for place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        reviews.append(store, _decide(sums[::DECIDED], start))
    manifest.compact(store)
    config = {"source": str(masters), "further": [], "deliver": {"suffix": ".colorized"}}
    layout.write_job(store, {"job_id": JOB, "config": config})


def _decide(sums: list[str], start: int) -> list[reviews.Decision]:
    return [
        reviews.Decision(f"{start + number}", "", sha256, "anna", "approved")
        for number, sha256 in enumerate(sums)
    ]


def measure(folder: Path, form: str, *, again: bool) -> dict[str, Any]:
    """Export in a process of its own; with `again` once more, when all is there."""
    words = [sys.executable, __file__, "--one", form, str(folder)]
    figures: dict[str, Any] = {}
    for name in ("first", "again")[: 1 + again]:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        figures[name] = json.loads(done.stdout.splitlines()[-1])
    return figures


def peak_mb() -> int:
    """The largest memory of this process so far: getrusage may tell its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def export_one(form: str, folder: Path) -> None:
    """Export, and print seconds, files and the largest memory of this process."""
    store, dest = LocalStore(folder / "out"), LocalStore(folder / f"dest-{form}")
    before = peak_mb()
    start_s = time.perf_counter()
    tally = export(store, dest, form, ExportOptions(**OPTIONS.get(form, {})))
    figures = {
        "seconds": round(time.perf_counter() - start_s, 1),
        "written": tally.written, "unchanged": tally.unchanged, "problems": len(tally.problems),
        "peak_mb": peak_mb(), "mb_before": before,
    }  # fmt: skip
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--forms", nargs="+", default=["csv", "sums", "premis", "bagit", "xlsx"])
    parser.add_argument("--pictures", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--one", nargs=2, metavar=("FORM", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        export_one(args.one[0], Path(args.one[1]))
        return
    encoded = io.BytesIO()
    drawn = Image.fromarray(gray_photograph(1.0))
    drawn.save(encoded, "JPEG")
    earlier = RESULTS / "exports.json"  # figures of other forms and numbers stay
    figures = json.loads(earlier.read_text("utf-8")) if earlier.exists() else {}
    figures.pop("machine", None)
    for rows, picture, forms in (
        *((rows, b"", args.forms) for rows in args.rows),
        *((rows, encoded.getvalue(), ["iiif"]) for rows in args.pictures),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            make_output(Path(scratch), rows, picture, drawn.size)
            for form in forms:
                name = f"{form}, {rows} pictures"
                figures[name] = measure(Path(scratch), form, again=rows == args.rows[0])
                print(f"{name}: {figures[name]}", flush=True)
                save("exports", figures)


if __name__ == "__main__":
    main()
