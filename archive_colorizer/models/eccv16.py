"""Colour as classes of ab: Zhang, Isola & Efros, "Colorful Image Colorization" (2016).

Parts have the names of the authors' PyTorch release, so that its state dict loads as it is. For
fine colours of our own training see `chroma_unet`. B batch, H height, W width.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction

BINS: Final = 313
MULTIPLE: Final = 8
L_CENTRE, L_SCALE = 50.0, 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZhangConfig:
    """Settings of this family and of `siggraph17`."""

    width: int = 64
    """Channels of the first stage; the later ones have two, four and eight times as many."""

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width={self.width}: must be at least 1")


def stage(
    inputs: int, outputs: int, count: int, *, dilation: int = 1, last_stride: int = 1
) -> nn.Sequential:
    """`count` 3x3 convolutions with ReLU, the last one with a stride, then batch norm."""
    layers: list[nn.Module] = []
    for i in range(count):
        stride = last_stride if i == count - 1 else 1
        layers += [
            nn.Conv2d(inputs if i == 0 else outputs, outputs, 3, stride, dilation, dilation),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs))


class ECCV16(nn.Module):
    """Lightness in, a distribution over ab at a quarter of its sides out."""

    def __init__(self, config: ZhangConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.model1 = stage(1, w, 2, last_stride=2)
        self.model2 = stage(w, 2 * w, 2, last_stride=2)
        self.model3 = stage(2 * w, 4 * w, 3, last_stride=2)
        self.model4 = stage(4 * w, 8 * w, 3)
        self.model5 = stage(8 * w, 8 * w, 3, dilation=2)
        self.model6 = stage(8 * w, 8 * w, 3, dilation=2)
        self.model7 = stage(8 * w, 8 * w, 3)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(8 * w, 4 * w, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(4 * w, 4 * w, 3, 1, 1), nn.ReLU(),
            nn.Conv2d(4 * w, 4 * w, 3, 1, 1), nn.ReLU(),
            nn.Conv2d(4 * w, BINS, 1),
        )  # fmt: skip
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)

    def forward(self, lightness_b1hw: Tensor) -> Tensor:
        """Logits (B, 313, H / 4, W / 4) of (L - 50) / 100, (B, 1, H, W); sides multiples of 8."""
        x = lightness_b1hw
        for number in range(1, 9):
            x = self.get_submodule(f"model{number}")(x)
        return x

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; vividness and hints have no effect.

        Doubt is the entropy of the distribution over its greatest.
        """
        lightness = to_lightness(gray_b1hw)

        def said(x_b1hw: Tensor) -> Tensor:
            share = F.softmax(self(x_b1hw).float() / (temperature or 1.0), dim=1)
            ab = self.model_out(share) * AB_SCALE
            entropy = -(share * share.clamp(min=1e-12).log()).sum(dim=1, keepdim=True)
            coarse = torch.cat((ab, entropy / math.log(BINS)), dim=1)
            return F.interpolate(coarse, scale_factor=4.0, mode="bilinear", align_corners=False)

        found = at_any_sides(said, lightness, MULTIPLE)
        return Prediction(found[:, :2], found[:, 2:].clamp(0, 1))


def to_lightness(gray_b1hw: Tensor) -> Tensor:
    """(L - 50) / 100 of sRGB-encoded grey in [0, 1], the same shape."""
    lab = rgb_to_lab(gray_b1hw.expand(-1, 3, -1, -1))
    return (lab[:, :1] - L_CENTRE) / L_SCALE


def build(config: ZhangConfig) -> nn.Module:
    """An untrained network."""
    return ECCV16(config)
