"""A picture cut into tiles that overlap, so that a network need not see it whole. Loads no torch.

All tiles but those of the last row and column have one size: they go through a network together.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

STEP_PX: Final = 8
"""Tiles begin at multiples of this: networks that take blocks of pixels see the same blocks."""


@dataclass(frozen=True, slots=True)
class Span:
    """One side of a tile, in pixels of the picture: all of it, and the part that is its own."""

    start: int
    stop: int
    own_start: int
    own_stop: int

    def inside(self, scale: int) -> slice:
        """The tile's own part within what was made of it."""
        return slice(scale * (self.own_start - self.start), scale * (self.own_stop - self.start))

    def place(self, scale: int) -> slice:
        """The tile's own part within the whole of what is made."""
        return slice(scale * self.own_start, scale * self.own_stop)

    @property
    def whole(self) -> slice:
        """The tile within the picture."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: rows and columns."""

    rows: Span
    columns: Span

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), margins included."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def spans(side: int, tile_px: int, margin_px: int) -> list[Span]:
    """Cut a side, so that each pixel belongs to one tile that sees `margin_px` around it.

    Args:
        side: pixels.
        tile_px: pixels of a tile without its margins; a multiple of STEP_PX.
        margin_px: pixels seen beyond, where the picture has them.
    """
    inner = side - 2 * margin_px  # the first and the last tile own a margin each
    count = max(1, -(-inner // tile_px))
    step = _round_up(inner / count)  # as many tiles as must be, no larger than they must be
    size = step + 2 * margin_px if count > 1 else side
    last = _round_up(side - size)
    starts = sorted({min(i * step, last) for i in range(count)})
    edges = [0, *(start + margin_px for start in starts[1:]), side]
    return [
        Span(start, side if start == last else start + size, edges[i], edges[i + 1])
        for i, start in enumerate(starts)
    ]


def _round_up(pixels: float) -> int:
    return math.ceil(pixels / STEP_PX) * STEP_PX


def batches_of_tiles(
    shape: tuple[int, int], tile_px: int, margin_px: int, most: int
) -> Iterator[list[Tile]]:
    """Yield the tiles of a picture in batches of one shape.

    Args:
        shape: (H, W).
        tile_px: as `spans` takes it.
        margin_px: as `spans` takes it.
        most: tiles of a batch.
    """
    groups: dict[tuple[int, int], list[Tile]] = defaultdict(list)
    for rows in spans(shape[0], tile_px, margin_px):
        for columns in spans(shape[1], tile_px, margin_px):
            tile = Tile(rows, columns)
            groups[tile.shape].append(tile)
    for alike in groups.values():
        for first in range(0, len(alike), most):
            yield alike[first : first + most]
