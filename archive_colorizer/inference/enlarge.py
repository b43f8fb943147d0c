"""The model that restores or enlarges, in a worker: tile by tile, so that size costs no memory."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.inference.predict import autocast_dtype
from archive_colorizer.registry.resolve import load
from archive_colorizer.weights.reference import ResolvedModel

TILE_PX: Final = 256
MARGIN_PX: Final = 24
"""What a tile sees beyond its edges: more than the shipped models look around them (20), so that
tiles cannot be told from the whole; very deep networks see a little less than they would."""


class Enlarger:
    """A loaded model that restores (scale 1) or enlarges. H height, W width of what is given."""

    def __init__(self, model: ResolvedModel, precision: str) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = autocast_dtype(precision, self._device)
        module: Any = load(model)
        self._module = module.to(device=self._device, memory_format=torch.channels_last)
        self.scale = int(self._module.scale)

    def __call__(self, rgb_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) sRGB -> (scale H, scale W, 3)."""
        made = self._room(rgb_hw3)
        for source, cut, place in self._tiles(rgb_hw3):
            tile = self._enlarged(source.permute(2, 0, 1)[None], self._dtype)
            made[place] = (tile * 255).round().byte().permute(1, 2, 0).cpu().numpy()[cut]
        return made

    def luma(self, luma_hw: NDArray[Any]) -> NDArray[Any]:
        """(H, W) uint8 or uint16, sRGB-encoded -> (scale H, scale W) of the same type.

        In float32: bfloat16 has fewer steps than eight bits.
        """
        made, top = self._room(luma_hw), int(np.iinfo(luma_hw.dtype).max)
        weights = torch.from_numpy(LUMA_WEIGHTS).to(self._device)[:, None, None]
        for source, cut, place in self._tiles(luma_hw):
            tile = self._enlarged(source[None, None].expand(-1, 3, -1, -1), torch.float32)
            luma = ((tile * weights).sum(dim=0) * top).round()
            made[place] = luma.cpu().numpy()[cut].astype(luma_hw.dtype)
        return made

    def _room(self, given: NDArray[Any]) -> NDArray[Any]:
        height, width, *channels = given.shape
        return np.empty((self.scale * height, self.scale * width, *channels), given.dtype)

    def _tiles(
        self, given: NDArray[Any]
    ) -> Iterator[tuple[torch.Tensor, tuple[slice, slice], tuple[slice, slice]]]:
        """Tiles with their margins in [0, 1], what to cut of each made one, and where it goes."""
        top_value = int(np.iinfo(given.dtype).max)
        height, width = given.shape[:2]
        for top in range(0, height, TILE_PX):
            for left in range(0, width, TILE_PX):
                rows, above = _with_margin(top, height)
                columns, before = _with_margin(left, width)
                source = given[rows, columns].astype(np.float32) / np.float32(top_value)
                sides = min(TILE_PX, height - top), min(TILE_PX, width - left)
                yield (
                    torch.from_numpy(source).to(self._device),
                    (self._scaled(above, sides[0]), self._scaled(before, sides[1])),
                    (self._scaled(top, sides[0]), self._scaled(left, sides[1])),
                )

    def _scaled(self, start: int, size: int) -> slice:
        return slice(self.scale * start, self.scale * (start + size))

    def _enlarged(self, source_b3hw: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """(1, 3, h, w) -> (3, scale h, scale w) float32 in [0, 1]."""
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, dtype=dtype, enabled=dtype is not torch.float32),
        ):
            made: torch.Tensor = self._module.enlarge(source_b3hw)[0].float().clamp(0, 1)
        return made


def _with_margin(start: int, size: int) -> tuple[slice, int]:
    """A tile's pixels with its margin, and where in these the tile begins."""
    first = max(0, start - MARGIN_PX)
    return slice(first, min(size, start + TILE_PX + MARGIN_PX)), start - first
