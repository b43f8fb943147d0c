"""Deep zoom: a picture as tiles of every level, all in one ZIP file, made by one decoding.

Levels as Deep Zoom has them: the highest is the picture itself, each below it has half its sides,
rounded up. H height, W width.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

TILE_PX: Final = 512
QUALITY: Final = 90
Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a picture of some size."""

    width: int
    height: int

    @property
    def highest(self) -> int:
        """The level of the picture itself."""
        return math.ceil(math.log2(max(self.width, self.height, 1)))

    @property
    def lowest(self) -> int:
        """The highest level that is one tile."""
        halvings = max(0, math.ceil(math.log2(max(self.width, self.height, 1) / TILE_PX)))
        return self.highest - halvings

    def size(self, level: int) -> tuple[int, int]:
        """Width and height of a level."""
        scale = 2 ** (self.highest - level)
        return math.ceil(self.width / scale), math.ceil(self.height / scale)

    def has(self, level: int, column: int, row: int) -> bool:
        """Tell whether there is such a tile."""
        if not self.lowest <= level <= self.highest:
            return False
        width, height = self.size(level)
        return 0 <= column * TILE_PX < width and 0 <= row * TILE_PX < height


def encode(rgb_hw3: Rgb) -> bytes:
    """Encode a picture as JPEG, its colours in full."""
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(rgb_hw3), QUALITY, "RGB", "444")
    return data


def shrink(rgb_hw3: Rgb, edge_px: int) -> Rgb:
    """Reduce a picture so that its longest side is at most so long. (H, W, 3) -> (h, w, 3)."""
    height, width = rgb_hw3.shape[:2]
    scale = edge_px / max(height, width)
    if scale >= 1:
        return rgb_hw3
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb_hw3, size, interpolation=cv2.INTER_AREA), np.uint8)


def make_pyramid(rgb_hw3: Rgb) -> bytes:
    """Cut a picture into tiles.

    Returns:
        A ZIP file, not compressed, of JPEG files LEVEL/COLUMN_ROW.
    """
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as pack:
        for name, tile in _cut(rgb_hw3):
            pack.writestr(name, encode(tile))
    return sink.getvalue()


def _cut(rgb_hw3: Rgb) -> Iterator[tuple[str, Rgb]]:
    levels = Levels(rgb_hw3.shape[1], rgb_hw3.shape[0])
    for level in range(levels.highest, levels.lowest - 1, -1):
        if level < levels.highest:
            size = levels.size(level)
            rgb_hw3 = np.asarray(cv2.resize(rgb_hw3, size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = rgb_hw3.shape[:2]
        for top in range(0, height, TILE_PX):
            for left in range(0, width, TILE_PX):
                tile = rgb_hw3[top : top + TILE_PX, left : left + TILE_PX]
                yield _name(level, left // TILE_PX, top // TILE_PX), tile


def read_tile(pack: Path | bytes, level: int, column: int, row: int) -> bytes:
    """Read one tile.

    Raises:
        KeyError: there is no such tile.
        OSError: the file is gone.
        zipfile.BadZipFile: it is broken.
    """
    source = io.BytesIO(pack) if isinstance(pack, bytes) else pack
    with zipfile.ZipFile(source) as file:
        return file.read(_name(level, column, row))


def _name(level: int, column: int, row: int) -> str:
    return f"{level}/{column}_{row}"
