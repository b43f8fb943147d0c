"""What old photographs suffered, drawn for a whole batch: `imaging.degrade` on tensors.

Chances and ranges are those of `imaging.degrade.degraded_gray`, and a test compares what comes of
them. B batch, H height, W width; chance is drawn from one generator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from archive_colorizer.training.on_device.jpeg import through_gray_jpeg

LUMA: Final = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""
EMULSION: Final = (1.2, 1.5, 1.0)
"""Of the Dirichlet distribution that film's sensitivities are drawn from."""
BLUR_RADIUS: Final = 6
MAX_MARKS: Final = 8
LINE_PX: Final = 1.3
"""Half the width at which an anti-aliased line of one pixel has faded out."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws of one generator on its device."""

    generator: torch.Generator

    def uniform(self, size: int | tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Float32 in [low, high)."""
        drawn = torch.rand(size, generator=self.generator, device=self.generator.device)
        return low + (high - low) * drawn

    def integers(self, size: int | tuple[int, ...], high: Tensor | int, low: int = 0) -> Tensor:
        """Int64 in [low, high); `high` may differ by place."""
        return low + (self.uniform(size) * (high - low)).long()

    def normal(self, size: tuple[int, ...]) -> Tensor:
        """Standard normal, float32."""
        return torch.randn(size, generator=self.generator, device=self.generator.device)

    def happens(self, count: int, share: float) -> Tensor:
        """(count,) bool, true with this chance."""
        return self.uniform(count) < share

    def dirichlet(self, count: int, weights: tuple[float, ...]) -> Tensor:
        """(count, len(weights)) float32, rows summing to 1."""
        alpha = torch.tensor(weights, device=self.generator.device).expand(count, -1)
        gamma = torch._standard_gamma(alpha, generator=self.generator)
        return gamma / gamma.sum(dim=1, keepdim=True)


Wear = Callable[[Tensor, Chance], Tensor]
"""(B, H, W) pictures and chance -> the pictures, all of them worn."""


def luma(rgb_b3hw: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, H, W)."""
    return (rgb_b3hw * rgb_b3hw.new_tensor(LUMA)[:, None, None]).sum(dim=1)


def degraded_gray(rgb_b3hw: Tensor, chance: Chance) -> Tensor:
    """Grey pictures as an old camera, a century and a scanner might give them.

    Args:
        rgb_b3hw: (B, 3, H, W) sRGB in [0, 1].
        chance: decides what happens, and how much.

    Returns:
        (B, H, W) float32 in [0, 1].
    """
    count = len(rgb_b3hw)
    weights = torch.where(
        chance.happens(count, 0.6)[:, None],
        chance.dirichlet(count, EMULSION),
        rgb_b3hw.new_tensor(LUMA),
    )
    gray = torch.einsum("bc,bchw->bhw", weights, rgb_b3hw)
    gray = toned(gray, chance)
    for share, wear in ((0.25, blurred), (0.15, scratched), (0.35, grained)):
        gray = _to_some(gray, share, wear, chance)
    return _to_some(gray.clamp(0, 1), 0.3, jpeg, chance)


def toned(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Tone curves: exposure and development, fading, hard paper. (B, H, W) in [0, 1]."""
    count = len(gray_bhw)

    def value(share: float, low: float, high: float, otherwise: float) -> tuple[Tensor, Tensor]:
        happens = chance.happens(count, share)
        return happens, torch.where(happens, chance.uniform(count, low, high), otherwise)

    _, gamma = value(0.6, -0.4, 0.4, 0.0)
    gray = gray_bhw.clamp(0, 1) ** gamma.exp()[:, None, None]
    fades, low = value(0.3, 0.0, 0.18, 0.0)
    high = torch.where(fades, chance.uniform(count, 0.8, 1.0), 1.0)
    gray = low[:, None, None] + (high - low)[:, None, None] * gray
    _, contrast = value(0.3, 1.0, 1.4, 1.0)
    return ((gray - 0.5) * contrast[:, None, None] + 0.5).clamp(0, 1)


def blurred(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Gaussian blur of sigma 0.4 to 1.6 pixels."""
    sigma = chance.uniform(len(gray_bhw), 0.4, 1.6)
    offset = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=gray_bhw.device)
    kernel = torch.softmax(-(offset**2) / (2 * sigma[:, None] ** 2), dim=1)
    for _ in range(2):  # along rows, then along columns
        wide = F.pad(gray_bhw, (BLUR_RADIUS, BLUR_RADIUS), mode="reflect")
        size = gray_bhw.shape[2]
        blurry = torch.zeros_like(gray_bhw)
        for at in range(len(offset)):
            blurry += wide[..., at : at + size] * kernel[:, at, None, None]
        gray_bhw = blurry.transpose(1, 2)
    return gray_bhw


def scratched(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Up to eight thin scratches, light or dark, and as many specks of dust."""
    mask, shade = scratches(gray_bhw, chance)
    return gray_bhw + mask * (shade[:, None, None] - gray_bhw)


def scratches(gray_bhw: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
    """How much of each pixel scratches and dust cover, (B, H, W), and their shades, (B,)."""
    count, height, width = gray_bhw.shape
    many = (count, MAX_MARKS)
    sides = gray_bhw.new_tensor((width, height))
    there = torch.arange(MAX_MARKS, device=gray_bhw.device) < chance.integers(
        (count, 1), MAX_MARKS + 1, low=1
    )
    start = (chance.uniform((*many, 2)) * sides).floor()
    run = chance.normal((*many, 2)) * gray_bhw.new_tensor((0.1 * width, 0.5 * height))
    speck = (chance.uniform((*many, 2)) * sides).floor()
    strength = chance.uniform((2, *many), 0.3, 1.0) * there
    radius = chance.integers(many, 3, low=1)
    rows = torch.arange(height, device=gray_bhw.device)[:, None].float()
    columns = torch.arange(width, device=gray_bhw.device)[None].float()
    mask = torch.zeros_like(gray_bhw)
    for at in range(MAX_MARKS):
        off = _distance(start[:, at], run[:, at], rows, columns)
        line = (LINE_PX - off).clamp(0, 1) * strength[0, :, at, None, None]
        away = torch.hypot(
            columns - speck[:, at, 0, None, None], rows - speck[:, at, 1, None, None]
        )
        dust = (away <= radius[:, at, None, None] + 0.2) * strength[1, :, at, None, None]
        mask = torch.maximum(mask, torch.maximum(line, dust))
    return mask, chance.happens(count, 0.7).float()


def worn_surface(rgb_b3hw: Tensor, chance: Chance) -> Tensor:
    """Grain, scratches and dust over colours, which stay: `imaging.degrade.worn_surface`.

    (B, 3, H, W) in [0, 1].
    """
    count = len(rgb_b3hw)
    scratched_ones = chance.happens(count, 0.4).float()[:, None, None]
    mask, shade = scratches(rgb_b3hw[:, 0], chance)
    over = (mask * scratched_ones)[:, None]
    worn = rgb_b3hw + over * (shade[:, None, None, None] - rgb_b3hw)
    grain = chance.normal(tuple(worn.shape))
    alike = chance.happens(count, 0.5)[:, None, None, None]
    grain = torch.where(alike, grain[:, :1], grain)
    sigma = chance.uniform(count, 0.01, 0.06) * chance.happens(count, 0.7)
    return (worn + sigma[:, None, None, None] * grain).clamp(0, 1)


def grained(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Normal noise of sigma 0.01 to 0.06."""
    sigma = chance.uniform(len(gray_bhw), 0.01, 0.06)[:, None, None]
    return gray_bhw + sigma * chance.normal(tuple(gray_bhw.shape))


def jpeg(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Through JPEG of quality 30 to 89, and back. Sides are multiples of 8; (B, H, W) in [0, 1]."""
    return through_gray_jpeg(gray_bhw, chance.integers(len(gray_bhw), 90, low=30))


def _to_some(gray_bhw: Tensor, share: float, wear: Wear, chance: Chance) -> Tensor:
    """Wear a share of the pictures; the others stay as they are."""
    chosen = chance.happens(len(gray_bhw), share).nonzero()[:, 0]
    if not len(chosen):
        return gray_bhw
    return gray_bhw.index_copy(0, chosen, wear(gray_bhw[chosen], chance))


def _distance(start_b2: Tensor, run_b2: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Of each pixel from a stretch, in pixels: (B, H, W)."""
    x, y = (start_b2[:, at, None, None] for at in (0, 1))
    across, down = (run_b2[:, at, None, None] for at in (0, 1))
    length2 = (across**2 + down**2).clamp_min(1e-6)
    along = (((columns - x) * across + (rows - y) * down) / length2).clamp(0, 1)
    return torch.hypot(columns - x - along * across, rows - y - along * down)
