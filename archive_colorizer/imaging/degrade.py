"""What old photographs suffered: emulsion, tone, blur, scratches, grain, JPEG. Grey side only."""

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import LUMA_WEIGHTS

Float = NDArray[np.float32]


def degraded_gray(rgb_hwc: Float, rng: np.random.Generator) -> Float:
    """A grey picture as an old camera, a century and a scanner might give it.

    Args:
        rgb_hwc: (H, W, 3) float32 sRGB in [0, 1].
        rng: decides what happens, and how much.

    Returns:
        (H, W) float32 in [0, 1].
    """
    gray = np.asarray(rgb_hwc @ (emulsion(rng) if rng.random() < 0.6 else LUMA_WEIGHTS))
    gray = toned(gray, rng)
    if rng.random() < 0.25:
        gray = cv2.GaussianBlur(gray, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        gray = scratched(gray, rng)
    if rng.random() < 0.35:  # grain
        gray = gray + rng.normal(0, rng.uniform(0.01, 0.06), gray.shape)
    gray = np.asarray(np.clip(gray, 0, 1), np.float32)
    return jpeg(gray, int(rng.integers(30, 90))) if rng.random() < 0.3 else gray


def emulsion(rng: np.random.Generator) -> Float:
    """Weights of red, green and blue: panchromatic, orthochromatic or blue-sensitive film."""
    return np.asarray(rng.dirichlet([1.2, 1.5, 1.0]), np.float32)


def toned(gray_hw: Float, rng: np.random.Generator) -> Float:
    """Tone curves: exposure and development, fading, hard paper. (H, W) in [0, 1]."""
    if rng.random() < 0.6:
        gray_hw = np.clip(gray_hw, 0, 1) ** float(np.exp(rng.uniform(-0.4, 0.4)))
    if rng.random() < 0.3:
        low, high = rng.uniform(0, 0.18), rng.uniform(0.8, 1)
        gray_hw = low + (high - low) * gray_hw
    if rng.random() < 0.3:
        gray_hw = (gray_hw - 0.5) * rng.uniform(1, 1.4) + 0.5
    return np.asarray(np.clip(gray_hw, 0, 1), np.float32)


def scratched(gray_hw: Float, rng: np.random.Generator) -> Float:
    """Up to eight thin scratches, light or dark, and as many specks of dust. (H, W)."""
    height, width = gray_hw.shape
    mask = np.zeros_like(gray_hw)
    for _ in range(int(rng.integers(1, 9))):
        start = rng.integers((width, height))
        slope = rng.normal(0, (0.1 * width, 0.5 * height))
        end = np.rint(start + slope).astype(int)
        line = tuple(int(v) for v in start), tuple(int(v) for v in end)
        cv2.line(mask, *line, float(rng.uniform(0.3, 1)), 1, cv2.LINE_AA)
        speck = tuple(int(v) for v in rng.integers((width, height)))
        cv2.circle(mask, speck, int(rng.integers(1, 3)), float(rng.uniform(0.3, 1)), -1)
    shade = np.float32(1 if rng.random() < 0.7 else 0)
    return np.asarray(gray_hw + mask * (shade - gray_hw), np.float32)


def jpeg(gray_hw: Float, quality: int) -> Float:
    """Through JPEG and back. (H, W) in [0, 1]."""
    pixels = np.rint(gray_hw * 255).astype(np.uint8)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    back = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(back, np.float32) / np.float32(255)
