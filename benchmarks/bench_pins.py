"""How soon is a picture seen again after a pin? With the shipped model, a master of 24 megapixels.

    python benchmarks/bench_pins.py [--megapixels N]

Masters are sample photographs, enlarged: a grey JPEG, and a 16-bit TIFF with LZW. Of each: the
first preview in a process that has loaded nothing, the first of another picture, further pins on
the same picture (median), and the derivative at full size from saving to its row; each as seconds
on the clock and seconds of work. Writes benchmarks/results/pins.json.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tifffile
from common import gray_photograph, save
from PIL import Image

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.review.pinning import PinStudio
from archive_colorizer.storage import open_store

PINS = 7


Times = tuple[float, float]
"""Seconds on the clock, and of all cores' work."""


def timed(call: Callable[[], object]) -> Times:
    """Time a call, to the millisecond."""
    start_s, work_s = time.perf_counter(), time.process_time()
    call()
    return round(time.perf_counter() - start_s, 3), round(time.process_time() - work_s, 3)


def write_masters(folder: Path, megapixels: float) -> None:
    """Two pictures of each kind."""
    folder.mkdir()
    for number in range(2):
        gray = gray_photograph(megapixels, number)
        Image.fromarray(gray).save(folder / f"{number}.jpg", quality=92)
        wide = gray.astype(np.uint16) * 257
        tifffile.imwrite(folder / f"{number}.tif", wide, compression="lzw", rowsperstrip=64)


def colour(source: Path, output: Path) -> None:
    """Colour them in a process of their own: this one is to have loaded nothing."""
    words = ["colorize", str(source), str(output), "--engine", "local", "--quiet"]
    subprocess.run([sys.executable, "-m", "archive_colorizer", *words], check=True)


def make_full(
    studio: PinStudio, row: dict[str, Any], points: list[tuple[float, float, str]]
) -> None:
    """Save points, and wait for the derivative."""
    work = studio.save(row, points, "bench")
    while (state := studio.state(work)).state != "done":
        if state.state == "failed":
            raise RuntimeError(state.why)
        time.sleep(0.01)


def measure(studio: PinStudio, rows: list[dict[str, Any]]) -> dict[str, Times]:
    """Figures of one kind of masters, the first picture of which is the process's first perhaps."""
    first, second = rows
    x, y = first["width"] / 2, first["height"] / 2
    found = {
        "first_s": timed(lambda: studio.preview(first, [(x, y, "#a02020")])),
        "another_picture_s": timed(lambda: studio.preview(second, [(x, y, "#a02020")])),
    }
    more = [[(x + 40 * k, y, "#205020") for k in range(count)] for count in range(1, PINS + 1)]
    further = [timed(partial(studio.preview, second, points)) for points in more]
    full_s = timed(lambda: make_full(studio, second, [(x, y, "#205020")]))
    return {
        **found,
        "further_pins_s": (median(one[0] for one in further), median(one[1] for one in further)),
        "full_size_s": full_s,
    }


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=24.0)
    megapixels = parser.parse_args().megapixels
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_masters(folder / "in", megapixels)
        colour(folder / "in", folder / "out")
        store = open_store(str(folder / "out"))
        rows = manifest.read(store, SCHEMA.names).sort_by("source_uri").to_pylist()
        kinds = {
            kind: [row for row in rows if row["source_uri"].endswith(kind)]
            for kind in ("jpg", "tif")
        }
        with PinStudio(store) as studio:
            figures = {kind: measure(studio, own) for kind, own in kinds.items()}
    save("pins", {"megapixels": megapixels, "edge_px": 1600, "previews": figures})
    print(figures)


if __name__ == "__main__":
    main()
