"""Thumbnails for people: a picture before and after, and many of them in one JPEG."""

from collections.abc import Sequence
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
