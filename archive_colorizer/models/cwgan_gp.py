"""Reference system C's second model: a U-Net of residual blocks, and the critic it is judged by.

Conditional Wasserstein GAN (Gulrajani et al., "Improved Training of Wasserstein GANs", 2017): grey
in, ab out. The critic gives no probability but a score of any sign. B batch, H height, W width.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain


@dataclass(frozen=True, slots=True, kw_only=True)
class CWGANConfig:
    """Settings of the family."""

    width: int = 64
    """Channels of the first level; they double up to eight times as many."""
    levels: int = 4
    """How often the picture is halved."""
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= 8 or self.width < 1 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"levels={self.levels}, width={self.width}, dropout={self.dropout}: "
                "must be 1 to 8, at least 1, and 0 to under 1"
            )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a 1x1 shortcut. (B, I, H, W) -> (B, O, H, W)."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """The sum, rectified."""
        return F.relu(self.inner(x_bchw) + self.shortcut(x_bchw))


class ResidualUNet(nn.Module):
    """Grey in, ab out; any sides, they are padded to 2^levels inside."""

    def __init__(self, config: CWGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * min(2**i, 8) for i in range(config.levels + 1)]
        self.first = ResidualBlock(1, widths[0], 0.0)
        self.down = nn.ModuleList(nn.Conv2d(a, a, 3, 2, 1) for a in widths[:-1])
        self.encoder = nn.ModuleList(
            ResidualBlock(a, b, config.dropout) for a, b in pairwise(widths)
        )
        upwards = list(pairwise(widths[::-1]))
        self.up = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in upwards)
        self.decoder = nn.ModuleList(ResidualBlock(2 * b, b, config.dropout) for _, b in upwards)
        self.last = nn.Conv2d(widths[0], 2, 1)

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return int(2**self.config.levels)

    def forward(self, gray_b1hw: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] -> (B, 2, H, W) in [-1, 1]; sides multiples of 2^levels."""
        x = self.first(gray_b1hw * 2 - 1)
        skips = [x]
        for down, block in zip(self.down, self.encoder, strict=True):
            x = block(down(x))
            skips.append(x)
        for up, block, skip in zip(self.up, self.decoder, skips[-2::-1], strict=True):
            x = up(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = block(torch.cat((x, skip), dim=1))
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
        return certain(at_any_sides(self, gray_b1hw, self.size_multiple) * AB_SCALE)


class Critic(nn.Module):
    """PatchGAN with instance norm: batch norm would tie the pictures of the penalty together."""

    def __init__(self, in_channels: int = 3, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [
                nn.Conv2d(width * inputs, width * outputs, 4, stride, 1),
                nn.InstanceNorm2d(width * outputs, affine=True),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))

    def forward(self, gray_b1hw: Tensor, ab_b2hw: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] and (B, 2, H, W) in [-1, 1] -> a score for each picture, (B,)."""
        scores: Tensor = self.layers(torch.cat((gray_b1hw * 2 - 1, ab_b2hw), dim=1))
        return scores.mean(dim=(1, 2, 3))


def build(config: CWGANConfig) -> nn.Module:
    """An untrained generator."""
    return ResidualUNet(config)
