"""Negative or positive: EfficientNet-Lite2 over one grey picture. B batch, H height, W width.

The encoder (Tan & Le 2019) is that of a model that colours, taught further on the question. Its
norms are folded into the convolutions (`efficientnet_lite.fold_norms`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archive_colorizer.models.efficientnet_lite import EfficientNetLite2, fold_norms


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeClassifierConfig:
    """Settings of the family."""

    first_px: int = 96
    """The first look is at squares of this side, a multiple of 32."""
    second_px: int = 160
    """The second look is at larger squares: of the picture and of its inverse."""
    unsure_from: float = 0.0
    """Logit of the first look from which on there is a second."""
    negative_from: float = 0.5
    """Score from which on a picture counts as a negative."""

    def __post_init__(self) -> None:
        for name in ("first_px", "second_px"):
            side = getattr(self, name)
            if side < 32 or side % 32:
                raise ValueError(f"{name}={side}: must be a multiple of 32")
        if not 0 <= self.negative_from <= 1:
            raise ValueError(f"negative_from={self.negative_from}: must be 0 to 1")


class NegativeClassifier(nn.Module):
    """Means of the encoder's maps, and a linear layer."""

    def __init__(self, config: NegativeClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite2(1).eval()
        fold_norms(self.encoder)
        self.head = nn.Linear(sum(self.encoder.channels), 1)

    def forward(self, gray_b1hw: Tensor) -> Tensor:
        """How much pictures look like negatives.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1], sides multiples of 32.

        Returns:
            (B,) logits; above 0 is a negative more likely than not.
        """
        maps = self.encoder((gray_b1hw * 255 - 127) / 128)
        means = torch.cat([one.mean((2, 3)) for one in maps], dim=1)
        logits: Tensor = self.head(means)[:, 0]
        return logits


def build(config: NegativeClassifierConfig) -> nn.Module:
    """An untrained network."""
    return NegativeClassifier(config)
