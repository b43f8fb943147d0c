"""Thumbnails for people: a picture before and after, and many of them in one JPEG."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from archive_colorizer.imaging.decode import to_8_bits

EDGE_PX: Final = 160
"""Longest side of a thumbnail."""
QUALITY: Final = 75
PAPER: Final = 236
"""Grey around a thumbnail that does not fill its cell."""
BLEED_PX, PAPER_NOISE = 8, 4
Thumbnail = NDArray[np.uint8]


def thumbnail(pixels: NDArray[Any]) -> Thumbnail:
    """Reduce a picture to (h, w, 3) uint8 whose longest side is at most EDGE_PX.

    Args:
        pixels: (H, W) grey or (H, W, 3) sRGB; uint8 or uint16.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, EDGE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(to_8_bits(pixels), size, interpolation=cv2.INTER_AREA)
    return small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2)


def thumbnail_sheet(pairs: Sequence[tuple[Thumbnail | None, Thumbnail | None]]) -> bytes:
    """Lay pairs (before, after) under each other, and encode them as one JPEG.

    Returns:
        A JPEG of 2 EDGE_PX by EDGE_PX for each pair: the first in the left half, the second in the
        right one, each in the middle.
    """
    paper = np.full((len(pairs) * EDGE_PX, 2 * EDGE_PX, 3), PAPER, np.uint8)
    for row, pair in enumerate(pairs):
        for column, picture in enumerate(pair):
            if picture is not None:
                height, width = picture.shape[:2]
                top = row * EDGE_PX + (EDGE_PX - height) // 2
                left = column * EDGE_PX + (EDGE_PX - width) // 2
                paper[top : top + height, left : left + width] = picture
    data: bytes = simplejpeg.encode_jpeg(paper, QUALITY, "RGB", "420")
    return data


def blank_cells(sheet: bytes, places: Collection[int]) -> bytes:
    """Take pairs off a sheet; the others keep their places.

    A pair begins at a block of the JPEG, so that its neighbours are encoded again from what they
    were.

    Args:
        sheet: of `thumbnail_sheet`.
        places: of the pairs, from 0 at the top.

    Raises:
        ValueError: it is no JPEG.
    """
    pixels = simplejpeg.decode_jpeg(sheet, "RGB")
    for place in places:
        pixels[place * EDGE_PX : (place + 1) * EDGE_PX] = PAPER
    data: bytes = simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", "420")
    return data


def find_shown(sheet: bytes, places: Collection[int]) -> frozenset[int]:
    """Find those places of a sheet that show anything.

    Raises:
        ValueError: it is no JPEG.
    """
    pixels = simplejpeg.decode_jpeg(sheet, "RGB").astype(np.int16)
    cells = {place: pixels[place * EDGE_PX : (place + 1) * EDGE_PX] for place in places}
    return frozenset(
        place
        for place, cell in cells.items()
        # A neighbour's colours reach into a row or two as they are brought to full size.
        if np.abs(cell[BLEED_PX:-BLEED_PX] - PAPER).max(initial=0) > PAPER_NOISE
    )
