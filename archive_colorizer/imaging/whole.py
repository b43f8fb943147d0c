"""A picture that a model made whole, to be encoded as composed ones are. H height, W width."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.compose import in_even_buffer
from archive_colorizer.imaging.decode import luma_of


@dataclass(frozen=True, slots=True)
class WholePicture:
    """RGB that keeps nothing of the master's luminance."""

    rgb_hw3: NDArray[np.uint8]

    @property
    def luma_hw(self) -> NDArray[np.uint8]:
        """Its own Y'."""
        return luma_of(self.rgb_hw3)

    def ycc_planes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Y' (H, W), Cb and Cr (ceil(H/2), ceil(W/2)), uint8, as JFIF has them."""
        height, width = self.rgb_hw3.shape[:2]
        ycc = cv2.cvtColor(np.ascontiguousarray(self.rgb_hw3), cv2.COLOR_RGB2YCrCb)
        even = np.pad(ycc, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        half = cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cr, cb = (np.ascontiguousarray(half[..., i]) for i in (1, 2))
        return in_even_buffer(np.asarray(ycc[..., 0])), cb, cr

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Strips of (rows, W, 3) uint8, or uint16 when 16 bits are asked for."""
        for top in range(0, len(self.rgb_hw3), rows):
            strip = self.rgb_hw3[top : top + rows]
            yield strip if bits == 8 else strip.astype(np.uint16) * 257
