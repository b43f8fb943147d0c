"""Chroma classifier with an EfficientNet-Lite2 encoder. B batch, H height, W width, Q bins.

Distributions over ab bins as in Zhang et al. (2016), colour hints as in Zhang et al. (2017); the
encoder (Tan & Le 2019) may begin at weights learned on ImageNet (`weights.pretrained`). The mean of
the deepest map over the picture is added everywhere: one colour climate for the whole scene.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.blocks import ResidualBlock, convolution
from archive_colorizer.models.chroma_classifier import (
    HINT_CHANNELS,
    ChromaClassifier,
    Lift,
    check_reading,
    without_hints,
)
from archive_colorizer.models.efficientnet_lite import EfficientNetLite2

SIZE_MULTIPLE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaLiteConfig:
    """Settings of the family."""

    widths: tuple[int, int, int, int] = (320, 224, 160, 96)
    """Channels of the decoder at strides 32, 16, 8 and 4."""
    head: int = 128
    """Channels before the bins."""
    drop_path: float = 0.1
    """Stochastic depth of the encoder's last block in training."""
    bin_edge: int = 10
    """Edge of the ab cells, in Lab units."""
    temperature: float = 1.0
    """Temperature of the annealed mean when none is asked for: 1 is the expectation, lower the
    mode."""
    rebalance: float = 0.0
    """Power of `Lift.rebalance`."""
    spread: float = 0.0
    """Power of `Lift.spread` when no vividness is asked for."""
    work_px: tuple[int, ...] = ()
    """Short sides that `predict` brings a picture to: the distributions found at each are averaged.
    None takes it as it comes."""

    def __post_init__(self) -> None:
        check_reading(self, SIZE_MULTIPLE)
        if not 0 <= self.drop_path < 1:
            raise ValueError(f"drop_path={self.drop_path}: must be 0 to under 1")


class ChromaLite(ChromaClassifier):
    """EfficientNet-Lite2, and a decoder of residual blocks up to stride 4."""

    def __init__(self, config: ChromaLiteConfig) -> None:
        super().__init__(config, SIZE_MULTIPLE)
        self.config = config
        deepest = config.widths[0]
        self.encoder = EfficientNetLite2(1 + HINT_CHANNELS, drop_path=config.drop_path)
        *taps, last = self.encoder.channels
        self.bottom = nn.Sequential(convolution(last, deepest, kernel=1), ResidualBlock(deepest))
        self.scene = nn.Linear(deepest, deepest)
        self.merge = nn.ModuleList(
            convolution(low + tap, high)
            for (low, high), tap in zip(pairwise(config.widths), taps[::-1], strict=True)
        )
        self.decoder = nn.ModuleList(ResidualBlock(width) for width in config.widths[1:])
        self.head = nn.Sequential(
            convolution(config.widths[-1], config.head),
            nn.Conv2d(config.head, len(self.bins_q2), 1),
        )

    def lift(self, vividness: float | None) -> Lift:
        """By the scene: `vividness` is the power of `Lift.spread`."""
        spread = self.config.spread if vividness is None else vividness
        return Lift(self.config.rebalance, spread)

    def forward(self, gray_b1hw: Tensor, hints_b3hw: Tensor | None = None) -> Tensor:
        """Logits over the bins.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1].
            hints_b3hw: (B, 3, H, W): a and b divided by 110, and a mask of 0 and 1; None for none.

        Returns:
            (B, Q, H/4, W/4) logits.
        """
        if hints_b3hw is None:
            hints_b3hw = without_hints(gray_b1hw)
        *taps, x = self.encoder(torch.cat(((gray_b1hw * 255 - 127) / 128, hints_b3hw), dim=1))
        x = self.bottom(x)
        x = x + self.scene(x.mean(dim=(2, 3)))[:, :, None, None]
        for merge, block, tap in zip(self.merge, self.decoder, taps[::-1], strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(merge(torch.cat((x, tap), dim=1)))
        logits: Tensor = self.head(x)
        return logits


def build(config: ChromaLiteConfig) -> nn.Module:
    """An untrained network."""
    return ChromaLite(config)
