"""Chroma planes of a film's frame beside its own luma, in the film's matrix, range and depth.

Stills are composed with the matrix of JFIF (ITU-R BT.601). Of another matrix the differences of
red, green and blue are the same, and what is added to the luma is brought to zero. H height, W
width.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import B_FROM_CB, G_FROM_CB, G_FROM_CR, R_FROM_CR, Float
from archive_colorizer.imaging.halving import evened
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.upsample import ChromaMap, Method, chroma_map

LUMA_RED_BLUE: Final = {
    1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593),
}  # fmt: skip
"""AVCOL_SPC number -> shares of red and blue in the luma; of others BT.709 is written."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the chroma of a film is stored."""

    matrix: int
    """AVCOL_SPC number, one of LUMA_RED_BLUE."""
    bits: int
    is_full: bool
    halves_rows: bool
    """Whether chroma has half the rows (4:2:0); it always has half the columns."""
    is_interlaced: bool
    grain_px: float = 0.0
    """Deviation by which the luma that bounds the chroma is blurred; 0 for not. Grain that touches
    black or white would let the chroma flicker."""


def chroma_planes(
    seen_hw: NDArray[np.uint8], ab_hw2: NDArray[Any], layout: Layout, method: Method
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make Cb and Cr of a frame.

    Args:
        seen_hw: its luma from 0 to 255.
        ab_hw2: CIE Lab a and b, on a grid over the whole frame.
        layout: how they are stored.
        method: how they are brought to size.

    Returns:
        Two planes, uint8 or uint16.
    """
    lines = chroma_map(seen_hw, NetworkMap.of_pixels(ab_hw2), method)
    if not (layout.is_interlaced and layout.halves_rows):
        return _planes(seen_hw, lines, layout)
    # Fields are pictures of their own: chroma of two lines of one field, not of both.
    fields = [_planes(np.ascontiguousarray(seen_hw[top::2]), lines, layout) for top in (0, 1)]
    return _woven([field[0] for field in fields]), _woven([field[1] for field in fields])


def _planes(
    seen_hw: NDArray[np.uint8], lines: ChromaMap, layout: Layout
) -> tuple[NDArray[Any], NDArray[Any]]:
    even_hw = cv2.GaussianBlur(seen_hw, (0, 0), layout.grain_px) if layout.grain_px else seen_hw
    low, high, mean = _blocks(np.asarray(even_hw), rows=2 if layout.halves_rows else 1)
    cb, cr = lines.at(mean, 0, mean.shape[0])
    red_share, blue_share = LUMA_RED_BLUE[layout.matrix]
    red, blue = np.float32(R_FROM_CR) * cr, np.float32(B_FROM_CB) * cb
    green = np.float32(G_FROM_CB) * cb + np.float32(G_FROM_CR) * cr
    extra = red_share * red + (1 - red_share - blue_share) * green + blue_share * blue
    for part in (red, green, blue):
        part -= extra
    scale = _fit(low, high, (red, green, blue))
    to_cb, to_cr = 0.5 / (1 - blue_share), 0.5 / (1 - red_share)
    return (
        _stored(blue * scale * np.float32(to_cb), layout),
        _stored(red * scale * np.float32(to_cr), layout),
    )


def _blocks(seen_hw: NDArray[np.uint8], rows: int) -> tuple[Float, Float, Float]:
    """Smallest, largest and mean luma of each block of so many rows and two columns, to 1."""
    even = evened(seen_hw)
    even = even if rows == 2 else even[: len(seen_hw)]
    high, wide = even.shape[0] // rows, even.shape[1] // 2
    parts = even.reshape(high, rows, wide, 2)
    flat = parts.transpose(1, 3, 0, 2).reshape(rows * 2, high, wide)
    scale = np.float32(1 / 255)
    mean = cv2.resize(even, (wide, high), interpolation=cv2.INTER_AREA)
    low, top = np.asarray(flat[0]), np.asarray(flat[0])
    for one in flat[1:]:
        low, top = np.minimum(low, one), np.maximum(top, one)
    return low * scale, top * scale, np.asarray(mean) * scale


def _fit(low: Float, high: Float, offsets: tuple[Float, Float, Float]) -> Float:
    """How much of the chroma fits at constant luma: a factor in [0, 1]."""
    tiny = np.float32(1e-6)
    up = np.maximum(np.maximum(offsets[0], offsets[1]), np.maximum(offsets[2], tiny))
    down = np.maximum(-np.minimum(np.minimum(offsets[0], offsets[1]), offsets[2]), tiny)
    return np.asarray(np.minimum(np.minimum((1 - high) / up, low / down), np.float32(1)))


def _stored(centred: Float, layout: Layout) -> NDArray[Any]:
    """Centred chroma, -0.5 to 0.5, as it is stored."""
    top = (1 << layout.bits) - 1
    spread = top if layout.is_full else 224 << (layout.bits - 8)
    moved = np.clip(centred * np.float32(spread) + np.float32(1 << (layout.bits - 1)), 0, top)
    return np.asarray(np.rint(moved), np.uint8 if layout.bits == 8 else np.uint16)


def _woven(fields: list[NDArray[Any]]) -> NDArray[Any]:
    """The rows of two fields by turns."""
    first, second = fields
    woven = np.empty((len(first) + len(second), first.shape[1]), first.dtype)
    woven[::2], woven[1::2] = first, second
    return woven
