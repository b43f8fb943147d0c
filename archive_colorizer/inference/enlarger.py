"""Restore or enlarge one picture, tile by tile, so that its size costs no memory.

uint8 in and out (or uint16, for luma). H height, W width, of what is given.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.errors import MemoryPhotoError
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.inference.runner import Runner, not_finite

TILE_PX: Final = 256
MIN_TILE_PX: Final = 64
"""A tile is halved down to this while memory runs out."""
MARGIN_PX: Final = 24
"""Pixels that a tile sees beyond its edges: more than the shipped models look around them (20), so
that tiles cannot be told from the whole; very deep networks see a little less than they would."""
Place = tuple[slice, slice]


class Enlarger:
    """A network that restores (scale 1) or enlarges: one with `enlarge` and `scale`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.scale = int(runner.module.scale)
        self.parameters = runner.parameters

    def __call__(self, rgb_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) sRGB -> (scale H, scale W, 3).

        Raises:
            MemoryPhotoError: memory runs out even tile by small tile.
            ModelPhotoError: the network raised, or gave values that are not finite.
        """

        def enlarge(source: Tensor) -> NDArray[Any]:
            tile = self._enlarge(source.permute(2, 0, 1)[None])
            return (tile * 255).round().byte().permute(1, 2, 0).cpu().numpy()

        return self._run(rgb_hw3, enlarge, in_float32=False)

    def luma(self, luma_hw: NDArray[Any]) -> NDArray[Any]:
        """(H, W) uint8 or uint16, sRGB-encoded -> (scale H, scale W) of the same type.

        In float32: bfloat16 has fewer steps than eight bits.

        Raises:
            MemoryPhotoError: memory runs out even tile by small tile.
            ModelPhotoError: the network raised, or gave values that are not finite.
        """
        top = int(np.iinfo(luma_hw.dtype).max)
        weights = torch.from_numpy(LUMA_WEIGHTS).to(self._runner.device)[:, None, None]

        def enlarge(source: Tensor) -> NDArray[Any]:
            tile = self._enlarge(source[None, None].expand(-1, 3, -1, -1))
            luma = ((tile * weights).sum(dim=0) * top).round()
            return luma.cpu().numpy().astype(luma_hw.dtype)

        return self._run(luma_hw, enlarge, in_float32=True)

    def _run(
        self, given: NDArray[Any], enlarge: Callable[[Tensor], NDArray[Any]], *, in_float32: bool
    ) -> NDArray[Any]:
        """The whole picture; tiles are halved while memory runs out."""
        tile_px = TILE_PX
        while True:
            try:
                return self._runner(
                    lambda: self._tiled(given, tile_px, enlarge),  # noqa: B023 (called at once)
                    in_float32=in_float32,
                )
            except MemoryPhotoError:
                if tile_px <= MIN_TILE_PX:
                    raise
            tile_px //= 2

    def _tiled(
        self, given: NDArray[Any], tile_px: int, enlarge: Callable[[Tensor], NDArray[Any]]
    ) -> NDArray[Any]:
        height, width, *channels = given.shape
        made = np.empty((self.scale * height, self.scale * width, *channels), given.dtype)
        for source, inside, place in self._tiles(given, tile_px):
            made[place] = enlarge(source)[inside]
        return made

    def _tiles(self, given: NDArray[Any], tile_px: int) -> Iterator[tuple[Tensor, Place, Place]]:
        """Tiles with their margins in [0, 1], what to cut of each made one, and where it goes."""
        top_value = int(np.iinfo(given.dtype).max)
        height, width = given.shape[:2]
        for top in range(0, height, tile_px):
            for left in range(0, width, tile_px):
                rows, above = _with_margin(top, height, tile_px)
                columns, before = _with_margin(left, width, tile_px)
                source = given[rows, columns].astype(np.float32) / np.float32(top_value)
                sides = min(tile_px, height - top), min(tile_px, width - left)
                yield (
                    torch.from_numpy(source).to(self._runner.device),
                    (self._scaled(above, sides[0]), self._scaled(before, sides[1])),
                    (self._scaled(top, sides[0]), self._scaled(left, sides[1])),
                )

    def _scaled(self, start: int, size: int) -> slice:
        return slice(self.scale * start, self.scale * (start + size))

    def _enlarge(self, source_b3hw: Tensor) -> Tensor:
        """(1, 3, h, w) -> (3, scale h, scale w) float32 in [0, 1]."""
        made: Tensor = self._runner.module.enlarge(source_b3hw)[0].float()
        if not bool(made.isfinite().all()):
            raise not_finite()
        return made.clamp(0, 1)


def _with_margin(start: int, size: int, tile_px: int) -> tuple[slice, int]:
    """A tile's pixels with its margin, and where in these the tile begins."""
    first = max(0, start - MARGIN_PX)
    return slice(first, min(size, start + tile_px + MARGIN_PX)), start - first
