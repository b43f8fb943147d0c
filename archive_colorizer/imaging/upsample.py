"""Chroma from the proxy, brought to the master's edges.

In every window of the proxy chroma is fitted as a line in the luma, as in the guided filter (He,
Sun & Tang 2010; at proxy size: He & Sun 2015). Only the slope is taken: the chroma itself is
brought up bilinearly, and the luma's detail, which the proxy does not have, is added times the
slope. Where the luma has an edge the chroma gets it too; what the model said is not smoothed again
(the plain guided filter smooths it, and was further from the truth than bilinear:
benchmarks/bench_steps.py). Axes: h height, w width; chroma planes are Cb and Cr.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import B_FROM_CB, R_FROM_CR, Float, lab_to_rgb, rgb_to_lab
from archive_colorizer.imaging.halving import halved
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.projection import wrapped

Method = Literal["guided", "bilinear"]
FINE_PX: Final = 128
"""Short side of the picture in which the luma's variance is taken, about."""
WINDOWS: Final = 64
"""Windows are about one part in so many of the short side wide to each hand: the stride at which
networks predict."""
EPSILON: Final = 1e-3
"""Luma variance (of 1) under which a window counts as flat: a deviation of 8 in 255."""
MAX_STEP: Final = 8


@dataclass(frozen=True, slots=True)
class ChromaMap:
    """Chroma on its own grid as lines in the luma: Cb, Cr = slope * luma + offset.

    Luma in [0, 1], chroma centred, in [-0.5, 0.5].
    """

    coefficients_hw4: Float
    """(h, w, 4): slope Cb, slope Cr, offset Cb, offset Cr."""
    extent: tuple[float, float]
    """Rows and columns of the grid that the picture takes, from its top left corner on."""
    beside: int = 0
    """Columns of the far side that the grid has left of that corner, and right of the picture; 0
    where the picture's edges are no neighbours."""

    def at(self, luma_hw: Float, top: int, height: int) -> tuple[Float, Float]:
        """Chroma of a strip.

        Args:
            luma_hw: (rows, W) float32 luma of the strip, in [0, 1].
            top: first row of the strip within the picture.
            height: rows of the whole picture.

        Returns:
            Cb and Cr, each (rows, W) float32.
        """
        scale_y, scale_x = self.extent[0] / height, self.extent[1] / luma_hw.shape[1]
        slope_cb, slope_cr, cb, cr = self._grown(luma_hw.shape, top, scale_y, scale_x)
        # In place: each of these planes is of this strip alone.
        for slope, offset in ((slope_cb, cb), (slope_cr, cr)):
            slope *= luma_hw
            offset += slope
        return cb, cr

    def _grown(
        self, size: tuple[int, ...], top: int, scale_y: float, scale_x: float
    ) -> Sequence[Float]:
        """Coefficients at each pixel of a strip: four planes of (rows, W).

        They are resampled to points a few pixels apart, and from there by a whole factor: a piece
        of a whole-number enlargement is the same whatever strip it is cut from.
        """
        rows, width = size
        step = MAX_STEP
        while step > 1 and step * max(scale_y, scale_x) > 0.5:
            step //= 2
        first = top // step - 1  # with a neighbour on either side
        last = -(-(top + rows) // step) + 1
        before = 1 if self.beside else 0  # points beyond either edge, where there is anything
        columns = -(-width // step) + 2 * before
        dy, dx = step * scale_y, step * scale_x
        left = self.beside + (0.5 - before) * dx - 0.5
        to_grid = np.array([[dx, 0, left], [0, dy, (first + 0.5) * dy - 0.5]], np.float32)
        points = cv2.warpAffine(
            self.coefficients_hw4,
            to_grid,
            (columns, last - first),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        at = np.s_[top - first * step :, before * step :]
        return [_enlarged(plane, step)[at][:rows, :width] for plane in cv2.split(points)]


def _enlarged(plane: NDArray[Any], step: int) -> Float:
    size = (plane.shape[1] * step, plane.shape[0] * step)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))


def chroma_map(luma_hw: NDArray[Any], chroma: NetworkMap, method: Method) -> ChromaMap:
    """Fit the model's chroma to the master's luma on the network's own cells.

    Covariances are of the cells, where chroma is known; the luma's variance is of a finer picture,
    so that texture within a cell, which chroma says nothing about, moves it little.

    Args:
        luma_hw: the master's luma, (H, W) uint8 or uint16.
        chroma: CIE Lab a and b; its picture is no larger than the luma.
        method: "guided" follows the luma's edges, "bilinear" does not.
    """
    cells, beside = chroma.cells_hwc, 0
    height, width = cells.shape[:2]
    extent = (
        height * chroma.size[0] / chroma.padded[0],
        width * chroma.size[1] / chroma.padded[1],
    )
    radius = max(1, round(min(extent) / WINDOWS))
    finer = min(max(1, round(FINE_PX / min(extent))), max(1, chroma.padded[0] // height))
    fine = _luma_on_grid(luma_hw, (finer * height, finer * width), finer, extent)
    if chroma.wraps:  # enough for two averages, and for a neighbour of the picture's edge
        beside = 2 * radius + 1
        fine, cells = wrapped(fine, finer * beside, 1), wrapped(cells, beside, 1)
        width += 2 * beside
    luma = _cells(fine, height, width)
    chroma_hw2 = _fit_to_gamut(luma, cells)
    if method == "bilinear":
        return ChromaMap(_joined(np.zeros_like(chroma_hw2), chroma_hw2), extent, beside)
    mean_luma = _average(luma, radius)[..., None]
    mean_chroma = _average(chroma_hw2, radius)
    variance = _average(_cells(fine * fine, height, width), radius)[..., None] - mean_luma**2
    covariance = _average(luma[..., None] * chroma_hw2, radius) - mean_luma * mean_chroma
    slope = _average(covariance / (np.maximum(variance, 0) + EPSILON), radius)
    offset = chroma_hw2 - slope * luma[..., None]
    return ChromaMap(_joined(slope, offset), extent, beside)


def _joined(slope_hw2: Float, offset_hw2: Float) -> Float:
    both = np.empty((*slope_hw2.shape[:2], 4), np.float32)
    both[..., :2], both[..., 2:] = slope_hw2, offset_hw2
    return both


def _luma_on_grid(
    luma_hw: NDArray[Any], size: tuple[int, int], finer: int, extent: tuple[float, float]
) -> Float:
    """The luma of each part of a cell, edges repeated beyond the picture: (h, w) float32 in [0, 1].

    Args:
        luma_hw: (H, W) uint8 or uint16.
        size: parts down and across.
        finer: parts of a cell each way.
        extent: cells of the picture down and across.
    """
    small = luma_hw
    while all(side >= 2 * finer * cells for side, cells in zip(small.shape, extent, strict=True)):
        small = halved(small)
    dy, dx = (side / (finer * cells) for side, cells in zip(small.shape, extent, strict=True))
    to_small = np.array([[dx, 0, 0.5 * dx - 0.5], [0, dy, 0.5 * dy - 0.5]], np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    parts = cv2.warpAffine(small, to_small, size[::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(parts.astype(np.float32) * np.float32(1 / np.iinfo(luma_hw.dtype).max))


def _cells(plane: Float, height: int, width: int) -> Float:
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def _average(plane: Float, radius: int) -> Float:
    size = 2 * radius + 1
    return np.asarray(cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT))


def _fit_to_gamut(luma_hw: Float, ab_hw2: NDArray[Any]) -> Float:
    """Cb and Cr, (h, w, 2), of Lab chroma on a grey picture; brought into the gamut by clipping."""
    gray = np.repeat(luma_hw[..., None], 3, axis=2)
    lab = rgb_to_lab(gray)
    lab[..., 1:] = ab_hw2
    rgb = lab_to_rgb(lab)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    cb = (rgb[..., 2] - luma) / B_FROM_CB
    cr = (rgb[..., 0] - luma) / R_FROM_CR
    return np.asarray(cv2.merge([cb, cr]))
