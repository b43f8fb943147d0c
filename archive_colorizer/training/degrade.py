"""What old photographs suffered: emulsion, tone, fading, blur, grain. On the grey side only."""

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import LUMA_WEIGHTS

Float = NDArray[np.float32]


def degraded_gray(rgb_hwc: Float, rng: np.random.Generator) -> Float:
    """A grey picture as an old camera and a century might give it.

    Args:
        rgb_hwc: (H, W, 3) float32 sRGB in [0, 1].
        rng: decides what happens, and how much.

    Returns:
        (H, W) float32 in [0, 1].
    """
    gray = rgb_hwc @ (emulsion(rng) if rng.random() < 0.6 else LUMA_WEIGHTS)
    if rng.random() < 0.6:  # exposure and development
        gray = np.clip(gray, 0, 1) ** float(np.exp(rng.uniform(-0.4, 0.4)))
    if rng.random() < 0.3:  # fading
        low, high = rng.uniform(0, 0.18), rng.uniform(0.8, 1)
        gray = low + (high - low) * gray
    if rng.random() < 0.3:  # hard paper
        gray = np.clip((gray - 0.5) * rng.uniform(1, 1.4) + 0.5, 0, 1)
    if rng.random() < 0.25:
        gray = cv2.GaussianBlur(gray, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.35:  # grain
        gray = gray + rng.normal(0, rng.uniform(0.01, 0.06), gray.shape)
    return np.asarray(np.clip(gray, 0, 1), np.float32)


def emulsion(rng: np.random.Generator) -> Float:
    """Weights of red, green and blue: panchromatic, orthochromatic or blue-sensitive film."""
    return np.asarray(rng.dirichlet([1.2, 1.5, 1.0]), np.float32)
