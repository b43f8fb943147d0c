"""EfficientNet-Lite2 as an encoder. B batch, C channel, H height, W width.

Tan & Le, "EfficientNet" (2019); Lite leaves out squeeze-and-excite and swish: ReLU6 instead.
Strided convolutions are padded as TensorFlow pads, so that the published weights mean what they
meant. Stochastic depth after Huang et al. (2016).
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass(frozen=True, slots=True)
class Stage:
    """A row of inverted bottlenecks."""

    expansion: int
    kernel: int
    stride: int
    repeats: int
    channels: int


STEM_CHANNELS: Final = 32
LITE2: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(6, 3, 2, 3, 24),
    Stage(6, 5, 2, 3, 48),
    Stage(6, 3, 2, 4, 88),
    Stage(6, 5, 1, 4, 120),
    Stage(6, 5, 2, 5, 208),
    Stage(6, 3, 1, 1, 352),
)
TAPS: Final = (1, 2, 4, 6)
"""Stages whose ends are given out: strides 4, 8, 16 and 32."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class SamePaddedConv(nn.Conv2d):
    """Convolution without bias, padded as TensorFlow's "same" for even sides."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        inner = 0 if stride > 1 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, inner, groups=groups, bias=False)
        before = (kernel - 2) // 2
        self._outer = (before, kernel - 2 - before) * 2 if stride > 1 else ()

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs, H/stride, W/stride)."""
        return super().forward(F.pad(input, self._outer) if self._outer else input)


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel alone, project; added to the input where shapes allow."""

    def __init__(self, inputs: int, stage: Stage, *, stride: int, drop: float) -> None:
        super().__init__()
        inner = inputs * stage.expansion
        self.expand = (
            nn.Sequential(nn.Conv2d(inputs, inner, 1, bias=False), _norm(inner))
            if stage.expansion > 1
            else None
        )
        depth = SamePaddedConv(inner, inner, stage.kernel, stride=stride, groups=inner)
        self.depth = nn.Sequential(depth, _norm(inner))
        self.project = nn.Sequential(
            nn.Conv2d(inner, stage.channels, 1, bias=False), _norm(stage.channels)
        )
        self._skip = stride == 1 and inputs == stage.channels
        self._drop = drop

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, channels, H/stride, W/stride)."""
        inner = x_bchw if self.expand is None else F.relu6(self.expand(x_bchw))
        out: Tensor = self.project(F.relu6(self.depth(inner)))
        if not self._skip:
            return out
        if self.training and self._drop:
            keep = torch.rand(len(out), 1, 1, 1, device=out.device) >= self._drop
            out = out * (keep / (1 - self._drop)).to(out.dtype)
        return x_bchw + out


class EfficientNetLite2(nn.Module):
    """Features at strides 4, 8, 16 and 32.

    Args:
        channels: of the input.
        drop_path: chance that the last block leaves its residual out in training; those before it
            have less, in proportion to their depth.
    """

    channels: Final = tuple(LITE2[tap].channels for tap in TAPS)

    def __init__(self, channels: int, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            SamePaddedConv(channels, STEM_CHANNELS, 3, stride=2), _norm(STEM_CHANNELS)
        )
        self.stages = nn.ModuleList()
        width, depth = STEM_CHANNELS, 0
        total = sum(stage.repeats for stage in LITE2)
        for stage in LITE2:
            blocks = []
            for number in range(stage.repeats):
                stride = 1 if number else stage.stride
                drop = drop_path * depth / (total - 1)
                blocks.append(InvertedBottleneck(width, stage, stride=stride, drop=drop))
                width, depth = stage.channels, depth + 1
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x_bchw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, C, H, W), sides multiples of 32 -> maps of 24, 48, 120 and 352 channels."""
        x = F.relu6(self.stem(x_bchw))
        ends = []
        for stage in self.stages:
            x = stage(x)
            ends.append(x)
        first, second, third, last = (ends[tap] for tap in TAPS)
        return first, second, third, last


def fold_norms(module: nn.Module) -> None:
    """Fold each batch norm, in evaluation mode, into the convolution before it, in place.

    The results stay the same, with fewer passes over memory.
    """
    for pair in list(module.modules()):
        if isinstance(pair, nn.Sequential) and len(pair) == 2:
            convolution, norm = pair
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                pair[0], pair[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
