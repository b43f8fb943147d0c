"""Chroma from the proxy, brought to the master's edges.

In every window of the proxy chroma is fitted as a line in the luma, as in the guided filter (He,
Sun & Tang 2010; at proxy size: He & Sun 2015). Only the slope is taken: the chroma itself is
brought up bilinearly, and the luma's detail, which the proxy does not have, is added times the
slope. Where the luma has an edge the chroma gets it too; what the model said is not smoothed again
(the plain guided filter smooths it, and was further from the truth than bilinear:
benchmarks/bench_steps.py). Axes: h height, w width; chroma planes are Cb and Cr.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import B_FROM_CB, R_FROM_CR, Float, lab_to_rgb, rgb_to_lab

Method = Literal["guided", "bilinear"]
RADIUS_PX: Final = 4
"""Radius of the window, in proxy pixels: the stride at which the model predicts."""
EPSILON: Final = 1e-3
"""Luma variance (of 1) under which a window counts as flat: a deviation of 8 in 255."""


@dataclass(frozen=True, slots=True)
class ChromaMap:
    """Chroma at proxy size as lines in the luma: Cb, Cr = slope * luma + offset.

    Luma in [0, 1], chroma centred, in [-0.5, 0.5].
    """

    coefficients_hw4: Float
    """(h, w, 4): slope Cb, slope Cr, offset Cb, offset Cr."""

    def at(self, luma_hw: Float, top: float, scale_y: float, scale_x: float) -> tuple[Float, Float]:
        """Chroma of a strip.

        Args:
            luma_hw: (rows, W) float32 luma of the strip, in [0, 1].
            top: first row of the strip within the target, in target pixels.
            scale_y: proxy rows a target row.
            scale_x: proxy columns a target column.

        Returns:
            Cb and Cr, each (rows, W) float32.
        """
        rows, width = luma_hw.shape
        to_proxy = np.array(
            [[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, (top + 0.5) * scale_y - 0.5]],
            np.float32,
        )
        grown = cv2.warpAffine(
            self.coefficients_hw4,
            to_proxy,
            (width, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        cb = grown[..., 0] * luma_hw + grown[..., 2]
        cr = grown[..., 1] * luma_hw + grown[..., 3]
        return cb, cr


def chroma_map(luma_hw: NDArray[Any], ab_2hw: NDArray[Any], method: Method) -> ChromaMap:
    """Fit the model's chroma to the master's luma at proxy size.

    Args:
        luma_hw: the master's luma at proxy size, (h, w) float32 in [0, 1].
        ab_2hw: CIE Lab a and b, (2, h, w).
        method: "guided" follows the luma's edges, "bilinear" does not.
    """
    luma = np.ascontiguousarray(luma_hw, np.float32)
    chroma = _fit_to_gamut(luma, ab_2hw)
    if method == "bilinear":
        return ChromaMap(np.dstack((np.zeros_like(chroma), chroma)))
    mean_luma = _average(luma)[..., None]
    mean_chroma = _average(chroma)
    variance = _average(luma * luma)[..., None] - mean_luma**2
    covariance = _average(luma[..., None] * chroma) - mean_luma * mean_chroma
    slope = _average(covariance / (np.maximum(variance, 0) + EPSILON))
    offset = chroma - slope * luma[..., None]
    return ChromaMap(np.dstack((slope, offset)).astype(np.float32))


def _average(plane: Float) -> Float:
    size = 2 * RADIUS_PX + 1
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
