"""pix2pix: U-Net generator and PatchGAN discriminator. B batch, C channel, H height, W width.

After Isola, Zhu, Zhou & Efros, "Image-to-Image Translation with Conditional Adversarial Networks"
(2017). Resolution and kernel size are settings: the generator halves its input as often as the
resolution allows (256: 8 times, 320: 6, 512: 9, 1024: 10).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.sides import at_any_sides
from archive_colorizer.models.spec import Prediction, certain

AB_SCALE = 110.0
"""Lab units of an output of 1 where the generator gives ab."""
DROPOUT_LEVELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pix2PixConfig:
    """Settings of the family."""

    in_channels: int = 1
    """1 takes grey, 3 takes RGB (grey three times when it colours)."""
    out_channels: int = 2
    """2 gives ab, 3 gives RGB."""
    resolution: int = 256
    """Edge in pixels that it is trained for (RESOL); decides the depth."""
    kernel: int = 4
    """Edge of every convolution (KSIZE)."""
    width: int = 64
    """Channels of the first level; they double up to eight times as many."""
    dropout: float = 0.5
    """In the first three levels after the innermost."""

    def __post_init__(self) -> None:
        if self.in_channels not in (1, 3) or self.out_channels not in (2, 3):
            raise ValueError(
                f"{self.in_channels} channels in, {self.out_channels} out: 1 or 3, 2 or 3"
            )
        if self.resolution < 8 or self.depth < 3:
            raise ValueError(f"resolution={self.resolution}: must be a multiple of 8")
        if not 2 <= self.kernel <= 9:
            raise ValueError(f"kernel={self.kernel}: must be 2 to 9")

    @property
    def depth(self) -> int:
        """How often the resolution can be halved."""
        return (self.resolution & -self.resolution).bit_length() - 1


class Generator(nn.Module):
    """U-Net with skips at every level. Any sides; they are padded to 2^depth inside."""

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        levels = range(config.depth)
        widths = [config.in_channels, *(config.width * min(2**i, 8) for i in levels)]
        innermost = config.depth - 1
        self.down = nn.ModuleList(
            _down(a, b, config.kernel, first=i == 0, normed=0 < i < innermost)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.up = nn.ModuleList(
            _up(widths[i + 1] * (1 if i == innermost else 2), widths[i], config.kernel,
                dropout=config.dropout if innermost - DROPOUT_LEVELS <= i < innermost else 0.0)
            for i in range(innermost, 0, -1)
        )  # fmt: skip
        self.last = nn.Sequential(
            nn.ReLU(), _transposed(2 * config.width, config.out_channels, config.kernel, bias=True)
        )

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return int(2**self.config.depth)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, in_channels, H, W) in [-1, 1] -> (B, out_channels, H, W) in [-1, 1].

        Sides must be multiples of 2^depth.
        """
        skips = []
        for down in self.down:
            x_bchw = down(x_bchw)
            skips.append(x_bchw)
        x_bchw = skips.pop()
        for up in self.up:
            x_bchw = torch.cat((skips.pop(), up(x_bchw)), dim=1)
        return torch.tanh(self.last(x_bchw))

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        rebalance: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; one colour for each pixel, so only the picture counts.

        Any sides; doubt is 0.
        """
        x_bchw = gray_b1hw.expand(-1, self.config.in_channels, -1, -1) * 2 - 1
        out_bchw = at_any_sides(self, x_bchw, self.size_multiple)
        if self.config.out_channels == 2:
            return certain(out_bchw * AB_SCALE)
        return certain(rgb_to_lab((out_bchw + 1) / 2)[:, 1:])

    def translate(self, rgb_b3hw: Tensor) -> Tensor:
        """A picture in another style: (B, 3, H, W) in [0, 1] -> the same. Needs 3 channels."""
        return (at_any_sides(self, rgb_b3hw * 2 - 1, self.size_multiple) + 1) / 2


class PatchDiscriminator(nn.Module):
    """PatchGAN-70: one logit for each patch of 70 pixels. 256 in gives 30x30 out."""

    def __init__(self, in_channels: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [
                nn.Conv2d(width * inputs, width * outputs, 4, stride, 1, bias=False),
                nn.BatchNorm2d(width * outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))

    def forward(self, source_bchw: Tensor, target_bchw: Tensor) -> Tensor:
        """Logits (B, 1, H', W') of the pair being real; channels add up to `in_channels`."""
        logits: Tensor = self.layers(torch.cat((source_bchw, target_bchw), dim=1))
        return logits


def init_normal(module: nn.Module, std: float = 0.02) -> None:
    """Weights from N(0, 0.02), norms' gains from N(1, 0.02), biases 0 (the paper's appendix)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0.0, std)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
        else:
            continue
        if part.bias is not None:
            nn.init.zeros_(part.bias)


def _down(inputs: int, outputs: int, kernel: int, *, first: bool, normed: bool) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, 2, (kernel - 1) // 2, bias=False)
    return nn.Sequential(
        nn.Identity() if first else nn.LeakyReLU(0.2),
        convolution,
        nn.BatchNorm2d(outputs) if normed else nn.Identity(),
    )


def _up(inputs: int, outputs: int, kernel: int, *, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        _transposed(inputs, outputs, kernel, bias=False),
        nn.BatchNorm2d(outputs),
        nn.Dropout(dropout) if dropout else nn.Identity(),
    )


def _transposed(inputs: int, outputs: int, kernel: int, *, bias: bool) -> nn.ConvTranspose2d:
    """Doubles the sides, whatever the kernel."""
    padding = (kernel - 1) // 2
    extra = 2 + 2 * padding - kernel
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, extra, bias=bias)


def build(config: Pix2PixConfig) -> nn.Module:
    """An untrained generator."""
    return Generator(config)
