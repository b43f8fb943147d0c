"""Damage of old photographs: emulsion, tone, blur, scratches, grain, JPEG."""

import hashlib
from typing import Any

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


def worn_surface(rgb_hw3: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture with grain, scratches and dust over its colours, which stay what they are.

    Args:
        rgb_hw3: (H, W, 3) sRGB.
        rng: decides how much of each; grain is the same in all channels half of the time.

    Returns:
        (H, W, 3).
    """
    picture = np.asarray(rgb_hw3, np.float32) / np.float32(255)
    if rng.random() < 0.4:
        picture = scratched(picture, rng)
    if rng.random() < 0.7:
        channels = 1 if rng.random() < 0.5 else 3
        grain = rng.normal(0, rng.uniform(0.01, 0.06), (*picture.shape[:2], channels))
        picture = picture + grain.astype(np.float32)
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def surely_worn(rgb_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`worn_surface` by chance that the content decides, until it has left something."""
    rng, worn = chance_of(rgb_hw3), rgb_hw3
    while np.array_equal(worn, rgb_hw3):
        worn = worn_surface(rgb_hw3, rng)
    return worn


def chance_of(picture: NDArray[Any]) -> np.random.Generator:
    """A random generator that a picture's content decides, so that the order of work does not."""
    content = hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()
    return np.random.default_rng(int.from_bytes(content[:8], "big"))


def scratched(picture: Float, rng: np.random.Generator) -> Float:
    """Up to eight thin scratches, light or dark, and as many specks of dust. (H, W[, 3])."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 9))):
        start = rng.integers((width, height))
        slope = rng.normal(0, (0.1 * width, 0.5 * height))
        end = np.rint(start + slope).astype(int)
        line = tuple(int(v) for v in start), tuple(int(v) for v in end)
        cv2.line(mask, *line, float(rng.uniform(0.3, 1)), 1, cv2.LINE_AA)
        speck = tuple(int(v) for v in rng.integers((width, height)))
        cv2.circle(mask, speck, int(rng.integers(1, 3)), float(rng.uniform(0.3, 1)), -1)
    shade = np.float32(1 if rng.random() < 0.7 else 0)
    over = mask.reshape(mask.shape + (1,) * (picture.ndim - 2))
    return np.asarray(picture + over * (shade - picture), np.float32)


def jpeg(gray_hw: Float, quality: int) -> Float:
    """Through JPEG and back. (H, W) in [0, 1]."""
    pixels = np.rint(gray_hw * 255).astype(np.uint8)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    back = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(back, np.float32) / np.float32(255)
