"""A check that a shipped colorizer colours, on photographs that come with the dependencies.

scikit-learn's and scikit-image's colour photographs (those inside the packages, nothing is
downloaded) are taken to grey, coloured, and asked two things: is there colour, and more than one?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from archive_colorizer.errors import LocationError, PhotoError
from archive_colorizer.evaluation.subject import grey_of, keep_luminance
from archive_colorizer.imaging.colour import chroma, rgb_to_lab
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer
from archive_colorizer.inference.runner import Runner, evaluating

MIN_MEAN_CHROMA: Final = 5.0
MIN_SHARE_OF_TRUTH: Final = 0.4
"""Of the photograph's own mean chroma: a garage is paler than a flower."""
MAX_SECTOR_SHARE: Final = 0.90
"""Share of the fullest sector, on average over the photographs (docs/adr/0010)."""
COLOURED_CHROMA: Final = 5.0
"""CIE Lab chroma above which a pixel counts as coloured: below it hue is hardly seen."""
SECTOR_DEGREES: Final = 60
PROXY_PX: Final = 256
"""Short side of what the model sees, as `colorize` has it by default."""
MULTIPLE_PX: Final = 64
"""Sides are padded to multiples of this: the figures on the cards were taken so."""

PHOTOGRAPHS: Final = {
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "skimage": ("data/astronaut.png", "data/chelsea.png", "data/coffee.png",
                "data/motorcycle_left.png", "data/rocket.jpg"),
}  # fmt: skip
"""Package -> its colour photographs (scikit-image's others are grey, drawn, microscopic, retinal or
astronomical; motorcycle_left and motorcycle_right show the same)."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """Figures of one photograph."""

    name: str
    mean_chroma: float
    """Mean CIE Lab chroma of the result."""
    largest_sector: float
    """Share of the coloured pixels in the fullest 60 degrees of hue; 1 where none is coloured."""
    truth_chroma: float
    truth_sector: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a photograph whose colour nobody doubts."""

    photograph: str
    corners: tuple[float, float, float, float]
    """Left, top, right and bottom, as shares of the sides."""
    hue: tuple[float, float]
    """Degrees that it may have, from and to."""
    chroma: tuple[float, float]


BOXES: Final = {
    "wooden table": Box("coffee.png", (0.75, 0.6, 0.98, 0.95), (45, 80), (12, 50)),
    "tabby cat": Box("chelsea.png", (0.35, 0.15, 0.6, 0.4), (50, 85), (12, 45)),
    "hazy sky": Box("china.jpg", (0.5, 0.03, 0.95, 0.3), (150, 290), (0, 20)),
}
"""What a colorizer often gets wrong: green tables, pink cats, orange fog."""


def passed(rows: Sequence[CheckRow]) -> bool:
    """Every photograph is coloured beyond doubt, and all together not by one hue."""
    shares = [row.largest_sector for row in rows]
    coloured = all(
        row.mean_chroma > max(MIN_MEAN_CHROMA, MIN_SHARE_OF_TRUTH * row.truth_chroma)
        for row in rows
    )
    return coloured and fmean(shares) <= MAX_SECTOR_SHARE


def photographs() -> dict[str, Path]:
    """Name -> file of the photographs that the installed packages bring.

    Raises:
        LocationError: neither package brings one.
    """
    found = {}
    for package, names in PHOTOGRAPHS.items():
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            files = (Path(folder) / name for name in names)
            found.update({file.name: file for file in files if file.is_file()})
    if not found:
        raise LocationError("scikit-learn's and scikit-image's photographs are not installed")
    return found


def check(
    module: nn.Module, *, temperature: float | None = None, files: Mapping[str, Path] | None = None
) -> tuple[CheckRow, ...]:
    """Colour each photograph at proxy size and measure it.

    Args:
        module: a colorizer with `predict`; judged in evaluation mode on its own device, float32.
        temperature: None takes the model's own.
        files: name -> file; None takes `photographs()`.

    Raises:
        LocationError: no photograph is installed.
        PhotoError: the model raised, ran out of memory, or gave values that are not finite.
    """
    files = photographs() if files is None else files
    with evaluating(module):
        colorizer = Colorizer(
            Runner(module, "exact"), multiple=MULTIPLE_PX, knobs={"temperature": temperature}
        )
        return tuple(_row(name, file, colorizer) for name, file in files.items())


def mean_colour(module: nn.Module, box: Box) -> tuple[float, float]:
    """Hue in degrees and chroma of the mean colour that a model gives a part of a photograph.

    Raises:
        LocationError: the photograph is not installed.
        PhotoError: as `check`.
    """
    truth_hw3 = at_proxy_size(photographs()[box.photograph])
    with evaluating(module):
        colorizer = Colorizer(Runner(module, "exact"), multiple=MULTIPLE_PX)
        lab = rgb_to_lab(_coloured(truth_hw3, colorizer))
    height, width = lab.shape[:2]
    left, top, right, bottom = box.corners
    part = lab[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
    a, b = part[..., 1:].reshape(-1, 2).mean(axis=0)
    return float(np.degrees(np.arctan2(b, a)) % 360), float(np.hypot(a, b))


def largest_sector(lab_hw3: NDArray[np.floating]) -> float:
    """Share of the coloured pixels in the fullest 60 degrees of hue, wherever these begin.

    To a degree: hues are counted in whole degrees, and 60 neighbouring ones make a sector.
    """
    coloured = lab_hw3[chroma(lab_hw3.astype(np.float32)) > COLOURED_CHROMA]
    if not len(coloured):
        return 1.0
    hue = np.degrees(np.arctan2(coloured[:, 2], coloured[:, 1])).astype(int) % 360
    counts = np.bincount(hue, minlength=360)
    around = np.concatenate((counts, counts[: SECTOR_DEGREES - 1]))
    sectors = np.convolve(around, np.ones(SECTOR_DEGREES, dtype=int), mode="valid")
    return float(sectors.max() / len(coloured))


def _row(name: str, file: Path, colorizer: Colorizer) -> CheckRow:
    truth_hw3 = at_proxy_size(file)
    lab, true_lab = rgb_to_lab(_coloured(truth_hw3, colorizer)), rgb_to_lab(truth_hw3)
    return CheckRow(
        name,
        float(chroma(lab).mean()),
        largest_sector(lab),
        float(chroma(true_lab).mean()),
        largest_sector(true_lab),
    )


def at_proxy_size(file: Path) -> NDArray[np.uint8]:
    """(H, W, 3) of a photograph as `colorize` shows it to a model by default."""
    with Image.open(file) as image:
        photograph = image.convert("RGB")
    scale = PROXY_PX / min(photograph.size)
    width, height = (round(side * scale) for side in photograph.size)
    photograph.thumbnail((width, height), Image.Resampling.BICUBIC)
    return np.asarray(photograph)


def _coloured(truth_hw3: NDArray[np.uint8], colorizer: Colorizer) -> NDArray[np.uint8]:
    """The photograph taken to grey and coloured, (H, W, 3)."""
    gray_bhw = grey_of(truth_hw3[None])
    (found,) = colorizer([GreyPicture(gray_bhw[0])])
    if isinstance(found, PhotoError):
        raise found
    return np.asarray(keep_luminance(gray_bhw, found.ab_2hw[None])[0])
