"""The tone class of a master, and the small grey proxy that the model sees."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import chroma, rgb_to_lab
from archive_colorizer.imaging.decode import luma_of

NEUTRAL_CHROMA: Final = 3.0
"""Mean chroma up to which a scan counts as neutral: scanners and JPEG leave a little."""
TONED_SPREAD: Final = 2.5
"""Mean distance of (a, b) from the tone's line, up to which a print has one tone: 40 historic
prints stay under 1.8, and 97 % of modern colour photographs lie above."""
STRONG_TONE: Final = 0.12
"""A strong tone (a cyanotype) may stray further, by this share of its chroma ..."""
TINTED_SPREAD: Final = 4.0
"""... and no further than this; below it and off the tone's line a print is hand-coloured."""
LONG_TO_SHORT: Final = 2.0
"""A proxy's long side is at most this many times the wanted short side."""
COLOUR_CLASSES: Final = frozenset({"colour", "tinted"})
"""Tone classes of masters that have colours of their own."""
MIN_SIDE_PX: Final = 8
MAX_MEASURED_PIXELS: Final = 1e6
"""Quality is measured on at most so many pixels, unless all are asked for."""


def tone_class(rgb_hwc: NDArray[np.uint8]) -> tuple[str, float]:
    """Classify a picture's tones.

    A toned print (sepia, cyanotype, faded) has one chroma for each lightness: chroma that does not
    follow from the lightness is colour. It is measured as the spread of (a, b) about its mean in
    each band of lightness.

    Args:
        rgb_hwc: (H, W) or (H, W, 3) uint8, small.

    Returns:
        neutral, toned, tinted or colour; and the mean CIE Lab chroma.
    """
    if rgb_hwc.ndim == 2:
        return "neutral", 0.0
    small = cv2.blur(rgb_hwc, (3, 3))  # chroma noise of the scanner and of JPEG is no colour
    lab = rgb_to_lab(np.asarray(small))
    mean_chroma = float(chroma(lab).mean())
    if mean_chroma < NEUTRAL_CHROMA:
        strong = float((chroma(lab) > 4 * NEUTRAL_CHROMA).mean())
        return ("neutral" if strong < 0.01 else "tinted"), mean_chroma
    off = _measure_spread(lab)
    if off < max(TONED_SPREAD, min(TINTED_SPREAD, STRONG_TONE * mean_chroma)):
        return "toned", mean_chroma
    if off < TINTED_SPREAD:
        return "tinted", mean_chroma
    return "colour", mean_chroma


def _measure_spread(lab_hwc: NDArray[np.float32]) -> float:
    """Mean distance of (a, b) from its mean in bands of lightness ten units wide."""
    band = np.clip(lab_hwc[..., 0] // 10, 0, 9).astype(np.intp).ravel()
    ab = lab_hwc[..., 1:].reshape(-1, 2)
    count = np.maximum(np.bincount(band, minlength=10), 1)
    sums = [np.bincount(band, weights=ab[:, i], minlength=10) for i in (0, 1)]
    means = np.stack(sums, axis=1) / count[:, None]
    return float(np.hypot(*(ab - means[band]).T).mean())


def proxy_size(height: int, width: int, short_px: int) -> tuple[int, int]:
    """(height, width) of a proxy: the short side `short_px`, the long one at most twice that.

    A picture that is smaller keeps its size; no side goes below 8 pixels.
    """
    short, long = min(height, width), max(height, width)
    scale = min(1.0, short_px / short, LONG_TO_SHORT * short_px / long)
    return max(MIN_SIDE_PX, round(height * scale)), max(MIN_SIDE_PX, round(width * scale))


def make_proxy(pixels: NDArray[Any], short_px: int) -> NDArray[np.uint8]:
    """A small grey picture of a (reduced) master.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, sRGB-encoded.
        short_px: wanted short side.

    Returns:
        (h, w) uint8.
    """
    gray = luma_of(pixels)
    height, width = proxy_size(gray.shape[0], gray.shape[1], short_px)
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA))


def make_colour_proxy(pixels: NDArray[Any], short_px: int) -> NDArray[np.uint8]:
    """A small RGB picture of a (reduced) master, for models that translate: (h, w, 3) uint8."""
    height, width = proxy_size(pixels.shape[0], pixels.shape[1], short_px)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 3 else cv2.merge([small] * 3))


def dhash64(gray_hw: NDArray[np.uint8]) -> str:
    """64-bit difference hash (Krawetz 2013): is each of 8x9 cells darker than its neighbour.

    Returns:
        16 hex digits.
    """
    small = cv2.resize(gray_hw, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    return bits.tobytes().hex()
