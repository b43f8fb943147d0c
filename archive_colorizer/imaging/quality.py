"""How a delivered picture compares with its master."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.compose import Planes
from archive_colorizer.imaging.decode import luma_of, to_8_bits
from archive_colorizer.imaging.decoders.jpeg import decode_jpeg
from archive_colorizer.imaging.halving import halved_times, halvings_for
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.strips import Pixels, read_strips
from archive_colorizer.imaging.tone import MAX_MEASURED_PIXELS

COLOUR_SHORT_PX: Final = 192
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
    """Compares what is delivered with its master, as it goes by an encoder.

    Both are averaged by halves until at most 1 megapixel is compared, or every pixel is with
    `full`.
    """

    def __init__(self, luma_hw: NDArray[Any], *, full: bool = False) -> None:
        height, width = luma_hw.shape
        self.luma_hw = luma_hw
        self._times = 0 if full else halvings_for(height, width, MAX_MEASURED_PIXELS)
        self._step = max(1, min(height, width) // COLOUR_SHORT_PX)
        self._counts = np.zeros(256, np.float64)
        self._small: list[Pixels] = []
        self._top = 0

    def strips(self, strips: Iterator[Pixels]) -> Iterator[Pixels]:
        """Pass (rows, W, 3) strips on, in order from the top."""
        for strip in strips:
            pixels = to_8_bits(strip)
            self.compare(luma_of(pixels))
            offset = -self._top % self._step
            self._small.append(pixels[offset :: self._step, :: self._step].copy())
            self._top += len(pixels)
            yield strip

    def planes(self, planes: Planes) -> None:
        """Look at the colours of a JPEG before it is encoded."""
        times = 0
        while min(planes.luma.shape) >> (times + 1) >= COLOUR_SHORT_PX:
            times += 1
        luma = halved_times(planes.luma, times)
        chroma = (_chroma_of(plane, times, luma.shape) for plane in (planes.cr, planes.cb))
        ycc = cv2.merge([luma, *chroma])
        self._small = [np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))]

    def compare(self, luma_hw: NDArray[np.uint8]) -> None:
        """Compare the next rows of a delivered picture's luma."""
        master = to_8_bits(self.luma_hw[self._top : self._top + len(luma_hw)])
        gap = cv2.absdiff(halved_times(master, self._times), halved_times(luma_hw, self._times))
        self._counts += cv2.calcHist([gap], [0], None, [256], [0, 256]).ravel()

    def is_luma(self, luma_hw: NDArray[np.uint8]) -> bool:
        """Whether a whole picture's luma is the master's, every pixel."""
        return np.array_equal(luma_hw, self.luma_hw)

    def quality(self, see: Callable[[], Pixels] | None = None) -> Quality:
        """The figures, once everything has gone by.

        Args:
            see: gives (h, w, 3) uint8 of a picture whose colours have not gone by.
        """
        if see and not self._small:
            self._small = [see()]
        total = self._counts.sum()
        mean = float((self._counts * np.arange(256)).sum() / total)
        p99 = float(np.searchsorted(np.cumsum(self._counts), 0.99 * total))
        small = np.concatenate(self._small)
        return Quality(colourfulness(small), mean, p99, small)


def _chroma_of(plane: NDArray[np.uint8], times: int, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bring a plane of half the sides to those of luma that was halved so many times."""
    if times:
        return halved_times(plane, times - 1)
    return np.repeat(np.repeat(plane, 2, 0), 2, 1)[: size[0], : size[1]]


def measure(delivered: BinaryIO, meter: Meter, *, exact: bool = False) -> Quality:
    """Decode a delivered file and compare it with the master's luma.

    Args:
        delivered: the derivative; upright, sRGB.
        meter: of the master. Has it seen the planes that a JPEG was made of, the luma alone is
            decoded.
        exact: whether every pixel of a JPEG's luma is compared as well.
    """
    delivered.seek(0)
    if delivered.read(2) == b"\xff\xd8":
        delivered.seek(0)
        data = delivered.read()
        decoded = decode_jpeg(data, "GRAY")
        meter.compare(decoded)
        quality = meter.quality(lambda: decode_jpeg(data, min_short_px=COLOUR_SHORT_PX))
        return quality._replace(identical=exact and meter.is_luma(decoded))
    header = read_header(delivered, max_megapixels=float("inf"))
    for _ in meter.strips(read_strips(delivered, header)):
        pass
    return meter.quality()
