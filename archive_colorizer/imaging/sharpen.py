"""Edge sharpening by unsharp masking, as a step after restoring or enlarging. H height, W width."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIGMA_PX: Final = 1.0
"""Sigma of the Gaussian that the picture is compared with."""
MAX_AMOUNT: Final = 3.0


def sharpened(rgb_hw3: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """The picture with its luma's detail raised; hues stay.

    Args:
        rgb_hw3: (H, W, 3) sRGB.
        amount: how many times what a Gaussian of 1 pixel takes from the luma is added; 0 gives
            the picture itself, 1 is about the 3x3 kernel with 5 in its middle.
    """
    if not amount:
        return rgb_hw3
    ycc = cv2.cvtColor(np.ascontiguousarray(rgb_hw3), cv2.COLOR_RGB2YCrCb)
    luma = ycc[..., 0].astype(np.float32)
    raised = luma + np.float32(amount) * (luma - cv2.GaussianBlur(luma, (0, 0), SIGMA_PX))
    ycc[..., 0] = np.clip(np.rint(raised), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))
