"""How a delivered picture compares with its master."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.decode import luma_of, to_8_bits
from archive_colorizer.imaging.decoders.jpeg import decode_jpeg
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.strips import Pixels, read_strips
from archive_colorizer.imaging.tone import MAX_MEASURED_PIXELS, reduction_for

COLOUR_SHORT_PX: Final = 256
"""Colourfulness is read off a reduced picture whose short side is at least this."""


class Quality(NamedTuple):
    """Figures of one delivered picture; luminance is luma Y', 0..255."""

    colourfulness: float
    luminance_mae: float
    luminance_p99: float
    reduced_hw3: Pixels
    """The delivered picture, small: uint8, its short side at least COLOUR_SHORT_PX, or whole."""
    identical: bool = False
    """Whether a JPEG decodes to the very luma that it was compared with, every pixel."""


class Meter:
    """Compares strips of a delivered picture with its master as they go by.

    Both are area-averaged by one whole factor, so that at most 1 megapixel is compared, or every
    pixel is with `full`. Used as the tap of a lossless encoder, and on what a decoder gives.
    """

    def __init__(self, luma_hw: NDArray[Any], *, full: bool = False) -> None:
        height, width = luma_hw.shape
        self._luma = luma_hw
        self._factor = 1 if full else reduction_for(height, width, MAX_MEASURED_PIXELS)
        self._step = max(1, min(height, width) // COLOUR_SHORT_PX)
        self._counts = np.zeros(256, np.int64)
        self._small: list[Pixels] = []
        self._top = 0

    def __call__(self, strips: Iterator[Pixels]) -> Iterator[Pixels]:
        """Pass (rows, W, 3) strips on, in order from the top."""
        for strip in strips:
            pixels = to_8_bits(strip)
            self._compare(luma_of(pixels))
            offset = -self._top % self._step
            self._small.append(pixels[offset :: self._step, :: self._step].copy())
            self._top += len(pixels)
            yield strip

    def _compare(self, luma: NDArray[np.uint8]) -> None:
        master = to_8_bits(self._luma[self._top : self._top + len(luma)])
        gap = cv2.absdiff(_reduce(master, self._factor), _reduce(luma, self._factor))
        self._counts += np.bincount(gap.ravel(), minlength=256)

    def quality(self, rgb_small: Pixels | None = None) -> Quality:
        """The figures, once everything has gone by."""
        total = int(self._counts.sum())
        mean = float((self._counts * np.arange(256)).sum() / total)
        p99 = float(np.searchsorted(np.cumsum(self._counts), 0.99 * total))
        small = np.concatenate(self._small) if rgb_small is None else rgb_small
        return Quality(colourfulness(small), mean, p99, small)


def measure(luma_hw: NDArray[Any], delivered: BinaryIO, *, full: bool = False) -> Quality:
    """Decode a delivered file and compare it with the master's luma.

    Args:
        luma_hw: (H, W) uint8 or uint16, the master's.
        delivered: the derivative; upright, sRGB.
        full: compare every pixel.
    """
    meter = Meter(luma_hw, full=full)
    delivered.seek(0)
    if delivered.read(2) == b"\xff\xd8":
        delivered.seek(0)
        data = delivered.read()
        decoded = decode_jpeg(data, "GRAY")
        meter._compare(decoded)
        quality = meter.quality(decode_jpeg(data, min_short_px=COLOUR_SHORT_PX))
        return quality._replace(identical=np.array_equal(decoded, luma_hw))
    header = read_header(delivered, max_megapixels=float("inf"))
    for _ in meter(read_strips(delivered, header)):
        pass
    return meter.quality()


def _reduce(luma_hw: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    if factor == 1:
        return luma_hw
    size = (max(1, luma_hw.shape[1] // factor), max(1, luma_hw.shape[0] // factor))
    return np.asarray(cv2.resize(luma_hw, size, interpolation=cv2.INTER_AREA))
