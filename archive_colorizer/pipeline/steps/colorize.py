"""Colorize: chroma and doubt for a batch of proxies, in one model call a shape.

The step itself loads no torch, so that a driver that only plans stays light; `inference.predict`
does.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import MemoryPhotoError, ModelPhotoError, PhotoError
from archive_colorizer.models.catalog import UNKNOWN, class_number, has_classes
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.inputs.hints import hint_planes
from archive_colorizer.pipeline.records import Coloured, Outcome, Prepared
from archive_colorizer.pipeline.steps.step import Kind, failure, ms_since
from archive_colorizer.weights.reference import ResolvedModel

BUCKET_PX: Final = 32
"""Sides are padded up to a multiple of this (or of what the model needs), so that batches form."""


class Told(NamedTuple):
    """What is known of a picture before the model sees it."""

    class_number: int
    hints_3hw: NDArray[np.float32] | None


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
        from archive_colorizer.inference.predict import Predictor

        self._predictor = Predictor(self._model, self._vividness, self._precision)
        self._multiple = max(BUCKET_PX, self._predictor.size_multiple)

    def __call__(self, batch: Sequence[Prepared]) -> list[object]:
        """Colour a batch; pictures of one padded shape go through the model together."""
        told = [self._told(prepared) for prepared in batch]
        results: list[object] = list(told)
        fit = {i: one for i, one in enumerate(told) if not isinstance(one, Outcome)}
        for indices in self._groups(batch, tuple(fit)).values():
            for start in range(0, len(indices), self._batch_size):
                part = indices[start : start + self._batch_size]
                coloured = self._colour([(batch[i], fit[i]) for i in part])
                for i, result in zip(part, coloured, strict=True):
                    results[i] = result
        return results

    def _told(self, prepared: Prepared) -> Told | Outcome:
        """What is known of a picture; the inventory's class goes before the job's."""
        settings, ref = self._model.card.config, prepared.ref
        number, planes = UNKNOWN, None
        if has_classes(settings):
            try:
                number = class_number(settings, ref.class_id or self._label)
            except ValueError as error:
                return _failed(prepared, ModelPhotoError(f"{ref.source_uri}: class_id {error}"))
        if ref.hints:
            height, width = prepared.proxy_hw.shape
            try:
                planes = hint_planes(ref.hints, prepared.header.upright_size, (height, width))
            except ValueError as error:
                return _failed(prepared, ModelPhotoError(f"{ref.source_uri}: {error}"))
        return Told(number, planes)

    def _groups(
        self, batch: Sequence[Prepared], which: Sequence[int]
    ) -> dict[tuple[int, int], list[int]]:
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i in which:
            groups[padded_shape(batch[i].proxy_hw.shape, self._multiple)].append(i)
        return groups

    def _colour(self, labelled: Sequence[tuple[Prepared, Told]]) -> list[Coloured | Outcome]:
        """One model batch; halved when memory runs out, down to one picture."""
        start_s = time.perf_counter()
        batch = [prepared for prepared, _ in labelled]
        try:
            classes = [told.class_number for _, told in labelled]
            stack = self._stack(batch)
            hints = _stacked([told.hints_3hw for _, told in labelled], stack.shape[1:])
            ab_b2hw, doubt_b1hw = self._predictor(stack, classes, hints)
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


def _stacked(
    planes: Sequence[NDArray[np.float32] | None], shape: Sequence[int]
) -> NDArray[np.float32] | None:
    """(B, 3, H, W) of the pictures' hints at their padded shape; None where none has any."""
    if all(one is None for one in planes):
        return None
    stack = np.zeros((len(planes), 3, *shape), np.float32)
    for room, one in zip(stack, planes, strict=True):
        if one is not None:
            room[:, : one.shape[1], : one.shape[2]] = one
    return stack


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
