"""Reflections drawn on photographs: discs, streaks and soft veils, as light that is added."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import decode_srgb, encode_srgb

KINDS: Final = ("disc", "streak", "veil")
SHARE: Final = (0.002, 0.05)
"""Of the picture, that a reflection changes visibly."""
VISIBLE: Final = 12
"""Levels of 255 by which a pixel has become lighter."""
TRIES: Final = 60


class Drawn(NamedTuple):
    """A photograph with a reflection."""

    gray_hw: NDArray[np.uint8]
    mask_hw: NDArray[np.bool_]
    """Where it is visible."""
    kind: str


def draw_glare(gray_hw: NDArray[np.uint8], rng: np.random.Generator, kind: str) -> Drawn:
    """Draw one reflection whose visible part has SHARE of the picture.

    Raises:
        ValueError: no place was found where it can be seen (the picture is white).
    """
    linear = decode_srgb(gray_hw.astype(np.float32) / 255)
    wanted = np.exp(rng.uniform(*np.log(SHARE)))
    size = np.sqrt(wanted * gray_hw.size)
    for _ in range(TRIES):
        light = _light(gray_hw.shape, rng, kind, size)
        lit = np.rint(encode_srgb(np.minimum(linear + light, 1)) * 255).astype(np.uint8)
        mask = lit.astype(int) - gray_hw >= VISIBLE
        share = mask.mean()
        if SHARE[0] <= share <= SHARE[1]:
            return Drawn(lit, mask, kind)
        size *= 0.8 if share > SHARE[1] else 1.15
    raise ValueError("no place for a reflection")


def _light(
    shape: tuple[int, ...], rng: np.random.Generator, kind: str, size: float
) -> NDArray[np.float32]:
    """Linear light, (H, W): of about size x size pixels."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - rng.uniform(0.06, 0.94) * height, x - rng.uniform(0.06, 0.94) * width
    turn = rng.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    if kind == "disc":
        stretch = rng.uniform(1, 1.5)
        r = np.hypot(along / stretch, across) / (size * 0.5)
        core, fall = rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.6)
        return np.asarray(rng.uniform(0.8, 3) * np.exp(-((np.maximum(r - core, 0) / fall) ** 2)))
    if kind == "streak":
        stretch = rng.uniform(3, 9)
        length, breadth = size * np.sqrt(stretch) / 2, size / np.sqrt(stretch) / 2
        body = np.exp(-((across / breadth) ** 2) - np.maximum(np.abs(along) / length, 0) ** 4)
        return np.asarray(rng.uniform(0.4, 2) * body)
    r = np.hypot(along / rng.uniform(1, 2), across) / (size * 0.6)
    return np.asarray(rng.uniform(0.15, 0.5) * np.exp(-(r**2) * rng.uniform(0.8, 1.6)))
