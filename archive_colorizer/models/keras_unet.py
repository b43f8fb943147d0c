"""U-Net generators of pix2pix as Keras programs build them. B batch, C channel, H height, W width.

Two layouts are common: `tutorial`, TensorFlow's own, and `functional`, of widespread examples. They
differ from `pix2pix` (the authors' code in torch) in how a convolution is padded, where the norms
are, and what the skips carry. docs/training.md has their layers as a table.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.blocks import SamePaddedConv
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain

CHANNELS: Final = 3
"""Of what it gives: RGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasUNetConfig:
    """Settings of the family."""

    in_channels: int = 3
    """1 takes grey, 3 takes RGB (grey three times when it colours)."""
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512, 512)
    """Channels of each level, going down; each level halves the sides."""
    kernel: int = 4
    """Edge of every convolution (KSIZE)."""
    layout: Literal["tutorial", "functional"] = "tutorial"
    """tutorial: the innermost level is normed, skips carry what LeakyReLU gave. functional: it is
    not, and ReLU follows where a skip was joined."""
    slope: float = 0.3
    """Of LeakyReLU below 0."""
    statistics: Literal["running", "picture"] = "running"
    """What the norms divide by: what training gathered, or each picture's own mean and variance
    (programs that call the norms with training=True)."""
    norm_eps: float = 1e-3

    def __post_init__(self) -> None:
        if self.in_channels not in (1, 3):
            raise ValueError(f"in_channels={self.in_channels}: must be 1 or 3")
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"widths={self.widths}: must be two or more, each at least 1")
        if self.kernel < 2:
            raise ValueError(f"kernel={self.kernel}: must be at least 2")
        if self.layout not in ("tutorial", "functional"):
            raise ValueError(f"layout={self.layout}: must be tutorial or functional")
        if self.statistics not in ("running", "picture"):
            raise ValueError(f"statistics={self.statistics}: must be running or picture")


class SamePaddedTransposed(nn.ConvTranspose2d):
    """Doubles the sides, as TensorFlow's transposed convolution with "same" padding does."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool) -> None:
        super().__init__(inputs, outputs, kernel, 2, bias=bias)
        self._before = (kernel - 2) // 2

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, 2H, 2W)."""
        first, (height, width) = self._before, input.shape[2:]
        made = super().forward(input, output_size)
        return made[:, :, first : first + 2 * height, first : first + 2 * width]


class PictureNorm(nn.BatchNorm2d):
    """Batch norm that takes each picture for a batch of its own, in training and after it."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        variance, mean = torch.var_mean(input.float(), dim=(2, 3), correction=0, keepdim=True)
        scaled = (input.float() - mean) * torch.rsqrt(variance + self.eps)
        return (scaled * self.weight[:, None, None] + self.bias[:, None, None]).to(input.dtype)


class Level(nn.Module):
    """A convolution and its norm, if it has one."""

    def __init__(self, conv: nn.Module, norm: nn.Module | None) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> half the sides, or twice."""
        x_bchw = self.conv(x_bchw)
        return x_bchw if self.norm is None else self.norm(x_bchw)


class KerasUNet(nn.Module):
    """RGB or grey in, RGB out, both in [-1, 1]. Dropout, which only training needs, is left out."""

    def __init__(self, config: KerasUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, kernel = config.widths, config.kernel
        innermost = len(widths) - 1
        bare = {0} if config.layout == "tutorial" else {0, innermost}
        self.down = nn.ModuleList(
            Level(SamePaddedConv(a, b, kernel, stride=2, bias=i in bare),
                  None if i in bare else _norm(b, config))
            for i, (a, b) in enumerate(pairwise((config.in_channels, *widths)))
        )  # fmt: skip
        self.up = nn.ModuleList(
            Level(SamePaddedTransposed(widths[i + 1] * (1 if i + 1 == innermost else 2), widths[i],
                                       kernel, bias=False),
                  _norm(widths[i], config))
            for i in reversed(range(innermost))
        )  # fmt: skip
        self.last = SamePaddedTransposed(2 * widths[0], CHANNELS, kernel, bias=True)

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in `forward`."""
        return int(2 ** len(self.config.widths))

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, in_channels, H, W) in [-1, 1] -> (B, 3, H, W) in [-1, 1]."""
        joined = self.config.layout == "functional"
        skips: list[Tensor] = []
        for down in self.down:
            x_bchw = F.leaky_relu(down(x_bchw), self.config.slope)
            skips.append(x_bchw)
        # ReLU of what LeakyReLU gave is ReLU of what it was given: the innermost has ReLU alone.
        x_bchw = F.relu(skips.pop()) if joined else skips.pop()
        for up in self.up:
            made = up(x_bchw)
            if joined:
                x_bchw = F.relu(torch.cat((made, skips.pop()), dim=1))
            else:
                x_bchw = torch.cat((F.relu(made), skips.pop()), dim=1)
        return torch.tanh(self.last(x_bchw))

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
        rgb_b3hw = self.translate(gray_b1hw.expand(-1, self.config.in_channels, -1, -1))
        return certain(rgb_to_lab(rgb_b3hw)[:, 1:])

    def translate(self, rgb_b3hw: Tensor) -> Tensor:
        """A picture in another style: (B, in_channels, H, W) -> (B, 3, H, W), both in [0, 1]."""
        return (at_any_sides(self, rgb_b3hw * 2 - 1, self.size_multiple) + 1) / 2


def _norm(channels: int, config: KerasUNetConfig) -> nn.BatchNorm2d:
    kind = PictureNorm if config.statistics == "picture" else nn.BatchNorm2d
    return kind(channels, eps=config.norm_eps)


def build(config: KerasUNetConfig) -> nn.Module:
    """An untrained network."""
    return KerasUNet(config)
