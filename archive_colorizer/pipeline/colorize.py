"""Colorize: chroma and doubt for a batch of proxies, in one model call a shape.

The step itself loads no torch, so that a driver that only plans stays light; `predict` does.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.config import ColorConfig, RunConfig
from archive_colorizer.errors import MemoryPhotoError, ModelPhotoError, PhotoError
from archive_colorizer.models.classes import UNKNOWN, class_number, has_classes
from archive_colorizer.pipeline.step import Kind, failure, ms_since
from archive_colorizer.records import Coloured, Outcome, Prepared
from archive_colorizer.weights.reference import ResolvedModel

BUCKET_PX: Final = 32
"""Sides are padded up to a multiple of this (or of what the model needs), so that batches form."""


class Colorize:
    """Prepared -> Coloured."""

    name = "colorize"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model = model
        self._label, self._vividness = color.label, color.vividness
        self._precision = run.precision
        self._batch_size = run.batch_size

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.pipeline.predict import Predictor

        self._predictor = Predictor(self._model, self._vividness, self._precision)
        self._multiple = max(BUCKET_PX, self._predictor.size_multiple)

    def __call__(self, batch: Sequence[Prepared]) -> list[object]:
        """Colour a batch; pictures of one padded shape go through the model together."""
        classes = [self._class(prepared) for prepared in batch]
        results: list[object] = list(classes)
        numbers = {i: one for i, one in enumerate(classes) if not isinstance(one, Outcome)}
        for indices in self._groups(batch, tuple(numbers)).values():
            for start in range(0, len(indices), self._batch_size):
                part = indices[start : start + self._batch_size]
                coloured = self._colour([(batch[i], numbers[i]) for i in part])
                for i, result in zip(part, coloured, strict=True):
                    results[i] = result
        return results

    def _class(self, prepared: Prepared) -> int | Outcome:
        """What a picture shows: the inventory's word goes before the job's."""
        settings, label = self._model.card.config, prepared.ref.class_id or self._label
        if not has_classes(settings):
            return UNKNOWN
        try:
            return class_number(settings, label)
        except ValueError as error:
            text = f"{prepared.ref.source_uri}: class_id {error}"
            return _failed(prepared, ModelPhotoError(text))

    def _groups(
        self, batch: Sequence[Prepared], which: Sequence[int]
    ) -> dict[tuple[int, int], list[int]]:
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i in which:
            groups[padded_shape(batch[i].proxy_hw.shape, self._multiple)].append(i)
        return groups

    def _colour(self, labelled: Sequence[tuple[Prepared, int]]) -> list[Coloured | Outcome]:
        """One model batch; halved when memory runs out, down to one picture."""
        start_s = time.perf_counter()
        batch = [prepared for prepared, _ in labelled]
        try:
            classes = [label for _, label in labelled]
            ab_b2hw, doubt_b1hw = self._predictor(self._stack(batch), classes)
        except MemoryError:
            if len(batch) > 1:
                half = len(batch) // 2
                return self._colour(labelled[:half]) + self._colour(labelled[half:])
            text = f"{batch[0].ref.source_uri}: the model ran out of memory on this picture alone"
            return [_failed(batch[0], MemoryPhotoError(text))]
        ms_model = ms_since(start_s) / len(batch)
        return [
            self._coloured(prepared, ab, doubt, ms_model)
            for prepared, ab, doubt in zip(batch, ab_b2hw, doubt_b1hw, strict=True)
        ]

    def _coloured(
        self,
        prepared: Prepared,
        ab_2hw: NDArray[np.float32],
        doubt_1hw: NDArray[np.float32],
        ms: float,
    ) -> Coloured | Outcome:
        height, width = prepared.proxy_hw.shape
        ab_2hw, doubt_hw = ab_2hw[:, :height, :width], doubt_1hw[0, :height, :width]
        if not (np.isfinite(ab_2hw).all() and np.isfinite(doubt_hw).all()):
            text = f"{prepared.ref.source_uri}: the model gave values that are not finite"
            return _failed(prepared, ModelPhotoError(text))
        return Coloured(
            prepared=replace(prepared, proxy_hw=prepared.proxy_hw[:0]),
            ab_2hw=ab_2hw.astype(np.float16),
            doubt_mean=float(doubt_hw.mean()),
            doubt_p95=float(np.percentile(doubt_hw, 95)),
            device=self._predictor.device,
            precision=self._predictor.precision,
            ms={**prepared.ms, "model": ms},
        )

    def _stack(self, batch: Sequence[Prepared]) -> NDArray[np.uint8]:
        height, width = padded_shape(batch[0].proxy_hw.shape, self._multiple)
        return np.stack([pad_to(prepared.proxy_hw, height, width) for prepared in batch])


def padded_shape(shape: Sequence[int], multiple: int) -> tuple[int, int]:
    """(height, width) rounded up to multiples."""
    return (-(-shape[0] // multiple) * multiple, -(-shape[1] // multiple) * multiple)


def pad_to(proxy_hw: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pad at the bottom and right: by mirroring, or by the edge where the picture is too small.

    (h, w) or (h, w, 3).
    """
    rows, columns = height - proxy_hw.shape[0], width - proxy_hw.shape[1]
    small = rows >= proxy_hw.shape[0] or columns >= proxy_hw.shape[1]
    missing = [(0, rows), (0, columns), (0, 0)][: proxy_hw.ndim]
    return np.pad(proxy_hw, missing, mode="edge" if small else "reflect")


def _failed(prepared: Prepared, error: PhotoError) -> Outcome:
    return failure(prepared.ref, error, prepared.started_at_us, prepared.facts, prepared.ms)
