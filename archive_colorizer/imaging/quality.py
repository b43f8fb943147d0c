"""How a delivered picture compares with its master."""

from typing import Any, BinaryIO, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.decode import luma_of, to_8_bits
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.strips import decode_jpeg, read_strips
from archive_colorizer.imaging.tone import reduction_for

MAX_PIXELS: Final = 1e6
COLOUR_SHORT_PX: Final = 256
"""Colourfulness is read off a reduced decode whose short side is at least this."""


class Quality(NamedTuple):
    """Figures of one delivered picture; luminance is luma Y', 0..255."""

    colourfulness: float
    luminance_mae: float
    luminance_p99: float


def measure(luma_hw: NDArray[Any], delivered: BinaryIO, *, full: bool = False) -> Quality:
    """Compare the delivered file with the master's luma.

    Both are area-averaged by the same whole factor, so that at most 1 megapixel is compared, unless
    `full`. The delivered file is decoded, not what went into it.

    Args:
        luma_hw: (H, W) uint8 or uint16, the master's.
        delivered: the derivative as a file; upright, sRGB.
        full: compare every pixel.
    """
    factor = 1 if full else reduction_for(luma_hw.shape[0], luma_hw.shape[1], MAX_PIXELS)
    luma, rgb = _delivered(delivered, luma_hw.shape)
    difference = cv2.absdiff(_reduced(to_8_bits(luma_hw), factor), _reduced(luma, factor))
    counts = np.bincount(difference.ravel(), minlength=256)
    at = np.searchsorted(np.cumsum(counts), 0.99 * difference.size)
    mean = float((counts * np.arange(256)).sum() / difference.size)
    return Quality(colourfulness(rgb), mean, float(at))


def _delivered(
    source: BinaryIO, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Luma at full size, and a small RGB picture."""
    source.seek(0)
    if source.read(2) == b"\xff\xd8":
        source.seek(0)
        data = source.read()
        luma = decode_jpeg(data, gray=True)
        return luma, decode_jpeg(data, gray=False, min_short_px=COLOUR_SHORT_PX)
    header = read_header(source, max_megapixels=float("inf"))
    factor = max(1, min(shape) // COLOUR_SHORT_PX)
    luma, small, top = np.empty(shape, np.uint8), [], 0
    for strip in read_strips(source, header):
        pixels = to_8_bits(strip)
        luma[top : top + len(pixels)] = luma_of(pixels)
        small.append(pixels[-top % factor :: factor, ::factor])
        top += len(pixels)
    return luma, np.concatenate(small)


def _reduced(luma_hw: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    if factor == 1:
        return luma_hw
    size = (max(1, luma_hw.shape[1] // factor), max(1, luma_hw.shape[0] // factor))
    return np.asarray(cv2.resize(luma_hw, size, interpolation=cv2.INTER_AREA))
