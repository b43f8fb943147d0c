"""What old photographs suffered, drawn for a whole batch: `imaging.degrade` on tensors.

Chances and ranges are those of `imaging.degrade.degraded_gray`, and a test compares what comes of
them. B batch, H height, W width; chance is drawn from one generator.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

LUMA: Final = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""
EMULSION: Final = (1.2, 1.5, 1.0)
"""Of the Dirichlet distribution that film's sensitivities are drawn from."""
BLUR_RADIUS: Final = 6
MAX_MARKS: Final = 8
LINE_PX: Final = 1.3
"""Half the width at which an anti-aliased line of one pixel has faded out."""
JPEG_LUMINANCE: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
"""ITU-T T.81, table K.1."""


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
    shade = chance.happens(count, 0.7).float()[:, None, None]
    return gray_bhw + mask * (shade - gray_bhw)


def grained(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Normal noise of sigma 0.01 to 0.06."""
    sigma = chance.uniform(len(gray_bhw), 0.01, 0.06)[:, None, None]
    return gray_bhw + sigma * chance.normal(tuple(gray_bhw.shape))


def jpeg(gray_bhw: Tensor, chance: Chance) -> Tensor:
    """Through baseline JPEG's transform and quantisation at quality 30 to 89, and back.

    Sides are multiples of 8. (B, H, W) in [0, 1].
    """
    count, height, width = gray_bhw.shape
    quality = chance.integers(count, 90, low=30)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality.float())
    table = gray_bhw.new_tensor(JPEG_LUMINANCE)
    step = ((table * scale[:, None, None] + 50) / 100).floor().clamp(1, 255)[:, None, None]
    transform = _dct(gray_bhw.device)
    pixels = (gray_bhw * 255).round() - 128
    blocks = pixels.view(count, height // 8, 8, width // 8, 8).permute(0, 1, 3, 2, 4)
    with torch.autocast(gray_bhw.device.type, enabled=False):
        levels = (transform @ blocks @ transform.T / step).round() * step
        back = (transform.T @ levels @ transform).permute(0, 1, 3, 2, 4)
    return ((back.reshape(count, height, width) + 128).round().clamp(0, 255)) / 255


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


def _dct(device: torch.device) -> Tensor:
    """The orthonormal 8-point DCT-II, (8, 8)."""
    place = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * place[None] + 1) * place[:, None] * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
