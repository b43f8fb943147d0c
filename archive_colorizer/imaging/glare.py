"""Glare: the reflections of lamps, flashes and windows that a print has on its photograph of it.

A reflection adds light: bright, soft at its edge, without the texture of what lies beneath. White
shirts and skies are as bright, but end at edges or at the picture's border. Bright regions at
several levels are described by a few figures, and a small network of one hidden layer, fitted on
photographs with drawn reflections (benchmarks/fit_glare.py), says which of them are reflections.
Axes: h height, w width.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORK_PX: Final = 96
"""Short side at which regions are looked for."""
LEVELS: Final = tuple(range(80, 253, 18))
"""Levels of luma, 0..255, at which the picture is cut into regions."""
AREA: Final = (0.0006, 0.12)
"""Shares of the picture that a region may have."""
RING_PX: Final = 7
"""Size of the neighbourhood that a region is compared with."""
FOOT_PX: Final = 3
"""A reflection's faint foot about its region."""
_FAINT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Glare:
    """The reflections of a picture."""

    mask_hw: Mask
    """(H, W) of the picture that was looked at: True in a reflection."""
    score: float
    """How much the likeliest region looks like one, 0 to 1."""

    @property
    def share(self) -> float:
        """Of the picture's pixels, 0 to 1."""
        return float(self.mask_hw.mean())


@dataclass(frozen=True, slots=True)
class Regions:
    """Bright regions at one level."""

    labels_hw: NDArray[np.int32]
    """0 beside the regions, else a region's number."""
    numbers: NDArray[np.int64]
    """Numbers of the regions that are described."""
    features_nf: Float
    """A row of figures for each number."""


