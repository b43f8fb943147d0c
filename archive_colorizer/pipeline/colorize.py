"""Colorize: chroma and doubt for a batch of proxies, in one model call a shape."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archive_colorizer.config import ColorConfig, RunConfig
from archive_colorizer.errors import MemoryPhotoError, ModelPhotoError, PhotoError
from archive_colorizer.pipeline.step import Kind, failure, ms_since
from archive_colorizer.records import Coloured, Outcome, Prepared
from archive_colorizer.weights.reference import ResolvedModel, load, size_multiple

BUCKET_PX: Final = 32
"""Sides are padded up to a multiple of this (or of what the model needs), so that batches form."""
VIVID_TEMPERATURE: Final = 0.38
"""Annealing temperature at vividness 1 (Zhang et al. 2016); at 0 it is 1, the expectation."""


class Colorize:
    """Prepared -> Coloured."""

    name = "colorize"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model = model
        self._temperature = temperature(color.vividness)
        self._precision = run.precision
        self._batch_size = run.batch_size

    def setup(self) -> None:
        """Load the model on the GPU where the worker has one."""
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = autocast_dtype(self._precision, self._device)
        module: nn.Module = load(self._model).to(self._device)
        self._module = module.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._multiple = max(BUCKET_PX, size_multiple(self._model))

    def __call__(self, batch: Sequence[Prepared]) -> list[object]:
        """Colour a batch; pictures of one padded shape go through the model together."""
        results: list[object] = [None] * len(batch)
        for indices in self._groups(batch).values():
            for start in range(0, len(indices), self._batch_size):
                part = indices[start : start + self._batch_size]
                coloured = self._colour([batch[i] for i in part])
                for i, result in zip(part, coloured, strict=True):
                    results[i] = result
        return results

    def _groups(self, batch: Sequence[Prepared]) -> dict[tuple[int, int], list[int]]:
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, prepared in enumerate(batch):
            groups[padded_shape(prepared.proxy_hw.shape, self._multiple)].append(i)
        return groups

    def _colour(self, batch: Sequence[Prepared]) -> list[Coloured | Outcome]:
        """One model batch; halved when memory runs out, down to one picture."""
        start_s = time.perf_counter()
        try:
            ab_b2hw, doubt_b1hw = self._predict([prepared.proxy_hw for prepared in batch])
        except (torch.OutOfMemoryError, MemoryError):
            if len(batch) > 1:
                half = len(batch) // 2
                return self._colour(batch[:half]) + self._colour(batch[half:])
            text = f"{batch[0].ref.source_uri}: the model ran out of memory on this picture alone"
            return [_failed(batch[0], MemoryPhotoError(text))]
        ms_model = ms_since(start_s) / len(batch)
        return [
            _coloured(prepared, ab, doubt, ms_model)
            for prepared, ab, doubt in zip(batch, ab_b2hw, doubt_b1hw, strict=True)
        ]

    def _predict(
        self, proxies: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        height, width = padded_shape(proxies[0].shape, self._multiple)
        gray_bhw = np.stack([pad_to(proxy, height, width) for proxy in proxies])
        gray_b1hw = torch.from_numpy(gray_bhw)[:, None].to(self._device).float().div_(255)
        with torch.inference_mode(), self._autocast():
            prediction = self._module.predict(gray_b1hw, temperature=self._temperature)  # type: ignore[operator]
        ab: Tensor = prediction.ab_b2hw.float().cpu()
        doubt: Tensor = prediction.doubt_b1hw.float().cpu()
        return ab.numpy(), doubt.numpy()

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        enabled = self._dtype is not torch.float32
        with torch.autocast(self._device.type, dtype=self._dtype, enabled=enabled):
            yield


def temperature(vividness: float | None) -> float | None:
    """Annealing temperature of a vividness in [0, 1]; None leaves it to the model."""
    return None if vividness is None else VIVID_TEMPERATURE**vividness


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where it is asked for or, with "auto", where the hardware multiplies it natively."""
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16" or device.type == "cuda":
        return torch.bfloat16
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions (False where that cannot be read)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def padded_shape(shape: Sequence[int], multiple: int) -> tuple[int, int]:
    """(height, width) rounded up to multiples."""
    return (-(-shape[0] // multiple) * multiple, -(-shape[1] // multiple) * multiple)


def pad_to(proxy_hw: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pad at the bottom and right: by mirroring, or by the edge where the picture is too small."""
    rows, columns = height - proxy_hw.shape[0], width - proxy_hw.shape[1]
    small = rows >= proxy_hw.shape[0] or columns >= proxy_hw.shape[1]
    return np.pad(proxy_hw, ((0, rows), (0, columns)), mode="edge" if small else "reflect")


def _coloured(
    prepared: Prepared, ab_2hw: NDArray[np.float32], doubt_1hw: NDArray[np.float32], ms: float
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
        ms={**prepared.ms, "model": ms},
    )


def _failed(prepared: Prepared, error: PhotoError) -> Outcome:
    return failure(prepared.ref, error, prepared.started_at_us, prepared.facts, prepared.ms)
