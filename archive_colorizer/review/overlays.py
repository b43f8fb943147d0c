"""Maps that are laid over a picture: those of a print on a page are put in their place on it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

MOST_PX: Final = 1024
"""Longest side of a map that covers a page."""


def cover_page(png: bytes, box: Sequence[int] | None, size: tuple[int, int]) -> bytes:
    """Make a map of a print cover the whole page.

    Args:
        png: the map, grey.
        box: x, y, width and height of what it is of, in pixels of the upright page; None for all.
        size: width and height of the page.

    Returns:
        A grey PNG, black beside the print.
    """
    width, height = size
    if not box or not width or not height:
        return png
    small = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if small is None:  # no map of ours: the browser says so
        return png
    x, y, w, h = box
    scale = min(small.shape[1] / max(1, w), MOST_PX / max(width, height))
    page = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.uint8)
    top, left = round(y * scale), round(x * scale)
    room = page[top : top + max(1, round(h * scale)), left : left + max(1, round(w * scale))]
    if room.size:
        room[:] = cv2.resize(small, room.shape[::-1], interpolation=cv2.INTER_NEAREST)
    data: bytes = cv2.imencode(".png", page)[1].tobytes()
    return data
