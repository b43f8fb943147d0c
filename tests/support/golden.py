"""What a fixed set of small jobs gives: the proof that a rebuilding changes nothing.

Photographs that come with the dependencies are taken to grey, coloured in every form of derivative,
translated and enlarged; two recipes train for three steps. Digests and means of the pixels, the
rows and the losses are stored beside the tests.

    python tests/support/golden.py --update     rewrites the stored figures
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow.dataset as ds
import tifffile
import torch
from PIL import Image

from archive_colorizer.evaluation.release.default_check import photographs
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.training.config import compose
from archive_colorizer.training.journal import losses, validations
from archive_colorizer.training.run import train

STORED: Final = Path(__file__).parents[1] / "golden.json"
CELLS: Final = 4
"""Means of the pixels are taken over CELLS x CELLS parts of the picture."""
MEAN, CELL, LOSS, COLUMN = 0.05, 0.25, 1e-3, 0.01
"""How far another CPU's kernels may be off: mean of a channel and of a cell (0..255), loss and
figure of a row (relative)."""
VARYING: Final = frozenset(
    {
        "row_id", "job_id", "source_uri", "source_path_raw", "source_sha256", "source_bytes",
        "source_mtime", "etag", "steps", "version", "git_commit", "torch_version", "ray_version",
        "node", "started_at", "ms_read", "ms_prepare", "ms_model", "ms_compose",
        "ms_encode", "ms_write", "derivative_uri", "derivative_sha256", "derivative_bytes",
        "derivative_version", "source_path", "thumbnail_key", "thumbnail_index", "doubt_map",
    }
)  # fmt: skip
"""Columns that depend on the run, the place or the encoders' versions."""
JOBS: Final[Mapping[str, dict[str, Any]]] = {
    "jpeg": {},
    "png": {"output": {"format": "png"}},
    "png8": {"output": {"format": "png", "bits": 8}, "select": {"include": ("coffee.tif",)}},
    "tiff": {"output": {"format": "tiff"}},
    "tiff16": {
        "output": {"format": "tiff", "bits": 16},
        "select": {"include": ("*.jpg", "coffee.tif")},
    },
    "vivid": {
        "color": {"vividness": 0.9, "upsampling": "bilinear"},
        "select": {"include": ("chelsea.tif",)},
    },
    "translated": {
        "color": {"model": "builtin:day-to-night", "proxy_px": 128},
        "select": {"include": ("*.jpg",)},
    },
    "enlarged": {"color": {"upscale": 2}, "select": {"include": ("small.png",)}},
    "hinted": {"select": {"include": ("*.jpg",)}},
}
"""Name -> settings of a job."""
RECIPES: Final[Mapping[str, dict[str, Any]]] = {
    "chroma_unet": {
        "model": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    },
    "pix2pix": {"model": {"width": 4, "resolution": 32}, "recipe": {"discriminator_width": 4}},
}


def measure(folder: Path) -> dict[str, Any]:
    """Run everything in an empty folder and say what came out."""
    torch.set_num_threads(1)
    masters = folder / "masters"
    write_masters(masters)
    return {
        "pictures": {name: run_job(name, masters, folder) for name in JOBS},
        "training": {name: run_training(name, folder) for name in RECIPES},
    }


def write_masters(folder: Path) -> None:
    """Grey masters of every kind that is common: JPEG, PNG, TIFF of 8 and 16 bits, a small one."""
    folder.mkdir()
    found = photographs()
    grey = {Path(name).stem: Image.open(path).convert("L") for name, path in found.items()}
    grey["china"].save(folder / "china.jpg", quality=92, dpi=(300, 300))
    grey["flower"].save(folder / "flower.png")
    grey["chelsea"].save(folder / "chelsea.tif")
    deep = np.asarray(grey["coffee"]).astype(np.uint16) * 257
    tifffile.imwrite(folder / "coffee.tif", deep)
    grey["astronaut"].crop((140, 20, 270, 130)).save(folder / "small.png")


def run_job(name: str, masters: Path, folder: Path) -> dict[str, Any]:
    """One job in the plain loop: source's name -> what its derivative and row are."""
    output = folder / name
    job = JobConfig(source=str(masters), output=str(output))
    plain = {"run": {"engine": "local", "precision": "float32"}, "output": {"watermark": "off"}}
    job = overlay(job, plain, "golden")
    job = overlay(job, JOBS[name], "golden")
    if name == "hinted":
        hints = folder / "hints.csv"
        hints.write_text("path,x,y,colour\nchina.jpg,300,200,#b03020\nchina.jpg,40,30,#4060a0\n")
        job = overlay(job, {"select": {"hints": str(hints)}}, "golden")
    report = colorize(job)
    assert report.ok, report.text()
    return dict(sorted(outcomes(output)))


