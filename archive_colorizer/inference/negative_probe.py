"""Is a grey picture a negative? `builtin:negatives` says how much it looks like one.

Most are answered at one small look. Those that may be negatives are looked at larger, as they are
and inverted: the difference is surer than either. `benchmarks/fit_negatives.py` trains the model
and chooses the thresholds, which stand in its card.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.inference.runner import Runner, open_runner
from archive_colorizer.models.negative_classifier import NegativeClassifierConfig
from archive_colorizer.registry.resolve import resolve

MODEL: Final = "builtin:negatives"
BATCH: Final = 64


class NegativeProbe:
    """Grey pictures to how likely each is a negative."""

    def __init__(self, runner: Runner) -> None:
        """Take a `NegativeClassifier`."""
        self._runner = runner
        self._config: NegativeClassifierConfig = runner.module.config

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """Score (h, w) uint8 pictures: 0 to 1; `is_negative` says from where on.

        Raises:
            MemoryPhotoError: the device has no room.
            ModelPhotoError: the network raised.
        """
        logits = self._look(pictures, self._config.first_px)
        unsure = [i for i, logit in enumerate(logits) if logit >= self._config.unsure_from]
        for i, logit in zip(unsure, self.compare([pictures[i] for i in unsure]), strict=True):
            logits[i] = logit
        return [1 / (1 + math.exp(min(max(-logit, -50), 50))) for logit in logits]

    def compare(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """The second look: logits by which pictures, not their inverses, are the negatives."""
        side = self._config.second_px
        here = self._look(pictures, side)
        there = self._look([255 - one for one in pictures], side)
        return [(a - b) / 2 for a, b in zip(here, there, strict=True)]

    def is_negative(self, score: float) -> bool:
        """Whether a score is so high that one photograph in a hundred would have it."""
        return score >= self._config.negative_from

    def _look(self, pictures: Sequence[NDArray[np.uint8]], side_px: int) -> list[float]:
        logits: list[float] = []
        for start in range(0, len(pictures), BATCH):
            squares = [squared(one, side_px) for one in pictures[start : start + BATCH]]
            logits += self._runner(partial(self._logits, np.stack(squares)))
        return logits

    def _logits(self, gray_bhw: NDArray[np.uint8]) -> list[float]:
        gray = torch.from_numpy(gray_bhw).to(self._runner.device).float()[:, None] / 255
        found: list[float] = self._runner.module(gray).tolist()
        return found


def squared(gray_hw: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """A picture as the classifier sees it: (side_px, side_px) uint8."""
    return np.asarray(cv2.resize(gray_hw, (side_px, side_px), interpolation=cv2.INTER_AREA))


def open_negative_probe() -> NegativeProbe:
    """Load the classifier onto the worker's device.

    Raises:
        ModelReferenceError: the package's own weights cannot be loaded.
    """
    # The same on every machine: a score near the threshold is a flag or none.
    return NegativeProbe(open_runner(resolve(MODEL), "float32"))
