"""The class of a grey picture, by the published classifier: for `--class auto`.

B batch, H height, W width.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.errors import PhotoError
from archive_colorizer.inference.device import choose_device
from archive_colorizer.inference.runner import Runner
from archive_colorizer.weights.pretrained import load_imagenet_classifier

SIDE_PX: Final = 256
"""Pictures are brought to squares of this side, as BigGAN inversion brings them to its own."""
BATCH: Final = 16


class Recognised(NamedTuple):
    """The likeliest class of a picture."""

    number: int
    """0 to 999, as ImageNet's classes are numbered."""
    score: float
    """Its probability by the classifier, 0 to 1."""


class ImagenetClasses:
    """Grey pictures to their classes."""

    def __init__(self, runner: Runner) -> None:
        """Take an `EfficientNetLite2Classifier`."""
        self._runner = runner

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Recognised | PhotoError]:
        """Recognise (h, w) uint8 pictures, sRGB-encoded; a picture's error stands in its place."""
        found: list[Recognised | PhotoError] = []
        for start in range(0, len(pictures), BATCH):
            found += self._runner.each(pictures[start : start + BATCH], self._forward)
        return found

    def _forward(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Recognised | PhotoError]:
        gray_bhw = np.stack([_make_square(one) for one in pictures])
        gray_b1hw = torch.from_numpy(gray_bhw)[:, None].to(self._runner.device).float()
        scores_bc = self._runner.module(gray_b1hw).float().softmax(dim=1)
        best = scores_bc.max(dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [Recognised(number, round(score, 4)) for number, score in pairs]


def _make_square(gray_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    smaller = min(gray_hw.shape) > SIDE_PX
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray_hw, (SIDE_PX, SIDE_PX), interpolation=how))


def open_imagenet_classes() -> ImagenetClasses:
    """Load the classifier onto the worker's device.

    Raises:
        ConfigError: the published weights are not installed on this machine.
    """
    module = load_imagenet_classifier().to(choose_device("auto"))
    return ImagenetClasses(Runner(module, "float32"))
