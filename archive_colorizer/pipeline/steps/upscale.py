"""Enlarging on workers of its own: the master's luminance is decoded, enlarged, and handed on.

Where there is no GPU, `Deliver` enlarges what it delivers, and no pixels travel. On GPUs it would
hold up the card by decoding, composing and encoding: there these two steps go before it.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import Coloured, Outcome
from archive_colorizer.pipeline.steps.composition import (
    OverMaster,
    around_seam,
    open_upscaler,
)
from archive_colorizer.pipeline.steps.step import Kind, Stage, each, ms_since
from archive_colorizer.weights.reference import ResolvedModel


class Decode(Stage[Coloured, Coloured]):
    """Coloured -> Coloured with the master's luminance."""

    name = "decode"
    alone = True

    def __init__(self, composition: OverMaster) -> None:
        self._composition = composition

    def __call__(self, batch: Sequence[Coloured]) -> list[Coloured | Outcome]:
        """Decode each master; a picture's error becomes its outcome."""
        return each(self._composition.with_luma, batch)


class Upscale(Stage[Coloured, Coloured]):
    """Coloured with a luminance -> Coloured with an enlarged one."""

    name = "upscale"
    kind: Kind = "gpu"
    alone = True

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model, self._scale, self._precision = model, color.upscale, run.precision

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        self._enlarger = open_upscaler(self._model, self._scale, self._precision)

    def __call__(self, batch: Sequence[Coloured]) -> list[Coloured | Outcome]:
        """Enlarge each luminance; a picture's error becomes its outcome."""
        return each(self._enlarge, batch)

    def _enlarge(self, coloured: Coloured) -> Coloured:
        assert coloured.luma_hw is not None
        start_s = time.perf_counter()
        luma_hw = around_seam(self._enlarger.luma, coloured.luma_hw, coloured)
        ms = {**coloured.ms, "model": coloured.ms["model"] + ms_since(start_s)}
        return replace(coloured, luma_hw=luma_hw, ms=ms)
