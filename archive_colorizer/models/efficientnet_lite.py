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

from archive_colorizer.models.blocks import SamePaddedConv
from archive_colorizer.models.catalog import IMAGENET_CLASSES


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
HEAD_CHANNELS: Final = 1280


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


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


class Head(nn.Module):
    """The last map's 352 channels to scores of ImageNet's classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(LITE2[-1].channels, HEAD_CHANNELS, 1, bias=False)
        self.norm = _norm(HEAD_CHANNELS)
        self.last = nn.Linear(HEAD_CHANNELS, IMAGENET_CLASSES)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, 352, H, W) -> logits (B, 1000)."""
        logits: Tensor = self.last(F.relu6(self.norm(self.conv(x_bchw))).mean(dim=(2, 3)))
        return logits


class EfficientNetLite2Classifier(nn.Module):
    """What a grey picture shows, of ImageNet's 1,000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite2(1)
        self.head = Head()

    def forward(self, gray_b1hw: Tensor) -> Tensor:
        """(B, 1, H, W) in 0..255, sides multiples of 32 -> logits (B, 1000)."""
        logits: Tensor = self.head(self.encoder((gray_b1hw - 127) / 128)[-1])
        return logits


def fold_norms(module: nn.Module) -> None:
    """Fold each batch norm, in evaluation mode, into the convolution before it, in place.

    The results stay the same, with fewer passes over memory.
    """
    for pair in list(module.modules()):
        if isinstance(pair, nn.Sequential) and len(pair) == 2:
            convolution, norm = pair
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                pair[0], pair[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
