"""Restore: a translation's noise and artefacts taken away or its size raised; then its edges.

As reference system D has it: restoration runs by itself after every translation. Colours that are
laid on a master never go this way: there the luminance is the master's.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from archive_colorizer.imaging.sharpen import sharpened
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import Outcome, Painted
from archive_colorizer.pipeline.steps.step import Kind, Stage, each, ms_since
from archive_colorizer.weights.reference import ResolvedModel


class Restore(Stage[Painted, Painted]):
    """Painted -> Painted, of the restoring model's scale."""

    name = "restore"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, run: RunConfig) -> None:
        self._model, self._precision = model, run.precision

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.inference.enlarger import Enlarger
        from archive_colorizer.inference.runner import open_runner

        self._enlarger = Enlarger(open_runner(self._model, self._precision))

    def __call__(self, batch: Sequence[Painted]) -> list[Painted | Outcome]:
        """Restore each picture; a picture's error becomes its outcome."""
        return each(self._restore, batch)

    def _restore(self, painted: Painted) -> Painted:
        start_s = time.perf_counter()
        rgb_hw3 = self._enlarger(painted.rgb_hw3)
        ms = painted.ms["model"] + ms_since(start_s)
        return replace(painted, rgb_hw3=rgb_hw3, ms={**painted.ms, "model": ms})


class Sharpen(Stage[Painted, Painted]):
    """Painted -> Painted, its edges raised."""

    name = "sharpen"

    def __init__(self, color: ColorConfig) -> None:
        self._amount = color.sharpen

    def __call__(self, batch: Sequence[Painted]) -> list[Painted | Outcome]:
        """Sharpen each picture; a picture's error becomes its outcome."""
        return each(self._sharpen, batch)

    def _sharpen(self, painted: Painted) -> Painted:
        return replace(painted, rgb_hw3=sharpened(painted.rgb_hw3, self._amount))