def outcomes(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of each master -> columns and pixels of what became of it."""
    files = {path.name: path for path in output.rglob("*.colorized.*")}
    for row in ds.dataset(output / "manifest").to_table().to_pylist():
        columns = {key: value for key, value in row.items() if key not in VARYING}
        columns["steps"] = [
            {key: step[key] for key in ("op", "model_ref", "weights_sha256", "params_json")}
            for step in row["steps"]
        ]
        derivative = files[row["derivative_uri"].rsplit("/", 1)[1]]
        yield row["source_uri"].rsplit("/", 1)[1], {"columns": columns, "pixels": seen(derivative)}


def seen(path: Path) -> dict[str, Any]:
    """Shape, digest and means of a picture's pixels; means are in 0..255."""
    if path.suffix == ".tif":
        pixels = tifffile.imread(path)
    else:
        flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imread(str(path), flags)[..., ::-1]
    scaled = pixels.astype(np.float64) / (257 if pixels.dtype == np.uint16 else 1)
    bands = (
        cell for band in np.array_split(scaled, CELLS) for cell in np.array_split(band, CELLS, 1)
    )
    return {
        "shape": list(pixels.shape),
        "dtype": str(pixels.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
        "means": [round(float(mean), 4) for mean in scaled.mean((0, 1))],
        "cells": [round(float(mean), 3) for cell in bands for mean in cell.mean((0, 1))],
    }


def run_training(recipe: str, folder: Path) -> dict[str, Any]:
    """Three steps of a tiny model on quarters of the photographs: losses and validation."""
    photos = folder / "photos"
    if not photos.exists():
        photos.mkdir()
        for name, path in photographs().items():
            image = Image.open(path).convert("RGB").resize((192, 160), Image.Resampling.BOX)
            for number, box in enumerate([(0, 0, 96, 80), (96, 0, 192, 80), (0, 80, 96, 160)]):
                image.crop(box).save(photos / f"{Path(name).stem}-{number}.png")
    quick = {
        "data": {"data": str(photos)},
        "feed": {"crop_px": 32, "batch_size": 4},
        "loop": {"steps": 3, "epoch_steps": 3, "lr": 1e-3, "precision": "float32"},
        "run": {"engine": "local", "mlflow": False, "device": "cpu"},
    }
    run = folder / recipe
    layers = [("golden", quick), ("golden", RECIPES[recipe])]
    train(compose(recipe, str(run), layers))
    return {
        "losses": [line["losses"] for line in losses(run)],
        "validation": [line["figures"] for line in validations(run)],
    }


def differences(found: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Every place in which two measurements differ by more than CPUs may."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        if "sha256" in wanted and found.get("sha256") == wanted["sha256"]:
            return
        for key in sorted((found.keys() | wanted.keys()) - {"sha256"}):
            yield from differences(found.get(key), wanted.get(key), f"{where}/{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        for number, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(*pair, f"{where}/{number}")
    elif not is_same(found, wanted, where):
        yield f"{where}: {found!r} is not {wanted!r}"


def is_same(found: Any, wanted: Any, where: str) -> bool:
    """Whether two plain values are alike: floats need not be equal."""
    if isinstance(found, float) and isinstance(wanted, float):
        return abs(found - wanted) <= allowed(where, wanted)
    return bool(found == wanted)


def allowed(where: str, wanted: float) -> float:
    """How far a figure may be off on another CPU."""
    if "/means/" in where:
        return MEAN
    if "/cells/" in where:
        return CELL
    return (COLUMN if "/columns/" in where else LOSS) * max(1.0, abs(wanted))


def main() -> int:
    """Compare with the stored figures, or rewrite them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="rewrite the stored figures")
    update = parser.parse_args().update
    with tempfile.TemporaryDirectory() as folder:
        found = json.loads(json.dumps(measure(Path(folder))))
    if update:
        STORED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    wrong = list(differences(found, json.loads(STORED.read_text(encoding="utf-8"))))
    print("\n".join(wrong) or "the same")  # noqa: T201 (a script)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
