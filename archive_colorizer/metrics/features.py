"""Features of pretrained networks that stand for what people see. B batch, H height, W width.

Perceptual losses are published with VGG16 and VGG19, whose weights a user names. Where they are not
to be had, the ImageNet encoder of the extra `pretrained` is a substitute: another network, so that
figures with it are not those of the papers.
"""

from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.metrics.vgg import open_vgg
from archive_colorizer.weights.pretrained import load_imagenet_rgb_encoder

ENCODER: Final = "builtin:encoder"
"""Named where a file of VGG's weights would be."""
ENCODER_TITLE: Final = "EfficientNet-Lite2's ImageNet encoder"
SET_PX: Final = 256
"""Sides of pictures whose sets are compared."""


class EncoderFeatures(nn.Module):
    """The encoder's maps at strides 16 and 32, frozen.

    Raises:
        ConfigError: the extra `pretrained` is not installed.
    """

    def __init__(self, asked_by: str, instead: str) -> None:
        super().__init__()
        self.encoder = load_imagenet_rgb_encoder(asked_by, instead)
        self.requires_grad_(False).eval()

    def forward(self, rgb_b3hw: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [0, 1], sides of 32 and more -> maps of 120 and 352 channels."""
        _, _, *maps = self.encoder((rgb_b3hw * 255 - 127) / 128)
        return maps[0], maps[1]

    def pooled(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 352): 8-bit pictures at 256 px, the last map's mean."""
        sized = F.interpolate(rgb_b3hw, (SET_PX, SET_PX), mode="bicubic", antialias=True)
        rounded = (sized.clamp(0, 1) * 255).round() / 255
        last: Tensor = self(rounded)[1]
        return last.mean(dim=(2, 3))


def open_features(kind: str, named: str, weight: float) -> nn.Module | None:
    """The features of a perceptual loss; None where it weighs nothing.

    Args:
        kind: vgg16 or vgg19, as the recipe is published with.
        named: a file of that network's public state dict, or `builtin:encoder`.
        weight: of the loss.

    Raises:
        ConfigError: it weighs something and nothing is named, or the encoder is not installed.
        LocationError: the file is missing or holds other weights.
    """
    if weight and named == ENCODER:
        return EncoderFeatures(f"--perceptual-from {ENCODER}", "--set recipe.perceptual=0")
    return open_vgg(kind, named, weight)


def perceptual_loss(network: nn.Module, made_b3hw: Tensor, truth_b3hw: Tensor) -> Tensor:
    """Mean squared distance of the features, summed over the maps; both pictures in [0, 1]."""
    with torch.no_grad():
        wanted = network(truth_b3hw)
    distances = [
        F.mse_loss(a.float(), b.float()) for a, b in zip(network(made_b3hw), wanted, strict=True)
    ]
    return torch.stack(distances).sum()


def describe_features(named: str, weight: float) -> str:
    """What a perceptual loss looks through, for a model's card; empty where there is none."""
    if not weight or not named:
        return ""
    if named == ENCODER:
        return (
            f"Perceptual loss (weight {weight:g}) on features of {ENCODER_TITLE} at strides 16 "
            "and 32, in the place of the published VGG's."
        )
    return f"Perceptual loss (weight {weight:g}) on features of {Path(named).name}."
