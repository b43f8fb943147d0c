"""Sample photographs that come with dependencies, and the demo that colours them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.dataset as ds
import tifffile
from PIL import Image

from archive_colorizer.imaging.contact_sheet import contact_sheet
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.storage.location import path_of_uri

COLOUR: Final = ("china", "flower", "astronaut", "chelsea", "coffee", "rocket")
"""Colour photographs of scikit-learn (the first two) and scikit-image."""
LICENCES: Final = "china, flower: CC BY 2.0; the rest: public domain or CC0 (see scikit-image)"


def colour_photographs() -> Iterator[tuple[str, np.ndarray]]:
    """Names and (H, W, 3) uint8 pixels of the sample photographs.

    Raises:
        ModuleNotFoundError: scikit-image is not installed (it is in the extra `dev`).
    """
    import skimage.data
    from sklearn.datasets import load_sample_image

    for name in COLOUR:
        if name in {"china", "flower"}:
            yield name, np.asarray(load_sample_image(f"{name}.jpg"))
        else:
            yield name, np.asarray(getattr(skimage.data, name)())


def write_masters(folder: Path) -> None:
    """A small archive of grey masters: JPEG, PNG, 8- and 16-bit TIFF, in folders."""
    import skimage.data

    (folder / "places").mkdir(parents=True)
    (folder / "people and things").mkdir()
    for name, rgb in colour_photographs():
        gray = Image.fromarray(rgb).convert("L")
        if name in {"china", "rocket"}:
            gray.save(folder / "places" / f"{name}.jpg", quality=92, dpi=(300, 300))
        elif name in {"astronaut", "flower"}:
            gray.save(folder / "people and things" / f"{name}.png")
        else:
            deep = np.asarray(gray).astype(np.uint16) * 257
            tifffile.imwrite(folder / "people and things" / f"{name}.tif", deep)
    Image.fromarray(skimage.data.camera()).save(folder / "places" / "camera.tif")


def demo(folder: Path) -> int:
    """Colour the samples into `folder` and say where to look; gives the exit code."""
    from archive_colorizer.pipeline.run import colorize

    masters, colour = folder / "masters", folder / "colour"
    shutil.rmtree(folder, ignore_errors=True)
    write_masters(masters)
    report = colorize(JobConfig(source=str(masters), output=str(colour)))
    sheet = folder / "sheet.png"
    write_before_and_after(colour, sheet)
    print(  # noqa: T201 (what the demo is for)
        f"{report.text()}\n\nLook at:\n  {sheet}  before and after\n  {colour}  the pictures\n"
        f"  {colour / 'manifest'}  one Parquet row for each"
    )
    return 0 if report.ok and not report.failed else 1


def write_before_and_after(output: Path, sheet: Path) -> None:
    """Write a contact sheet of the pictures of a finished job."""
    columns = ["status", "source_uri", "derivative_uri"]
    rows = ds.dataset(output / "manifest").to_table(columns=columns).to_pylist()
    cells = []
    for row in sorted(rows, key=lambda row: row["source_uri"]):
        if row["status"] != "ok":
            continue
        before, after = path_of_uri(row["source_uri"]), path_of_uri(row["derivative_uri"])
        cells.append((before.name, _read_pixels(before)))
        cells.append((after.name, _read_pixels(after)))
    pairs = [cells[i : i + 4] for i in range(0, len(cells), 4)]
    contact_sheet(pairs).save(sheet)


def _read_pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
