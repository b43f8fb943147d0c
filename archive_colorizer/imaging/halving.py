"""Area averages by halves.

A halving is the one area average that OpenCV does in vector instructions: two or three of them and
a small rest cost a tenth of the same reduction done at once. Axes: h height, w width.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def evened(pixels: NDArray[Any]) -> NDArray[Any]:
    """Repeat the last row and column where a side is odd: (H, W[, C]) -> of even sides."""
    height, width = pixels.shape[:2]
    if not (height % 2 or width % 2):
        return np.ascontiguousarray(pixels)
    border = (0, height % 2, 0, width % 2)
    return np.asarray(cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REPLICATE))


def halved(pixels: NDArray[Any]) -> NDArray[Any]:
    """Average each 2 x 2 block, edges repeated: (H, W[, C]) -> (ceil(H/2), ceil(W/2)[, C])."""
    height, width = pixels.shape[:2]
    rows, columns = height // 2, width // 2
    if not (height % 2 or width % 2):
        return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA))
    out = np.empty((-(-height // 2), -(-width // 2), *pixels.shape[2:]), pixels.dtype)
    if rows and columns:  # the edges apart: a padded copy would be as large as the picture
        out[:rows, :columns] = halved(pixels[: 2 * rows, : 2 * columns])
    if width % 2:
        out[:, columns:] = halved(evened(pixels[:, -1:])).reshape(out[:, columns:].shape)
    if height % 2:
        out[rows:] = halved(evened(pixels[-1:])).reshape(out[rows:].shape)
    return out


def halved_times(pixels: NDArray[Any], times: int) -> NDArray[Any]:
    """Halve so many times; 0 gives the pixels themselves."""
    for _ in range(times):
        pixels = halved(pixels)
    return pixels


def halvings_for(height: int, width: int, max_pixels: float) -> int:
    """Count the halvings that bring a picture under a number of pixels."""
    times = 0
    while -(-height >> times) * -(-width >> times) > max_pixels:
        times += 1
    return times
