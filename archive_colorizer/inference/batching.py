"""Batches of pictures that have one padded shape. Loads no torch. H height, W width.

Pictures are padded at the bottom and right up to multiples of what a family takes; results are cut
back to the pictures' own sides.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.models.catalog import UNKNOWN

BUCKET_PX: Final = 32
"""Sides of a job's pictures are padded up to a multiple of this at least, so that batches form."""


@dataclass(frozen=True, slots=True)
class GreyPicture:
    """A picture for a colorizer, and what is known of it."""

    gray_hw: NDArray[np.uint8]
    """sRGB-encoded."""
    class_number: int = UNKNOWN
    """The class of its subject; for families that have classes."""
    hints_3hw: NDArray[np.float32] | None = None
    """a and b over 110, and a mask of 0 and 1; None for none."""


@dataclass(frozen=True, slots=True)
class Chroma:
    """A colorizer's result for one picture, at the size at which the network says it."""

    cells: NetworkMap
    """CIE Lab a and b, and doubt in [0, 1]: three channels, finite."""

    @property
    def ab_2hw(self) -> NDArray[np.float32]:
        """CIE Lab a and b for each pixel of the picture."""
        return np.moveaxis(self.cells.channels(0, 2).at_size(), 2, 0)

    @property
    def doubt_hw(self) -> NDArray[np.float32]:
        """Doubt for each pixel of the picture."""
        return self.cells.channels(2, 3).at_size()[..., 0]


def batches(
    shapes: Sequence[tuple[int, ...]], multiple: int, batch_size: int
) -> Iterator[list[int]]:
    """Indices of pictures that go through a network together: of one padded shape.

    Args:
        shapes: (H, W) or (H, W, 3) of each picture.
        multiple: that sides are padded to.
        batch_size: most pictures of a batch.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, shape in enumerate(shapes):
        groups[padded_shape(shape, multiple)].append(i)
    for members in groups.values():
        for start in range(0, len(members), batch_size):
            yield members[start : start + batch_size]


def padded_shape(shape: Sequence[int], multiple: int) -> tuple[int, int]:
    """(height, width) rounded up to multiples."""
    return (-(-shape[0] // multiple) * multiple, -(-shape[1] // multiple) * multiple)


def pad_to(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pad at the bottom and right: by mirroring, or by the edge where the picture is too small.

    Args:
        picture: (H, W) or (H, W, 3).
        height: at least H.
        width: at least W.
    """
    rows, columns = height - picture.shape[0], width - picture.shape[1]
    small = rows >= picture.shape[0] or columns >= picture.shape[1]
    how = cv2.BORDER_REPLICATE if small else cv2.BORDER_REFLECT_101
    return np.asarray(cv2.copyMakeBorder(picture, 0, rows, 0, columns, how))


def stack_padded(pictures: Sequence[NDArray[np.uint8]], multiple: int) -> NDArray[np.uint8]:
    """(B, H, W) or (B, H, W, 3) of pictures that have one padded shape."""
    sides = padded_shape(pictures[0].shape, multiple)
    stack = np.empty((len(pictures), *sides, *pictures[0].shape[2:]), np.uint8)
    fill_padded(stack, pictures)
    return stack


def fill_padded(stack: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]]) -> None:
    """Fill (B, H, W) or (B, H, W, 3) with pictures, each padded to (H, W)."""
    for room, picture in zip(stack, pictures, strict=True):
        room[:] = pad_to(picture, room.shape[0], room.shape[1])


def stack_hints(
    planes: Sequence[NDArray[np.float32] | None], shape: Sequence[int]
) -> NDArray[np.float32] | None:
    """(B, 3, H, W) of the pictures' hints at their padded shape; None where none has any."""
    if all(one is None for one in planes):
        return None
    stack = np.zeros((len(planes), 3, *shape), np.float32)
    for room, one in zip(stack, planes, strict=True):
        if one is not None:
            room[:, : one.shape[1], : one.shape[2]] = one
    return stack
