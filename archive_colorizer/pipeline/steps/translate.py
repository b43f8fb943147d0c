"""Translate: another picture in the master's place (another time of day, season or style).

Where `colorize` adds chroma to the master's own luminance, a translation keeps nothing of it; the
derivative has the size that the model works at, and says what it is.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import Painted, Prepared
from archive_colorizer.pipeline.steps.colorize import BUCKET_PX, pad_to, padded_shape
from archive_colorizer.pipeline.steps.step import Kind, ms_since
from archive_colorizer.weights.reference import ResolvedModel


class Translate:
    """Prepared (with a proxy in RGB) -> Painted."""

    name = "translate"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model, self._back = model, color.back
        self._precision = run.precision
        self._batch_size = run.batch_size

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.inference.predict import Translator

        self._translator = Translator(self._model, self._precision, back=self._back)

    def __call__(self, batch: Sequence[Prepared]) -> list[object]:
        """Translate a batch; pictures of one padded shape go through the model together."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, prepared in enumerate(batch):
            groups[padded_shape(prepared.proxy_hw.shape[:2], BUCKET_PX)].append(i)
        results: list[object] = [None] * len(batch)
        for shape, members in groups.items():
            for start in range(0, len(members), self._batch_size):
                part = members[start : start + self._batch_size]
                for i, painted in zip(
                    part, self._painted([batch[i] for i in part], shape), strict=True
                ):
                    results[i] = painted
        return results

    def _painted(self, batch: Sequence[Prepared], shape: tuple[int, int]) -> list[Painted]:
        start_s = time.perf_counter()
        stack = np.stack([pad_to(prepared.proxy_hw, *shape) for prepared in batch])
        made = self._translator(stack)
        ms = ms_since(start_s) / len(batch)
        return [
            Painted(
                prepared=replace(prepared, proxy_hw=prepared.proxy_hw[:0]),
                rgb_hw3=rgb[: prepared.proxy_hw.shape[0], : prepared.proxy_hw.shape[1]].copy(),
                device=self._translator.device,
                precision=self._translator.precision,
                ms={**prepared.ms, "model": ms},
            )
            for prepared, rgb in zip(batch, made, strict=True)
        ]
