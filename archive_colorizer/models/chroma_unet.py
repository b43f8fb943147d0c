"""Chroma classifier with a U-Net of its own. B batch, C channel, H height, W width.

After Zhang, Isola & Efros, "Colorful Image Colorization" (2016): every pixel gets a distribution
over the ab cells that sRGB reaches; prediction is its annealed mean. Colour hints as in Zhang et
al., "Real-Time User-Guided Image Colorization" (2017): two ab planes and a mask beside the grey.
"""

from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaUNetConfig:
    """Settings of the family."""

    widths: tuple[int, ...] = (40, 80, 128, 224, 320)
    """Channels at strides 2, 4, 8, ..."""
    blocks: tuple[int, ...] = (1, 1, 2, 2, 1)
    """Residual blocks at each stride of the encoder."""
    head: int = 128
    """Channels before the bins."""
    bin_edge: int = 10
    """Of the ab cells, in Lab units."""
    temperature: float = 0.6
    """Of the annealed mean when none is asked for: 1 is the expectation, lower the mode."""
    rebalance: float = 0.0
    """How far bins are weighted by their rarity at prediction when it is not asked for: 0 takes
    them as learned, higher values are more vivid."""
    work_px: tuple[int, ...] = ()
    """Short sides that `predict` brings a picture to: the distributions found at each are averaged,
    so that small ones see the whole scene and large ones its parts. None takes it as it comes."""

    def __post_init__(self) -> None:
        check_reading(self, 2 ** len(self.widths))


class ChromaUNet(ChromaClassifier):
    """A U-Net with residual blocks."""

    def __init__(self, config: ChromaUNetConfig) -> None:
        super().__init__(config, 2 ** len(config.widths))
        self.config = config
        widths = config.widths
        self.stem = convolution(1 + HINT_CHANNELS, widths[0], kernel=5, stride=2)
        self.down = nn.ModuleList(
            [nn.Identity()] + [convolution(a, b, stride=2) for a, b in pairwise(widths)]
        )
        self.encoder = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
            for width, count in zip(widths, config.blocks, strict=True)
        )
        climb = list(zip(widths[:0:-1], widths[-2:0:-1], strict=False))
        self.merge = nn.ModuleList(convolution(low + high, high) for low, high in climb)
        self.decoder = nn.ModuleList(ResidualBlock(high) for _, high in climb)
        self.head = nn.Sequential(
            convolution(widths[1], config.head), nn.Conv2d(config.head, len(self.bins_q2), 1)
        )

    def lift(self, vividness: float | None) -> Lift:
        """By rarity: `vividness` is the power of `Lift.rebalance`."""
        return Lift(rebalance=self.config.rebalance if vividness is None else vividness)

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
        x = self.stem(torch.cat((gray_b1hw * 2 - 1, hints_b3hw), dim=1))
        skips = []
        for down, blocks in zip(self.down, self.encoder, strict=True):
            x = blocks(down(x))
            skips.append(x)
        for merge, block, skip in zip(self.merge, self.decoder, skips[-2::-1], strict=False):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(merge(torch.cat((x, skip), dim=1)))
        logits: Tensor = self.head(x)
        return logits


def build(config: ChromaUNetConfig) -> nn.Module:
    """An untrained network."""
    return ChromaUNet(config)
