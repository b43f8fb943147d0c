"""Judge one subject over all pictures. B batch, H height, W width."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.errors import ModelReferenceError, PhotoError
from archive_colorizer.evaluation import skin
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.perceptual import Features, Perceptual
from archive_colorizer.evaluation.pictures import Pair
from archive_colorizer.evaluation.scores import Judged, PictureScores, score
from archive_colorizer.evaluation.subject import Painted, Subject
from archive_colorizer.inference.tensors import to_tensor
from archive_colorizer.metrics.skin import Skin


@dataclass(frozen=True, slots=True)
class Shown:
    """A subject's scores, and its first pictures for the contact sheet."""

    judged: Judged
    first: tuple[NDArray[np.uint8], ...]


class _Batch(NamedTuple):
    pairs: Sequence[Pair]
    skins: Sequence[Sequence[Skin]]
    source_bhw3: NDArray[np.uint8]
    truth_b3hw: Tensor
    """In [0, 1], on the device, for the perceptual networks."""


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
        found = skin.find_all([pair.truth_hw3 for pair in pairs], config.skin)
        self._skins = found or [()] * len(pairs)
        self.protocol = {"skin": skin.describe(found, config.skin, config.min_faces)}
        truths = [perceptual.features(batch.truth_b3hw) for batch in self._batches()]
        self._true = _joined(truths)

    def __call__(self, subject: Subject) -> Shown:
        """Paint every picture and score it.

        Raises:
            ModelReferenceError: the model raised, ran out of memory, or gave values that are not
                finite.
        """
        scores: list[PictureScores] = []
        features: list[Features] = []
        first: list[NDArray[np.uint8]] = []
        seconds = 0.0
        for batch in self._batches():
            start_s = time.perf_counter()
            painted = all_painted(subject, batch.source_bhw3)
            seconds += time.perf_counter() - start_s
            made_b3hw = to_tensor(np.stack([one.rgb_hw3 for one in painted]), self._device)
            features.append(self._perceptual.features(made_b3hw))
            lpips = self._perceptual.lpips(made_b3hw, batch.truth_b3hw)
            scores += [
                score(
                    pair.name,
                    one.rgb_hw3,
                    pair.truth_hw3,
                    doubt=one.doubt,
                    lpips=distance,
                    skins=skins,
                )
                for pair, skins, one, distance in zip(
                    batch.pairs, batch.skins, painted, lpips, strict=True
                )
            ]
            wanted = max(0, self._config.sheet_rows - len(first))
            first.extend(one.rgb_hw3 for one in painted[:wanted])
        judged = Judged(
            model=subject.name,
            family=subject.family,
            weights_sha256=subject.weights_sha256,
            parameters=subject.parameters,
            pictures=tuple(scores),
            of_set=self._perceptual.of_set(_joined(features), self._true),
            seconds=seconds,
        )
        return Shown(judged, tuple(first))

    def _batches(self) -> Iterator[_Batch]:
        size = self._config.batch_size
        for start in range(0, len(self._pairs), size):
            part = slice(start, start + size)
            pairs = self._pairs[part]
            source = np.stack([pair.source_hw3 for pair in pairs])
            truth = np.stack([pair.truth_hw3 for pair in pairs])
            yield _Batch(pairs, self._skins[part], source, to_tensor(truth, self._device))


def all_painted(subject: Subject, source_bhw3: NDArray[np.uint8]) -> list[Painted]:
    """A subject's pictures of a batch; a table's means must be over all pictures or none.

    Raises:
        ModelReferenceError: one of them failed.
    """
    painted = []
    for one in subject.paint(source_bhw3):
        if isinstance(one, PhotoError):
            raise ModelReferenceError(f"{subject.name}: {one}")
        painted.append(one)
    return painted


def _joined(parts: Sequence[Features]) -> Features:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
