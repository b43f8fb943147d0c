"""Baseline JPEG as arithmetic: transform, quantisation and back, for a whole batch.

What libjpeg does at a quality, without its entropy coding, which loses nothing (ITU-T T.81; chroma
is halved both ways and brought back by a triangle filter). B batch, H height, W width.
"""

import math
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

BLOCK: Final = 8
LUMINANCE: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
"""ITU-T T.81, table K.1."""
CHROMINANCE: Final = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99), (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)  # fmt: skip
"""ITU-T T.81, table K.2."""
TO_YCC: Final = (
    (0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312),
)  # fmt: skip
"""JFIF: Y, Cb and Cr of red, green and blue; Cb and Cr around 0."""
FROM_YCC: Final = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def through_gray_jpeg(gray_bhw: Tensor, quality_b: Tensor) -> Tensor:
    """(B, H, W) in [0, 1] at a quality each, 1 to 100. Sides are multiples of 8."""
    pixels = (gray_bhw * 255).round() - 128
    back = quantised(pixels, LUMINANCE, quality_b)
    return (back + 128).round().clamp(0, 255) / 255


def through_jpeg(rgb_b3hw: Tensor, quality_b: Tensor) -> Tensor:
    """(B, 3, H, W) sRGB in [0, 1] at a quality each, 1 to 100; colours at half the resolution."""
    height, width = rgb_b3hw.shape[2:]
    missing = (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK))
    pixels = F.pad((rgb_b3hw * 255).round(), missing, mode="replicate")
    ycc = torch.einsum("cd,bdhw->bchw", pixels.new_tensor(TO_YCC), pixels).round()
    luminance = quantised(ycc[:, 0] - 128, LUMINANCE, quality_b) + 128
    small = F.avg_pool2d(ycc[:, 1:], 2).round()
    colours = [quantised(plane, CHROMINANCE, quality_b) for plane in small.unbind(1)]
    wide = F.interpolate(torch.stack(colours, 1).round(), scale_factor=2, mode="bilinear")
    back = torch.cat([luminance.round().clamp(0, 255)[:, None], wide], 1)
    rgb = torch.einsum("cd,bdhw->bchw", back.new_tensor(FROM_YCC), back)
    return (rgb.round().clamp(0, 255) / 255)[..., :height, :width]


def quantised(plane_bhw: Tensor, table: tuple[tuple[int, ...], ...], quality_b: Tensor) -> Tensor:
    """A plane around 0 through the transform, and back. Sides are multiples of 8."""
    count, height, width = plane_bhw.shape
    scale = torch.where(quality_b < 50, 5000 // quality_b.clamp_min(1), 200 - 2 * quality_b)
    step = (plane_bhw.new_tensor(table) * scale[:, None, None] + 50).div(100).floor()
    step = step.clamp(1, 255)[:, None, None]
    blocks = plane_bhw.view(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    transform = _dct(plane_bhw.device)
    with torch.autocast(plane_bhw.device.type, enabled=False):
        levels = (transform @ blocks.permute(0, 1, 3, 2, 4) @ transform.T / step).round() * step
        back = (transform.T @ levels @ transform).permute(0, 1, 3, 2, 4)
    return back.reshape(count, height, width)


def _dct(device: torch.device) -> Tensor:
    """The orthonormal 8-point DCT-II, (8, 8)."""
    place = torch.arange(BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * place[None] + 1) * place[:, None] * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
