"""A picture that is about to be encoded, at a smaller size."""

import cv2
import numpy as np

from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.decode import reduce_strips
from archive_colorizer.imaging.encodable import Encodable, rows_of


def reduce_to(picture: Encodable, longest_px: int) -> WholePicture:
    """Reduce a picture by area averages until its longest side has a number of pixels.

    Args:
        picture: gives strips, of which none is kept at full size where it is twice as large or
            more.
        longest_px: at least 1. A picture that is no larger stays as it is.

    Returns:
        RGB of 8 bits.
    """
    height, width = picture.luma_hw.shape
    longest = max(height, width)
    strips = picture.rgb_strips(8, rows_of(height, width))
    pixels = np.concatenate(list(reduce_strips(strips, max(1, longest // longest_px))))
    if longest > longest_px:
        size = tuple(max(1, round(side * longest_px / longest)) for side in (width, height))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return WholePicture(pixels)
