"""Drawn pictures and toy models of known answers."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from archive_colorizer.models.spec import Prediction


def drawn(seed: int, height: int = 64, width: int = 80) -> NDArray[np.uint8]:
    """A smooth coloured picture, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


class Constant(nn.Module):
    """Gives every pixel the same ab; its doubt is the grey picture itself."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.ab = nn.Parameter(torch.tensor([float(a), float(b)]).view(1, 2, 1, 1))

    def predict(
        self, gray_b1hw: Tensor, *, temperature: float | None = None, **_: object
    ) -> Prediction:
        batch, _, height, width = gray_b1hw.shape
        scale = 1.0 if temperature is None else temperature
        return Prediction(self.ab.expand(batch, 2, height, width) * scale, gray_b1hw)


class Inverted(nn.Module):
    """A translator whose truth is the negative."""

    def translate(self, source_b3hw: Tensor) -> Tensor:
        return 1 - source_b3hw
