"""The homomorphic filter: even out illumination, keep reflectance. H height, W width, C channel."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import LUMA_WEIGHTS

LOW_GAIN: Final = 0.5
HIGH_GAIN: Final = 1.3
CUTOFF: Final = 0.03
"""Cycles a pixel of the short side's frequency axis: illumination varies more slowly."""
CUTOFF_PX: Final = 256
"""Short side at which CUTOFF holds."""
MAX_GAIN: Final = 4.0


def homomorphic(
    pixels: NDArray[np.uint8],
    *,
    low_gain: float = LOW_GAIN,
    high_gain: float = HIGH_GAIN,
    cutoff: float = CUTOFF,
) -> NDArray[np.uint8]:
    """Damp slow changes of light and raise edges (Oppenheim, Schafer & Stockham 1968).

    Log of luma, a Gaussian high-pass in the frequency domain, exp; mean log-luma is kept. Colours
    are scaled with the luma, so hue and saturation stay.

    Args:
        pixels: (H, W) or (H, W, 3) sRGB-encoded.
        low_gain: of the illumination; 1 leaves it.
        high_gain: of the reflectance; 1 leaves it.
        cutoff: cycles a pixel at which the gain is between the two.

    Returns:
        Same shape and type.
    """
    scaled = pixels.astype(np.float32)
    luma = scaled if pixels.ndim == 2 else scaled @ LUMA_WEIGHTS
    log = np.log1p(luma)
    filtered = _filter_log(log, low_gain, high_gain, cutoff)
    wanted = np.expm1(np.clip(filtered, 0, np.log(256)))
    gain = np.clip((wanted + 1) / (luma + 1), 0, MAX_GAIN)
    gain = gain if pixels.ndim == 2 else gain[..., None]
    return np.asarray(np.clip(np.rint(scaled * gain), 0, 255), np.uint8)


def even_light(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Filter a picture as models are shown it, with the cutoff for its size; as `homomorphic`."""
    return homomorphic(pixels, cutoff=cutoff_of(min(pixels.shape[:2])))


def cutoff_of(short_px: int) -> float:
    """The cutoff for a picture: over more pixels the same light varies more slowly."""
    return CUTOFF * min(1.0, CUTOFF_PX / short_px)


def _filter_log(
    log_hw: NDArray[np.float32], low: float, high: float, cutoff: float
) -> NDArray[Any]:
    """Scale low frequencies by `low`, high ones by `high`; the mean stays. (H, W) -> the same."""
    height, width = log_hw.shape
    # Mirrored at the far edges: a step from one edge to the other is no light of the scene.
    rows, columns = cv2.getOptimalDFTSize(2 * height), cv2.getOptimalDFTSize(2 * width)
    padded = np.pad(log_hw, ((0, rows - height), (0, columns - width)), mode="symmetric")
    spectrum = np.fft.rfft2(padded)
    square = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(columns)[None] ** 2
    gain = high + (low - high) * np.exp(-square / (2 * cutoff**2))
    gain[0, 0] = 1.0
    return np.fft.irfft2(spectrum * gain, (rows, columns))[:height, :width].astype(np.float32)
