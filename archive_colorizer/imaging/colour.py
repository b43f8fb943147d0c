"""Colour spaces and colour measures on arrays. Axes: h height, w width, c channel."""

from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

LUMA_WEIGHTS: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, on sRGB-encoded R'G'B'."""
LUMINANCE_WEIGHTS: Final = np.array([0.2126729, 0.7151522, 0.0721750], np.float32)
"""CIE Y of linear sRGB (IEC 61966-2-1)."""
R_FROM_CR, G_FROM_CB, G_FROM_CR, B_FROM_CB = 1.402, -0.344136, -0.714136, 1.772
"""JFIF: R' = Y' + 1.402 Cr and so on, with centred Cb and Cr."""
AB_SCALE: Final = 110.0
"""Divisor of a and b for networks: over 1 only for colours that sRGB does not reach."""

Float = NDArray[np.float32]


def rgb_to_lab(rgb_hwc: NDArray[Any]) -> Float:
    """Convert sRGB to CIE Lab (D65).

    Args:
        rgb_hwc: (H, W, 3) uint8, or float32 in [0, 1].

    Returns:
        (H, W, 3) float32: L in [0, 100], a and b about [-128, 127].
    """
    scaled = rgb_hwc.astype(np.float32)
    if rgb_hwc.dtype == np.uint8:
        scaled /= 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab))


def lab_to_rgb(lab_hwc: Float) -> Float:
    """The inverse of `rgb_to_lab`, clipped to the gamut: (H, W, 3) float32 in [0, 1]."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab_hwc, np.float32), cv2.COLOR_Lab2RGB)
    return np.asarray(np.clip(rgb, 0, 1), np.float32)


def decode_srgb(encoded: NDArray[Any]) -> Float:
    """Decode sRGB's tone curve: float32 in [0, 1] -> float32 in [0, 1]."""
    x = np.asarray(encoded, np.float32)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode_srgb(linear: NDArray[Any]) -> Float:
    """Apply sRGB's tone curve, the inverse of `decode_srgb`."""
    x = np.asarray(linear, np.float32)
    return np.where(
        x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 1e-12) ** (1 / 2.4) - 0.055
    ).astype(np.float32)


@lru_cache(maxsize=2)
def linear_table(top: int) -> Float:
    """`decode_srgb` for every value of an integer type whose largest is `top`: (top + 1,)."""
    return decode_srgb(np.arange(top + 1, dtype=np.float32) / top)


def lightness(luminance: NDArray[Any]) -> Float:
    """CIE L* in [0, 100] of relative luminance in [0, 1] (CIE 15)."""
    y = np.asarray(luminance, np.float32)
    delta = 6 / 29
    f = np.where(y > delta**3, np.cbrt(y), y / (3 * delta**2) + 4 / 29)
    return (116 * f - 16).astype(np.float32)


def chroma(lab_hwc: Float) -> Float:
    """CIE Lab chroma: (H, W, 3) -> (H, W)."""
    return np.hypot(lab_hwc[..., 1], lab_hwc[..., 2])


def colourfulness(rgb_hwc: NDArray[Any]) -> float:
    """Colourfulness M3 of Hasler & Suesstrunk (2003), in the signed form of the paper.

    Args:
        rgb_hwc: (H, W, 3) uint8 sRGB.

    Returns:
        0 for grey; 15 slightly, 33 moderately, 45 averagely, 59 quite, 82 highly colourful.
    """
    red, green, blue = cv2.split(np.ascontiguousarray(rgb_hwc))
    rg = cv2.meanStdDev(cv2.subtract(red, green, dtype=cv2.CV_16S))
    both = cv2.add(red, green, dtype=cv2.CV_16S)
    yb = cv2.meanStdDev(cv2.subtract(both, cv2.add(blue, blue, dtype=cv2.CV_16S)))
    means, spreads = zip(rg, yb, strict=True)
    half = np.array([1, 0.5])  # yb was measured doubled, to stay whole
    spread, mean = (np.hypot(*(np.ravel(pair) * half)) for pair in (spreads, means))
    return float(spread + 0.3 * mean)
