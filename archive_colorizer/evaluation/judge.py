"""Judge one subject over all pictures. B batch, H height, W width."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.perceptual import Perceptual
from archive_colorizer.evaluation.pictures import Pair
from archive_colorizer.evaluation.scores import Judged, PictureScores, score
from archive_colorizer.evaluation.subject import Subject
from archive_colorizer.inference.device import seeded


@dataclass(frozen=True, slots=True)
class Shown:
    """A subject's scores, and its first pictures for the contact sheet."""

    judged: Judged
    first: tuple[NDArray[np.uint8], ...]


class _Made(NamedTuple):
    rgb_b3hw: Tensor
    """8 bits fine, in [0, 1]."""
    doubts: list[float | None]
    seconds: float


class Judge:
    """The pictures of one comparison; every subject is judged on the same ones."""

    def __init__(
        self,
        config: EvaluationConfig,
        pairs: Sequence[Pair],
        perceptual: Perceptual,
        device: torch.device,
    ) -> None:
        self._config, self._pairs = config, pairs
        self._perceptual, self._device = perceptual, device
        truths = [perceptual.features(truth) for _, _, truth in self._batches()]
        self._true_nf = _joined(truths)

    def __call__(self, subject: Subject) -> Shown:
        """Paint every picture and score it."""
        scores: list[PictureScores] = []
        features: list[Tensor | None] = []
        first: list[NDArray[np.uint8]] = []
        seconds = 0.0
        for batch, source, truth in self._batches():
            made = self._paint(subject, source)
            seconds += made.seconds
            features.append(self._perceptual.features(made.rgb_b3hw))
            lpips = self._perceptual.lpips(made.rgb_b3hw, truth)
            rgb = _pixels(made.rgb_b3hw)
            scores += [
                score(pair.name, picture, pair.truth_hw3, doubt=doubt, lpips=distance)
                for pair, picture, doubt, distance in zip(
                    batch, rgb, made.doubts, lpips, strict=True
                )
            ]
            first.extend(rgb[: max(0, self._config.sheet_rows - len(first))])
        judged = Judged(
            model=subject.name,
            family=subject.family,
            weights_sha256=subject.weights_sha256,
            parameters=subject.parameters,
            pictures=tuple(scores),
            of_set=self._perceptual.of_set(_joined(features), self._true_nf),
            seconds=seconds,
        )
        return Shown(judged, tuple(first))

    def _paint(self, subject: Subject, source_b3hw: Tensor) -> _Made:
        with seeded(self._config.seed, self._device):
            start = time.perf_counter()
            painted = subject.paint(source_b3hw)
            rgb_b3hw = (painted.rgb_b3hw.cpu() * 255).round().to(self._device) / 255
            seconds = time.perf_counter() - start
        if not bool(rgb_b3hw.isfinite().all()):
            raise ModelReferenceError(f"{subject.name}: gives values that are not finite")
        doubts: list[float | None] = [None] * len(rgb_b3hw)
        return _Made(
            rgb_b3hw,
            doubts if painted.doubt_b is None else painted.doubt_b.tolist(),
            seconds,
        )

    def _batches(self) -> Iterator[tuple[Sequence[Pair], Tensor, Tensor]]:
        size = self._config.batch_size
        for start in range(0, len(self._pairs), size):
            batch = self._pairs[start : start + size]
            source = np.stack([pair.source_hw3 for pair in batch])
            truth = np.stack([pair.truth_hw3 for pair in batch])
            yield batch, self._tensor(source), self._tensor(truth)

    def _tensor(self, rgb_bhw3: NDArray[np.uint8]) -> Tensor:
        """(B, H, W, 3) 0..255 -> (B, 3, H, W) in [0, 1] on the device."""
        return torch.from_numpy(rgb_bhw3).to(self._device).permute(0, 3, 1, 2).float() / 255


def _pixels(rgb_b3hw: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = (rgb_b3hw * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return torch.cat(given) if given else None
