"""Reference system C's third model: a U-Net with 5x5 kernels (or others) going down.

B batch, H height, W width. Batch norm, dropout and LeakyReLU down, transposed convolutions up,
skips by concatenation; grey in, ab out. The system went from 160 to 320 pixels; 160 is no multiple
of 2^6, so sides are padded inside, in training too.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetPerceptualConfig:
    """Settings of the family."""

    width: int = 64
    """Channels of the first level; they double up to eight times as many."""
    depth: int = 6
    """How often the picture is halved."""
    kernel: int = 5
    """Edge of the convolutions going down (KSIZE): odd, 3 to 9."""
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if not 2 <= self.depth <= 9 or self.width < 1 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"depth={self.depth}, width={self.width}, dropout={self.dropout}: "
                "must be 2 to 9, at least 1, and 0 to under 1"
            )
        if self.kernel not in (3, 5, 7, 9):
            raise ValueError(f"kernel={self.kernel}: must be 3, 5, 7 or 9")


class UNetPerceptual(nn.Module):
    """Grey in, ab out; any sides, they are padded to 2^depth inside."""

    def __init__(self, config: UNetPerceptualConfig) -> None:
        super().__init__()
        self.config = config
        widths = [1, *(config.width * min(2**i, 8) for i in range(config.depth))]
        self.down = nn.ModuleList(
            _down(a, b, config.kernel, config.dropout if i > 0 else 0.0, normed=i > 0)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.up = nn.ModuleList(
            _up(widths[i + 1] * (1 if i == config.depth - 1 else 2), widths[i], config.dropout)
            for i in range(config.depth - 1, 0, -1)
        )
        self.last = nn.ConvTranspose2d(2 * widths[1], 2, 4, 2, 1)

    def forward(self, gray_b1hw: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] -> (B, 2, H, W) float32 in [-1, 1]; any sides."""
        return at_any_sides(self._paint, gray_b1hw, 2**self.config.depth)

    def _paint(self, gray_b1hw: Tensor) -> Tensor:
        x, skips = gray_b1hw * 2 - 1, []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = skips.pop()
        for up in self.up:
            x = torch.cat((up(x), skips.pop()), dim=1)
        return torch.tanh(self.last(x))

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; one colour for each pixel, so only the picture counts.

        Any sides; doubt is 0.
        """
        return certain(self(gray_b1hw) * AB_SCALE)


def _down(inputs: int, outputs: int, kernel: int, dropout: float, *, normed: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2, bias=not normed),
        nn.BatchNorm2d(outputs) if normed else nn.Identity(),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
    )


def _up(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Dropout(dropout),
    )


def build(config: UNetPerceptualConfig) -> nn.Module:
    """An untrained network."""
    return UNetPerceptual(config)
