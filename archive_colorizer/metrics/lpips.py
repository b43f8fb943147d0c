"""LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features", 2018), version 0.1.

torchmetrics' LPIPS needs torchvision, which this project cannot depend on: hence this small one.
It is filled from two files that the user names: a published backbone (`features.N.weight`, AlexNet
or VGG16, told apart by the first layer) and the learned 1x1 weights (`linN.model.1.weight`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from archive_colorizer.errors import LocationError
from archive_colorizer.weights.state import fill, read_state

SHIFT: Final = (-0.030, -0.088, -0.188)
SCALE: Final = (0.458, 0.448, 0.450)

ALEXNET: Final[Sequence[str | tuple[int, int, int, int]]] = (
    (64, 11, 4, 2), "tap", "pool", (192, 5, 1, 2), "tap", "pool",
    (384, 3, 1, 1), "tap", (256, 3, 1, 1), "tap", (256, 3, 1, 1), "tap",
)  # fmt: skip
"""Krizhevsky 2014 in order: (channels, kernel, stride, padding) with a ReLU after it, a maximum
pool (3x3 stride 2), or "tap" where features are compared."""
VGG16: Final = (
    (64, 3, 1, 1), (64, 3, 1, 1), "tap", "pool", (128, 3, 1, 1), (128, 3, 1, 1), "tap", "pool",
    (256, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1), "tap", "pool",
    (512, 3, 1, 1), (512, 3, 1, 1), (512, 3, 1, 1), "tap", "pool",
    (512, 3, 1, 1), (512, 3, 1, 1), (512, 3, 1, 1), "tap",
)  # fmt: skip
"""Simonyan & Zisserman 2014, the same way; its pools are 2x2."""


class Lpips(nn.Module):
    """(B, 3, H, W) twice, sRGB in [0, 1] -> (B,) distances; 0 for identical pictures."""

    shift: Tensor
    scale: Tensor

    def __init__(self, plan: Sequence[str | tuple[int, int, int, int]], pool_px: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._taps: list[int] = []
        widths: list[int] = []
        channels = 3
        for step in plan:
            if step == "tap":
                self._taps.append(len(layers) - 1)
                widths.append(channels)
            elif isinstance(step, str):
                layers.append(nn.MaxPool2d(pool_px, stride=2))
            else:
                layers += [nn.Conv2d(channels, *step), nn.ReLU()]
                channels = step[0]
        self.features = nn.ModuleList(layers)
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in widths)
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, rgb_b3hw: Tensor, truth_b3hw: Tensor) -> Tensor:
        """Weighted squared distance of unit-normalised features, averaged over space, summed."""
        total = rgb_b3hw.new_zeros(rgb_b3hw.shape[0])
        pairs = zip(self._extract(rgb_b3hw), self._extract(truth_b3hw), self.heads, strict=True)
        for a, b, head in pairs:
            total = total + ((a - b) ** 2 * head).sum(dim=1).mean(dim=(1, 2))
        return total

    def _extract(self, rgb_b3hw: Tensor) -> list[Tensor]:
        x = (rgb_b3hw * 2 - 1 - self.shift) / self.scale
        tapped = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self._taps:
                tapped.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return tapped


def load_lpips(backbone: str, heads: str) -> tuple[Lpips, str]:
    """LPIPS filled from its two files, and which backbone it has.

    Raises:
        LocationError: a file is missing, cannot be read, or holds other weights.
    """
    state = read_state(Path(backbone))
    first = state.get("features.0.weight")
    kernel = None if first is None else first.shape[-1]
    if kernel not in (3, 11):
        raise LocationError(f"{backbone}: neither AlexNet nor VGG16 (features.0.weight)")
    network, name = (Lpips(ALEXNET, 3), "AlexNet") if kernel == 11 else (Lpips(VGG16, 2), "VGG16")
    values = {k: v for k, v in state.items() if k.startswith("features.")}
    fill(network, values | _rename_heads(read_state(Path(heads))), f"{backbone} with {heads}")
    return network.eval(), name


def _rename_heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        f"heads.{key.removeprefix('lin').split('.')[0]}": value
        for key, value in state.items()
        if key.startswith("lin") and not key.startswith("lins.")
    }
