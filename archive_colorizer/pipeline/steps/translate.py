"""Translate: another picture in the master's place (another time of day, season or style).

Where `colorize` adds chroma to the master's own luminance, a translation keeps nothing of it; the
derivative has the size that the model works at, and says what it is.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import PhotoError
from archive_colorizer.imaging.homomorphic import even_light
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import Outcome, Painted, Prepared
from archive_colorizer.pipeline.steps.picture_errors import named
from archive_colorizer.pipeline.steps.step import Kind, Stage, failed, ms_since
from archive_colorizer.weights.reference import ResolvedModel


class Translate(Stage[Prepared, Painted]):
    """Prepared (with a proxy in RGB) -> Painted."""

    name = "translate"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model, self._back = model, color.back
        self._light = color.light_filter
        self._precision = run.precision
        self._batch_size = run.batch_size

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.inference.translator import open_translator

        self._translator = open_translator(self._model, self._precision, back=self._back)

    def __call__(self, batch: Sequence[Prepared]) -> list[Painted | Outcome]:
        """Translate a batch; a picture's error becomes its outcome."""
        start_s = time.perf_counter()
        made = self._translator(
            [self._seen(prepared.proxy_hw) for prepared in batch], self._batch_size
        )
        ms = ms_since(start_s) / max(1, len(batch))
        return [
            self._painted(prepared, answer, ms)
            for prepared, answer in zip(batch, made, strict=True)
        ]

    def _seen(self, proxy_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return even_light(proxy_hw3, self._light) if self._light else proxy_hw3

    def _painted(
        self, prepared: Prepared, answer: NDArray[np.uint8] | PhotoError, ms: float
    ) -> Painted | Outcome:
        if isinstance(answer, PhotoError):
            return failed(prepared, named(prepared.ref, answer))
        return Painted(
            prepared=replace(prepared, proxy_hw=prepared.proxy_hw[:0]),
            rgb_hw3=answer,
            device=self._translator.device,
            precision=self._translator.precision,
            ms={**prepared.ms, "model": ms},
        )
