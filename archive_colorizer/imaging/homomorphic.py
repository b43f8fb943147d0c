"""The homomorphic filter: even out illumination, keep reflectance. H height, W width, C channel."""

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import LUMA_WEIGHTS

CUTOFF_PX: Final = 256
"""Short side at which a cutoff holds as it is given."""
MAX_GAIN: Final = 4.0


@dataclass(frozen=True, slots=True)
class LightFilter:
    """What the filter does to slow changes of light, to quick ones, and where they part."""

    low_gain: float = 0.5
    """Of the illumination; 1 leaves it."""
    high_gain: float = 1.3
    """Of the reflectance; 1 leaves it."""
    cutoff: float = 0.03
    """Cycles a pixel at which the gain is between the two: illumination varies more slowly."""

    def at_size(self, short_px: int) -> "LightFilter":
        """The filter for a picture: over more pixels the same light varies more slowly."""
        return replace(self, cutoff=self.cutoff * min(1.0, CUTOFF_PX / short_px))


DEFAULT: Final = LightFilter()


def homomorphic(pixels: NDArray[np.uint8], light: LightFilter = DEFAULT) -> NDArray[np.uint8]:
    """Damp slow changes of light and raise edges (Oppenheim, Schafer & Stockham 1968).

    Log of luma, a Gaussian high-pass in the frequency domain, exp; mean log-luma is kept. Colours
    are scaled with the luma, so hue and saturation stay.

    Args:
        pixels: (H, W) or (H, W, 3) sRGB-encoded.
        light: gains, and the cutoff in cycles a pixel of this very picture.

    Returns:
        Same shape and type.
    """
    scaled = pixels.astype(np.float32)
    luma = scaled if pixels.ndim == 2 else scaled @ LUMA_WEIGHTS
    log = np.log1p(luma)
    filtered = _filter_log(log, light)
    wanted = np.expm1(np.clip(filtered, 0, np.log(256)))
    gain = np.clip((wanted + 1) / (luma + 1), 0, MAX_GAIN)
    gain = gain if pixels.ndim == 2 else gain[..., None]
    return np.asarray(np.clip(np.rint(scaled * gain), 0, 255), np.uint8)


def even_light(pixels: NDArray[np.uint8], light: LightFilter = DEFAULT) -> NDArray[np.uint8]:
    """Filter a picture as models are shown it, with the cutoff for its size; as `homomorphic`."""
    return homomorphic(pixels, light.at_size(min(pixels.shape[:2])))


def _filter_log(log_hw: NDArray[np.float32], light: LightFilter) -> NDArray[Any]:
    """Scale low and high frequencies by their gains; the mean stays. (H, W) -> the same."""
    height, width = log_hw.shape
    # Mirrored at the far edges: a step from one edge to the other is no light of the scene.
    rows, columns = cv2.getOptimalDFTSize(2 * height), cv2.getOptimalDFTSize(2 * width)
    padded = np.pad(log_hw, ((0, rows - height), (0, columns - width)), mode="symmetric")
    spectrum = np.fft.rfft2(padded)
    square = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(columns)[None] ** 2
    low, high = light.low_gain, light.high_gain
    gain = high + (low - high) * np.exp(-square / (2 * light.cutoff**2))
    gain[0, 0] = 1.0
    return np.fft.irfft2(spectrum * gain, (rows, columns))[:height, :width].astype(np.float32)
