"""Reference system B's autoencoder with skips. B batch, C channel, H height, W width.

Five strided 3x3 convolutions down, five transposed up, each result joined with the map of its size,
at last with the input. Widths, norms and biases are the system's; its activations are not stated:
LeakyReLU 0.2 going down and ReLU going up, as in pix2pix, are ours.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain

MULTIPLE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderConfig:
    """Settings of the family."""

    width: int = 128
    """Channels of the first level; 128 is the system's."""


class Autoencoder(nn.Module):
    """RGB in, RGB out, both in [0, 1]."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.down = nn.ModuleList(
            _down(a, b, normed=i >= 2)
            for i, (a, b) in enumerate(pairwise((3, w, w, 2 * w, 4 * w, 4 * w)))
        )
        steps = ((4 * w, 4 * w), (8 * w, 2 * w), (4 * w, w), (2 * w, w), (2 * w, 3))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 3, 2, padding=1, output_padding=1) for a, b in steps
        )
        self.last = nn.Conv2d(6, 3, 2)

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return MULTIPLE

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, H, W), about [0, 1]; sides multiples of 32."""
        x, skips = rgb_b3hw, [rgb_b3hw]
        for down in self.down:
            x = down(x)
            skips.append(x)
        for up, skip in zip(self.up, skips[-2::-1], strict=True):
            x = torch.cat((F.relu(up(x)), skip), dim=1)
        out: Tensor = self.last(F.pad(x, (0, 1, 0, 1)))
        return out

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
        rgb_b3hw = self.translate(gray_b1hw.expand(-1, 3, -1, -1)).clamp(0, 1)
        return certain(rgb_to_lab(rgb_b3hw)[:, 1:])

    def translate(self, rgb_b3hw: Tensor) -> Tensor:
        """A picture in another style: (B, 3, H, W) in [0, 1] -> (B, 3, H, W) float32; any sides."""
        return at_any_sides(self, rgb_b3hw, MULTIPLE)


def _down(inputs: int, outputs: int, *, normed: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 2, 1),
        nn.BatchNorm2d(outputs) if normed else nn.Identity(),
        nn.LeakyReLU(0.2),
    )


def build(config: AutoencoderConfig) -> nn.Module:
    """An untrained network."""
    return Autoencoder(config)
