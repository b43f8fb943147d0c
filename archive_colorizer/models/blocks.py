"""Blocks that several networks are built of. B batch, C channel, H height, W width."""

import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to the input. (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        inner = F.relu(self.norm1(self.conv1(x_bchw)))
        return F.relu(x_bchw + self.norm2(self.conv2(inner)))


class SamePaddedConv(nn.Conv2d):
    """Convolution, padded as TensorFlow's "same" for even sides; without bias unless told."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        inner = 0 if stride > 1 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, inner, groups=groups, bias=bias)
        before = (kernel - 2) // 2
        self._outer = (before, kernel - 2 - before) * 2 if stride > 1 else ()

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs, H/stride, W/stride)."""
        return super().forward(F.pad(input, self._outer) if self._outer else input)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU: (B, inputs, H, W) -> (B, outputs, H/stride, W/stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
