"""Is a grey picture a negative? The encoder that colours has learned what photographs look like.

Its maps, averaged over the picture, of the picture and of its inverse: the difference says which of
the two is a photograph, by a logistic regression (a linear probe, Alain & Bengio 2016) that
`benchmarks/fit_negatives.py` fits. B batch, H height, W width.
"""

import base64
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.imaging.negative_weights import PROBE_FROM, PROBE_WEIGHTS
from archive_colorizer.inference.runner import Runner, open_runner
from archive_colorizer.registry.resolve import resolve

SIDE_PX: Final = 96
"""Pictures are brought to squares of this side, a multiple of 32."""
ENCODER: Final = "builtin:default"
"""The model whose encoder is asked, whichever colours."""
BATCH: Final = 64


class NegativeProbe:
    """Grey pictures to how likely each is a negative."""

    def __init__(self, runner: Runner) -> None:
        """Take a `ChromaLite` network."""
        self._runner = runner
        weights = np.frombuffer(base64.b85decode(PROBE_WEIGHTS), np.float16).astype(np.float32)
        self._weights = torch.from_numpy(weights).to(runner.device)

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """Score (h, w) uint8 pictures: 0 to 1; `is_negative` says from where on.

        Raises:
            MemoryPhotoError: the device has no room.
            ModelPhotoError: the network raised.
        """
        scores: list[float] = []
        for start in range(0, len(pictures), BATCH):
            gray_bhw = np.stack([squared(one) for one in pictures[start : start + BATCH]])
            margins = self._runner(partial(self._margins, gray_bhw), in_float32=True)
            scores += [1 / (1 + math.exp(min(max(-margin, -50), 50))) for margin in margins]
        return scores

    def _margins(self, gray_bhw: NDArray[np.uint8]) -> list[float]:
        gray = torch.from_numpy(gray_bhw).to(self._runner.device).float()[:, None]
        found: list[float] = (differences(self._runner.module, gray) @ self._weights).tolist()
        return found


def squared(gray_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as the probe sees it: (SIDE_PX, SIDE_PX) uint8."""
    size = (SIDE_PX, SIDE_PX)
    return np.asarray(cv2.resize(gray_hw, size, interpolation=cv2.INTER_AREA))


def differences(module: Any, gray_b1hw: Tensor) -> Tensor:  # noqa: ANN401 (as Runner has it)
    """What the encoder sees in pictures, less what it sees in their inverses.

    Args:
        module: a `ChromaLite` network.
        gray_b1hw: (B, 1, H, W) float32 in 0..255.

    Returns:
        (B, n): means and standard deviations of its maps.
    """
    both = (torch.cat((gray_b1hw, 255 - gray_b1hw)) - 127) / 128
    hints = both.new_zeros((len(both), 3, *both.shape[2:]))
    maps = module.encoder(torch.cat((both, hints), dim=1))
    pooled = torch.cat([x for one in maps for x in (one.mean((2, 3)), one.std((2, 3)))], dim=1)
    picture, inverse = pooled.chunk(2)
    return picture - inverse


def is_negative(score: float) -> bool:
    """Whether a score is so high that one photograph in a hundred would have it."""
    return score >= PROBE_FROM


def open_negative_probe() -> NegativeProbe:
    """Load the encoder onto the worker's device.

    Raises:
        ModelReferenceError: the package's own weights cannot be loaded.
    """
    return NegativeProbe(open_runner(resolve(ENCODER), "float32"))
