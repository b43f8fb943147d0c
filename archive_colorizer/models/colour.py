"""Colour spaces on tensors. B batch, C channel, H height, W width."""

import torch
from torch import Tensor

_D65 = (0.95047, 1.0, 1.08883)
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_DELTA = 6 / 29


def rgb_to_lab(rgb_bchw: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab (D65; IEC 61966-2-1, CIE 15).

    Args:
        rgb_bchw: (B, 3, H, W) float32 in [0, 1].

    Returns:
        (B, 3, H, W) float32: L in [0, 100], a and b about [-110, 110].
    """
    linear = torch.where(
        rgb_bchw <= 0.04045, rgb_bchw / 12.92, ((rgb_bchw.clamp_min(0) + 0.055) / 1.055) ** 2.4
    )
    matrix = linear.new_tensor(_RGB_TO_XYZ) / linear.new_tensor(_D65)[:, None]
    with torch.autocast(linear.device.type, enabled=False):
        xyz = torch.einsum("dc,bchw->bdhw", matrix, linear)
    f = torch.where(
        xyz > _DELTA**3, xyz.clamp_min(1e-12) ** (1 / 3), xyz / (3 * _DELTA**2) + 4 / 29
    )
    x, y, z = f.unbind(1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


def lab_to_rgb(lab_bchw: Tensor) -> Tensor:
    """The inverse of `rgb_to_lab`, clipped to the gamut.

    Args:
        lab_bchw: (B, 3, H, W) float32.

    Returns:
        (B, 3, H, W) float32 in [0, 1].
    """
    lightness, a, b = lab_bchw.unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack((y + a / 500, y, y - b / 200), dim=1)
    xyz = torch.where(f > _DELTA, f**3, 3 * _DELTA**2 * (f - 4 / 29))
    matrix = lab_bchw.new_tensor(_RGB_TO_XYZ) / lab_bchw.new_tensor(_D65)[:, None]
    with torch.autocast(xyz.device.type, enabled=False):
        linear = torch.einsum("dc,bchw->bdhw", torch.linalg.inv(matrix), xyz)
    encoded = torch.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-12) ** (1 / 2.4) - 0.055
    )
    return encoded.clamp(0, 1)


def gamut_bins(grid: int = 10, samples: int = 65) -> Tensor:
    """Centres of the ab cells that sRGB reaches (Zhang et al. 2016, section 2.2).

    Args:
        grid: edge of a cell in Lab units.
        samples: points on each edge of the RGB cube that are tried.

    Returns:
        (Q, 2) float32, ordered by a, then b. With the defaults Q is 261: a cell counts when a
        colour rounds to its centre. (The paper's 313 also count cells that are touched at an edge.)
    """
    axis = torch.linspace(0, 1, samples)
    cube = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).reshape(1, 3, 1, -1)
    ab = rgb_to_lab(cube)[0, 1:, 0].T
    cells: Tensor = torch.unique((ab / grid).round(), dim=0)
    return cells * grid


def soft_targets(ab_n2: Tensor, bins_q2: Tensor, *, nearest: int, sigma: float) -> Tensor:
    """Weights of the nearest bins, Gaussian in their distance (Zhang et al. 2016).

    Args:
        ab_n2: (N, 2) colours.
        bins_q2: (Q, 2) bin centres.
        nearest: how many bins share the weight.
        sigma: of the Gaussian, Lab units.

    Returns:
        (N, Q) float32, rows summing to 1.
    """
    distance = torch.cdist(ab_n2, bins_q2)
    near, index = distance.topk(nearest, largest=False)
    weight = torch.softmax(-(near**2) / (2 * sigma**2), dim=1)
    return torch.zeros_like(distance).scatter_(1, index, weight)
