"""A picture that is about to be encoded, at a smaller size."""

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.encodable import Encodable
from archive_colorizer.imaging.halving import halved
from archive_colorizer.imaging.reversible import Reversible


def reduce_to(picture: Encodable, longest_px: int) -> WholePicture:
    """Reduce a picture by area averages until its longest side has a number of pixels.

    Its planes are reduced, as a JPEG holds them: to compose RGB at full size costs five times as
    much.

    Args:
        picture: a picture; of a reversible one what it is in sRGB.
        longest_px: at least 1. A picture that is no larger stays as it is.

    Returns:
        RGB of 8 bits.
    """
    height, width = picture.luma_hw.shape
    scale = min(1.0, longest_px / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    luma, cb, cr = (picture.composed if isinstance(picture, Reversible) else picture).ycc_planes()
    planes = [_resize(plane, size) for plane in (luma, cr, cb)]
    return WholePicture(np.asarray(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB)))


def _resize(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a plane to (width, height): by halves as far as they go, then by the rest."""
    while plane.shape[0] >= 2 * size[1] and plane.shape[1] >= 2 * size[0]:
        plane = halved(plane)
    shrinks = plane.shape[0] >= size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.uint8)
