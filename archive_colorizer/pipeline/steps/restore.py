"""Restore: a translation's noise and artefacts taken away or its size raised; then its edges.

As reference system D has it: restoration runs by itself after every translation. Colours that are
laid on a master never go this way: there the luminance is the master's.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from archive_colorizer.imaging.sharpen import sharpened
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import Painted
from archive_colorizer.pipeline.steps.step import Kind, ms_since
from archive_colorizer.weights.reference import ResolvedModel


class Restore:
    """Painted -> Painted, of the restoring model's scale."""

    name = "restore"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, run: RunConfig) -> None:
        self._model, self._precision = model, run.precision

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.inference.enlarge import Enlarger

        self._enlarger = Enlarger(self._model, self._precision)

    def __call__(self, batch: Sequence[Painted]) -> list[object]:
        """Restore each picture."""
        return [self._one(painted) for painted in batch]

    def _one(self, painted: Painted) -> Painted:
        start_s = time.perf_counter()
        rgb_hw3 = self._enlarger(painted.rgb_hw3)
        ms = painted.ms["model"] + ms_since(start_s)
        return replace(painted, rgb_hw3=rgb_hw3, ms={**painted.ms, "model": ms})


class Sharpen:
    """Painted -> Painted, its edges raised."""

    name = "sharpen"
    kind: Kind = "cpu"

    def __init__(self, color: ColorConfig) -> None:
        self._amount = color.sharpen

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: Sequence[Painted]) -> list[object]:
        """Sharpen each picture."""
        return [replace(p, rgb_hw3=sharpened(p.rgb_hw3, self._amount)) for p in batch]
