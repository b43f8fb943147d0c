"""What a network says of a padded picture, at the network's own size, until full pixels are wanted.

A classifier of colours says them for cells of about four pixels. Brought to the pixels they take
sixteen times the room and say nothing more: they travel as cells, and are brought up where they are
laid on a picture. Axes: h height, w width, c channel.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMap:
    """Values for the cells of a picture that was padded at the bottom and right."""

    cells_hwc: NDArray[np.float16]
    """(h, w, c): the cells of the padded picture, which they divide evenly. Half a step of float16
    is 0.03 for values of 64 to 128, and less below."""
    padded: tuple[int, int]
    """(height, width) of the padded picture, in pixels."""
    size: tuple[int, int]
    """(height, width) of the picture itself."""
    wraps: bool = False
    """Whether the left and right edges are neighbours: then the picture has no padding there."""

    @classmethod
    def of_pixels(cls, values_hwc: NDArray[np.floating]) -> "NetworkMap":
        """Take values that are there for every pixel: (H, W, c)."""
        sides = (values_hwc.shape[0], values_hwc.shape[1])
        return cls(np.ascontiguousarray(values_hwc, np.float16), sides, sides)

    def at_size(self) -> Float:
        """Bring the values to the picture's pixels, bilinearly: (H, W, c) float32."""
        height, width = self.size
        values = self.cells_hwc.astype(np.float32)
        if values.shape[:2] != self.padded:
            size = self.padded[::-1]
            values = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
            values = values.reshape(*self.padded, -1)  # OpenCV drops a single channel
        return np.ascontiguousarray(values[:height, :width])

    def covered(self) -> NDArray[np.float16]:
        """The cells that lie in the picture by half of their height and width, at least one each
        way: a view, (h, w, c).
        """
        rows, columns = (
            max(1, round(cells * inside / whole))
            for cells, inside, whole in zip(
                self.cells_hwc.shape[:2], self.size, self.padded, strict=True
            )
        )
        return self.cells_hwc[:rows, :columns]

    def channels(self, start: int, stop: int) -> "NetworkMap":
        """Keep some of the channels, as a copy that holds nothing of the others."""
        cells = np.ascontiguousarray(self.cells_hwc[..., start:stop])
        return replace(self, cells_hwc=cells)
