"""A coloured print on a page that stays as it is.

Inside the print the model's chroma lies over the master's luma, as everywhere; beside it the master
keeps its own colours. Axes: h height, w width.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.compose import (
    Composer,
    Planes,
    WholePicture,
    compose,
    pad_to_even,
)
from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.imaging.decode import luma_of, to_8_bits
from archive_colorizer.imaging.halving import halved
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.upsample import Method

SUBPIXEL_BITS: Final = 4


@dataclass(frozen=True)
class PrintOnPage:
    """The page's own RGB, with a composed print laid over a part of it."""

    luma_hw: NDArray[Any]
    """(H, W) uint8 or uint16: the master's, upright, sRGB-encoded; in the print that of the
    positive where it is a negative."""
    page_hw3: NDArray[Any]
    """(H, W, 3) uint8 or uint16: the master's own colours."""
    print_: Composer
    """Of the rows and columns from `origin` on."""
    origin: tuple[int, int]
    """Top and left of the composed part; both even, for 4:2:0."""
    mask_hw: NDArray[np.uint8]
    """How much of each pixel of the composed part lies in the print, 0 to 255."""

    def ycc_planes(self) -> Planes:
        """Planes for a 4:2:0 JPEG."""
        _, cb, cr = WholePicture(to_8_bits(self.page_hw3)).ycc_planes()
        _, print_cb, print_cr = self.print_.ycc_planes()
        height, width = print_cb.shape
        top, left = self.origin[0] // 2, self.origin[1] // 2
        small = halved(self.mask_hw)
        at = np.s_[top : top + height, left : left + width]
        cb[at], cr[at] = mixed(cb[at], print_cb, small), mixed(cr[at], print_cr, small)
        return Planes(pad_to_even(to_8_bits(self.luma_hw)), cb, cr)

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Yield (rows, W, 3) strips of 8 or 16 bits a sample, from top to bottom."""
        top, left = self.origin
        height, width = self.mask_hw.shape
        for start in range(0, len(self.page_hw3), rows):
            strip = _at_depth(self.page_hw3[start : start + rows], bits)
            first, last = max(start, top), min(start + len(strip), top + height)
            if first < last:
                made = self.print_.rgb_rows(bits, first - top, last - top)
                at = np.s_[first - start : last - start, left : left + width]
                mask = self.mask_hw[first - top : last - top, :, None]
                strip[at] = mixed(strip[at], made, mask)
            yield strip


def lay_on_page(
    luma_hw: NDArray[Any],
    page_hw3: NDArray[Any],
    chroma: NetworkMap | NDArray[Any],
    bounds: Bounds,
    method: Method = "guided",
) -> PrintOnPage:
    """Join a page's own colours with a print's new ones.

    Args:
        luma_hw: (H, W) uint8 or uint16, upright.
        page_hw3: (H, W, 3), of the same or of another depth.
        chroma: CIE Lab a and b of the upright rectangle `bounds`, as `compose` takes them.
        bounds: of the print, in pixels of the luma.
        method: how chroma is brought to full size.
    """
    part = Part.of(bounds, luma_hw.shape)
    return PrintOnPage(
        luma_hw=luma_hw,
        page_hw3=page_hw3,
        print_=compose(np.ascontiguousarray(luma_hw[part.rows, part.columns]), chroma, method),
        origin=(part.rows.start, part.columns.start),
        mask_hw=part.mask(bounds),
    )


@dataclass(frozen=True)
class Part:
    """The rows and columns of a page that hold a print, from even ones on."""

    rows: slice
    columns: slice

    @classmethod
    def of(cls, bounds: Bounds, shape: tuple[int, ...]) -> "Part":
        """The part of a picture of (H, W) about a print."""
        top, left = bounds.y // 2 * 2, bounds.x // 2 * 2
        bottom, right = (
            math.ceil(end / 2) * 2 for end in (bounds.y + bounds.h, bounds.x + bounds.w)
        )
        return cls(slice(top, min(bottom, shape[0])), slice(left, min(right, shape[1])))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def within(self, small: Sequence[int], size: Sequence[int]) -> tuple[slice, slice]:
        """The same part of the picture reduced from `size` to `small`, (height, width) both."""
        found = []
        for part, short, long in zip((self.rows, self.columns), small, size, strict=True):
            start, stop = round(part.start * short / long), round(part.stop * short / long)
            found.append(slice(min(start, short - 1), max(stop, min(start, short - 1) + 1)))
        return found[0], found[1]

    def mask(self, bounds: Bounds) -> NDArray[np.uint8]:
        """How much of each pixel lies in the tilted print, 0 to 255: (rows, columns) uint8."""
        drawn = np.zeros(self.size, np.uint8)
        # A pixel's centre, not its corner, has whole numbers where OpenCV draws.
        corners = bounds.corners() - np.array([self.columns.start, self.rows.start]) - 0.5
        fixed = np.rint(corners * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(drawn, fixed, 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return drawn


def enlarged_page(page_hw3: NDArray[Any], luma_hw: NDArray[Any]) -> NDArray[Any]:
    """A page's colours at the size of an enlarged luma, which they take: (H, W, 3).

    What luma and colour cannot both have is clipped.
    """
    size = (luma_hw.shape[1], luma_hw.shape[0])
    grown = cv2.resize(page_hw3, size, interpolation=cv2.INTER_CUBIC)
    top = np.iinfo(page_hw3.dtype).max
    luma = to_8_bits(luma_hw) if top == 255 else luma_hw
    shift = luma.astype(np.int32) - luma_of(grown).astype(np.int32)
    return np.asarray(np.clip(grown + shift[..., None], 0, top), page_hw3.dtype)


def _at_depth(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """A copy at 8 or 16 bits a sample."""
    if bits == 8:
        return to_8_bits(pixels).copy()
    return pixels.astype(np.uint16) * 257 if pixels.dtype == np.uint8 else pixels.copy()


def mixed(below: NDArray[Any], above: NDArray[Any], mask: NDArray[np.uint8]) -> NDArray[Any]:
    """`above` where the mask is 255, `below` where it is 0, and between them at the sides."""
    part = mask.astype(np.float32) / 255
    mixed = np.rint(below + (above.astype(np.float32) - below) * part)
    return np.asarray(mixed, below.dtype)
