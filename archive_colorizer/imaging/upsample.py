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
from archive_colorizer.imaging.halving import area_average

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

    def at(self, luma_hw: Float, top: float, scale_y: float, scale_x: float) -> tuple[Float, Float]:
        """Chroma of a strip.

        Args:
            luma_hw: (rows, W) float32 luma of the strip, in [0, 1].
            top: first row of the strip within the target, in target pixels.
            scale_y: rows of the grid a target row.
            scale_x: columns of the grid a target column.

        Returns:
            Cb and Cr, each (rows, W) float32.
        """
        slope_cb, slope_cr, cb, cr = self._grown(luma_hw.shape, int(top), scale_y, scale_x)
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
        columns = -(-width // step)
        dy, dx = step * scale_y, step * scale_x
        to_grid = np.array([[dx, 0, 0.5 * dx - 0.5], [0, dy, (first + 0.5) * dy - 0.5]], np.float32)
        points = cv2.warpAffine(
            self.coefficients_hw4,
            to_grid,
            (columns, last - first),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        start = top - first * step
        return [_enlarged(plane, step)[start : start + rows, :width] for plane in cv2.split(points)]


def _enlarged(plane: NDArray[Any], step: int) -> Float:
    size = (plane.shape[1] * step, plane.shape[0] * step)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))


def chroma_map(luma_hw: NDArray[Any], ab_2hw: NDArray[Any], method: Method) -> ChromaMap:
    """Fit the model's chroma to the master's luma on the chroma's own grid.

    Covariances are of the grid, where chroma is known; the luma's variance is of the finer picture,
    so that texture within a cell, which chroma says nothing about, moves it little.

    Args:
        luma_hw: the master's luma, (H, W) uint8 or uint16, no smaller than the chroma.
        ab_2hw: CIE Lab a and b, (2, h, w).
        method: "guided" follows the luma's edges, "bilinear" does not.
    """
    height, width = ab_2hw.shape[1:]
    radius = max(1, round(min(height, width) / WINDOWS))
    finer = max(1, round(FINE_PX / min(height, width))) if method == "guided" else 1
    finer = min(finer, luma_hw.shape[0] // height, luma_hw.shape[1] // width) or 1
    fine = area_average(luma_hw, height * finer, width * finer).astype(np.float32)
    fine *= np.float32(1 / np.iinfo(luma_hw.dtype).max)
    luma = _cells(fine, height, width)
    chroma = _fit_to_gamut(luma, ab_2hw)
    if method == "bilinear":
        return ChromaMap(np.dstack((np.zeros_like(chroma), chroma)))
    mean_luma = _average(luma, radius)[..., None]
    mean_chroma = _average(chroma, radius)
    variance = _average(_cells(fine * fine, height, width), radius)[..., None] - mean_luma**2
    covariance = _average(luma[..., None] * chroma, radius) - mean_luma * mean_chroma
    slope = _average(covariance / (np.maximum(variance, 0) + EPSILON), radius)
    offset = chroma - slope * luma[..., None]
    return ChromaMap(np.dstack((slope, offset)).astype(np.float32))


def _cells(plane: Float, height: int, width: int) -> Float:
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def _average(plane: Float, radius: int) -> Float:
    size = 2 * radius + 1
    return np.asarray(cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT))


def _fit_to_gamut(luma_hw: Float, ab_2hw: NDArray[Any]) -> Float:
    """Cb and Cr, (h, w, 2), of Lab chroma on a grey picture; brought into the gamut by clipping."""
    gray = np.repeat(luma_hw[..., None], 3, axis=2)
    lab = rgb_to_lab(gray)
    lab[..., 1:] = np.moveaxis(np.asarray(ab_2hw, np.float32), 0, -1)
    rgb = lab_to_rgb(lab)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    cb = (rgb[..., 2] - luma) / B_FROM_CB
    cr = (rgb[..., 0] - luma) / R_FROM_CR
    return np.dstack((cb, cr))