def find_glare(gray_hw: NDArray[np.uint8]) -> Glare:
    """Look for reflections.

    Args:
        gray_hw: (H, W) luma, sRGB-encoded.
    """
    network = _network()
    small = reduced_gray(gray_hw)
    found, best = np.zeros(small.shape, bool), 0.0
    for regions in find_regions(small):
        scores = network(regions.features_nf)
        best = max(best, float(scores.max()))
        found |= np.isin(regions.labels_hw, regions.numbers[scores >= network.threshold])
    if found.any():
        around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (FOOT_PX, FOOT_PX))
        found = cv2.dilate(found.astype(np.uint8), around) > 0
    size = (gray_hw.shape[1], gray_hw.shape[0])
    whole = cv2.resize(found.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return Glare(whole > 0, best)


def reduced_gray(gray_hw: NDArray[np.uint8]) -> Float:
    """Reduce a picture to a short side of WORK_PX; a smaller one stays. (H, W) -> (h, w)."""
    scale = min(1.0, WORK_PX / min(gray_hw.shape))
    size = [max(1, round(side * scale)) for side in gray_hw.shape[::-1]]
    return np.asarray(cv2.resize(gray_hw, size, interpolation=cv2.INTER_AREA), np.float32)


def find_regions(gray_hw: Float) -> Iterator[Regions]:
    """Cut a picture at LEVELS and describe its bright regions.

    Args:
        gray_hw: (H, W) luma 0..255, its short side about WORK_PX.

    Yields:
        The regions of each level that has some.
    """
    smooth = cv2.GaussianBlur(gray_hw, (0, 0), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    slope = cv2.magnitude(across, down)
    texture = np.abs(gray_hw - smooth)
    border = np.ones(gray_hw.shape, np.float32)
    border[2:-2, 2:-2] = 0
    for level in LEVELS:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            (smooth >= level).astype(np.uint8), connectivity=4
        )
        areas = stats[:, cv2.CC_STAT_AREA] / gray_hw.size
        numbers = np.flatnonzero((areas >= AREA[0]) & (areas <= AREA[1]))
        numbers = numbers[numbers > 0]
        if len(numbers):
            planes = (gray_hw, smooth, slope, texture, border)
            yield Regions(labels, numbers, _describe(labels, numbers, level, planes))


def _describe(
    labels: NDArray[np.int32], numbers: NDArray[np.int64], level: int, planes: tuple[Any, ...]
) -> Float:
    """Figures of regions, (N, F): how large, bright, soft, smooth and round each is."""
    gray, smooth, slope, texture, border = planes
    flat, count = labels.ravel(), int(labels.max()) + 1
    near = cv2.dilate(labels.astype(np.float32), np.ones((RING_PX, RING_PX), np.uint8))
    ring = np.where(labels == 0, near, 0).astype(np.int64).ravel()
    thin = cv2.erode((labels > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    rim = np.where(thin > 0, 0, labels).ravel()

    def mean(where: NDArray[Any], plane: NDArray[Any]) -> Float:
        total = np.bincount(where, plane.ravel(), count)
        size = np.bincount(where, minlength=count)
        return np.asarray((total / np.maximum(size, 1))[numbers], np.float32)

    area = np.bincount(flat, minlength=count)[numbers].astype(np.float32)
    inside, outside = mean(flat, smooth), mean(ring, smooth)
    contrast = np.maximum(inside - outside, 1)
    rim_slope = mean(rim, slope)
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
    my, mx = mean(flat, y), mean(flat, x)
    yy, xx = mean(flat, y * y) - my**2 + 1 / 12, mean(flat, x * x) - mx**2 + 1 / 12
    xy = mean(flat, x * y) - mx * my
    half = np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
    long, short = (yy + xx) / 2 + half, np.maximum((yy + xx) / 2 - half, 1 / 12)
    columns = (
        np.log(area / labels.size),
        np.full(len(numbers), level / 255),
        (inside - level) / 50,
        contrast / 50,
        rim_slope / contrast * 5,
        np.log(_FAINT + rim_slope / np.sqrt(area)),
        np.log(_FAINT + mean(flat, slope)),
        np.log(_FAINT + mean(flat, texture)),
        np.log(_FAINT + mean(ring, texture)),
        np.log(_FAINT + mean(ring, slope)),
        area / (4 * np.pi * np.sqrt(long * short)),
        0.5 * np.log(long / short),
        mean(rim, border),
        mean(flat, border),
        mean(flat, gray >= 248),
        mean(flat, smooth >= level + 20),
        mean(flat, smooth >= level + 45),
        mean(flat, smooth >= level + 80),
        mean(ring, smooth >= level - 20),
        mean(ring, smooth >= level - 45),
        mean(ring, smooth >= level - 80),
        outside / 100,
        np.full(len(numbers), float(gray.mean()) / 100),
        np.full(len(numbers), float((gray >= level).mean())),
    )
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Network:
    """A perceptron of one hidden layer over standardised figures."""

    mean_f: Float
    scale_f: Float
    hidden_fh: Float
    bias_h: Float
    out_h: Float
    bias: float
    threshold: float
    """Score from which a region is a reflection."""

    def __call__(self, features_nf: Float) -> Float:
        """Score regions, 0 to 1: (N, F) -> (N,)."""
        x = (features_nf - self.mean_f) / self.scale_f
        hidden = np.maximum(x @ self.hidden_fh + self.bias_h, 0)
        return np.asarray(1 / (1 + np.exp(-np.clip(hidden @ self.out_h + self.bias, -30, 30))))


@lru_cache(maxsize=1)
def _network() -> Network:
    text = files("archive_colorizer.imaging").joinpath("glare.json").read_text(encoding="utf-8")
    values = {
        name: np.asarray(value, np.float32) if isinstance(value, list) else float(value)
        for name, value in json.loads(text).items()
    }
    return Network(**values)  # type: ignore[arg-type]


def glare_png(mask_hw: Mask) -> bytes:
    """Write a mask as a PNG, to be laid over the picture: white in a reflection, else black."""
    grey = mask_hw.astype(np.uint8) * 255
    options = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9]
    data: bytes = cv2.imencode(".png", grey, options)[1].tobytes()
    return data


def read_glare_png(data: bytes) -> Mask:
    """Read a mask that `glare_png` wrote: (h, w)."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)) > 127
