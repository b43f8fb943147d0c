"""Restore or enlarge one picture, tile by tile, so that its size costs no memory.

uint8 in and out (or uint16, for luma). H height, W width, of what is given.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.errors import MemoryPhotoError, PhotoError
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.inference.device import Precision, choose_device
from archive_colorizer.inference.lanes import Arrival, Lane
from archive_colorizer.inference.runner import Runner, not_finite, open_runner
from archive_colorizer.inference.tiles import Tile, batches_of_tiles
from archive_colorizer.weights.reference import ResolvedModel

TILE_PX: Final = 256
MIN_TILE_PX: Final = 64
"""A tile is halved down to this while memory runs out."""
MARGIN_PX: Final = 24
"""Pixels that a tile sees beyond its edges: more than the shipped models look around them (20), so
that tiles cannot be told from the whole; very deep networks see a little less than they would."""
CUDA_TILES: Final = 8
"""Tiles that go through a network together on a GPU; on the CPU it is one, for memory's sake."""
Compute = Callable[[Tensor], Tensor]


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

        def enlarge(tiles_bhw3: Tensor) -> Tensor:
            made_b3hw: Tensor = self._runner.module.enlarge(tiles_bhw3.permute(0, 3, 1, 2))
            return made_b3hw.float().permute(0, 2, 3, 1)

        return self._run(rgb_hw3, enlarge, in_float32=False)

    def luma(self, luma_hw: NDArray[Any]) -> NDArray[Any]:
        """(H, W) uint8 or uint16, sRGB-encoded -> (scale H, scale W) of the same type.

        Sixteen bits are computed in float32; eight bits in the runner's precision, which on a GPU
        may be bfloat16: off by 0.2 of 255 in the mean (benchmarks/results/model_step.json).

        Raises:
            MemoryPhotoError: memory runs out even tile by small tile.
            ModelPhotoError: the network raised, or gave values that are not finite.
        """
        weights = torch.from_numpy(LUMA_WEIGHTS).to(self._runner.device)[:, None, None]

        def enlarge(tiles_bhw: Tensor) -> Tensor:
            made_b3hw: Tensor = self._runner.module.enlarge(
                tiles_bhw[:, None].expand(-1, 3, -1, -1)
            )
            return (made_b3hw.float() * weights).sum(dim=1)

        return self._run(luma_hw, enlarge, in_float32=luma_hw.dtype != np.uint8)

    def _run(self, given: NDArray[Any], enlarge: Compute, *, in_float32: bool) -> NDArray[Any]:
        """The whole picture; tiles are halved while memory runs out."""
        tile_px = TILE_PX
        while True:
            try:
                return self._tiled(given, tile_px, enlarge, in_float32=in_float32)
            except MemoryPhotoError:
                if tile_px <= MIN_TILE_PX:
                    raise
            tile_px //= 2

    def _tiled(
        self, given: NDArray[Any], tile_px: int, enlarge: Compute, *, in_float32: bool
    ) -> NDArray[Any]:
        """The whole picture by tiles of one size.

        Raises:
            PhotoError: of the first tile that fails alone.
        """
        height, width, *channels = given.shape
        made = np.empty((self.scale * height, self.scale * width, *channels), given.dtype)
        most = CUDA_TILES if self._runner.device.type == "cuda" else 1
        batches = list(batches_of_tiles((height, width), tile_px, MARGIN_PX, most))

        def start(tiles: Sequence[Tile], lane: Lane) -> tuple[Arrival, Arrival]:
            return self._start(given, tiles, lane, enlarge)

        going = self._runner.stream(batches, start, _finish, in_float32=in_float32)
        for tiles, found in zip(batches, going, strict=True):
            for tile, pixels in zip(tiles, found, strict=True):
                if isinstance(pixels, PhotoError):
                    raise pixels
                place = tile.rows.place(self.scale), tile.columns.place(self.scale)
                made[place] = pixels[tile.rows.inside(self.scale), tile.columns.inside(self.scale)]
        return made

    def _start(
        self, given: NDArray[Any], tiles: Sequence[Tile], lane: Lane, enlarge: Compute
    ) -> tuple[Arrival, Arrival]:
        """Send tiles to the network: their pixels will arrive, and whether they are finite."""
        top_value = int(np.iinfo(given.dtype).max)
        deep = given.dtype != np.uint8
        # torch computes with uint16 in no kernel: deep samples go as int32, both ways.
        host = lane.empty(
            (len(tiles), *tiles[0].shape, *given.shape[2:]), torch.int32 if deep else torch.uint8
        )
        for room, tile in zip(host.numpy(), tiles, strict=True):
            room[:] = given[tile.rows.whole, tile.columns.whole]
        finite: list[Tensor] = []

        def compute(sent: Tensor) -> Tensor:
            values = enlarge(sent.float() / top_value)
            finite.append(values.isfinite().flatten(1).all(dim=1))
            return (values.clamp(0, 1) * top_value).round().to(sent.dtype)

        with lane.open():
            made = lane.compute(host, compute)
            return lane.fetch(made), lane.fetch(finite[0])


def _finish(
    tiles: Sequence[Tile], arrivals: tuple[Arrival, Arrival]
) -> list[NDArray[Any] | PhotoError]:
    made, finite = (arrival.wait() for arrival in arrivals)
    return [pixels if good else not_finite() for pixels, good in zip(made, finite, strict=True)]


def open_luma_enlarger(model: ResolvedModel, precision: Precision = "auto") -> Enlarger:
    """Load a model that enlarges the luminance of masters.

    Args:
        model: the reference, resolved.
        precision: of its products. Auto is float32 on the CPU, bfloat16 on a GPU.

    Raises:
        ModelReferenceError: it cannot be loaded.
    """
    if precision == "auto" and choose_device("auto").type == "cpu":
        precision = "float32"
    return Enlarger(open_runner(model, precision))
