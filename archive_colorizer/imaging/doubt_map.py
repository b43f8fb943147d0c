"""The doubt map that is kept of a picture: small, grey, few levels, as a PNG."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

EDGE_PX: Final = 64
"""Longest side of a map: enough to see which part of a picture a model doubts."""
LEVELS: Final = 16
"""Shades of a map: more only cost bytes (docs/adr/0036)."""
STEP: Final = 255 // (LEVELS - 1)


def doubt_png(doubt_hw: NDArray[np.floating[Any]]) -> bytes:
    """Reduce doubt to a PNG of 8-bit grey.

    Args:
        doubt_hw: (H, W), 0..1.

    Returns:
        A PNG whose longest side is at most EDGE_PX; black is no doubt, white is full doubt, in
        LEVELS steps.
    """
    height, width = doubt_hw.shape
    scale = min(1.0, EDGE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(doubt_hw.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    grey = (np.rint(small.clip(0, 1) * (LEVELS - 1)) * STEP).astype(np.uint8)
    data: bytes = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    return data
