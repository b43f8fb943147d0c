"""Targets of the chroma classifiers: colours as cells of a grid, and soft weights over the bins.

Zhang et al. (2016), section 2: the nearest bins share a colour by a Gaussian of their distance.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.imaging.colour import AB_SCALE

GRID_STEP: Final = 2
GRID_FROM: Final = -128
GRID_POINTS: Final = 129
"""Colours are looked up on a grid of a and b instead of being compared with every bin."""
HINT_CHANCE: Final = 0.25
"""The number of hints is geometric: mean 4."""
HINT_MAX_PX: Final = 4


def cell_of(ab: Tensor) -> Tensor:
    """Index on the grid of a and b: (..., 2) -> (...) int64."""
    near = ((ab - GRID_FROM) / GRID_STEP).round().clamp(0, GRID_POINTS - 1).long()
    return near[..., 0] * GRID_POINTS + near[..., 1]


def colour_of(cell: Tensor) -> Tensor:
    """The inverse of `cell_of`, to a grid step: (...) -> (..., 2) float32."""
    pair = torch.stack((cell // GRID_POINTS, cell % GRID_POINTS), dim=-1)
    return pair.float() * GRID_STEP + GRID_FROM


def nearest_bins(bins_q2: Tensor, nearest: int, sigma: float) -> tuple[Tensor, Tensor]:
    """For each cell of the grid its nearest bins and their Gaussian weights.

    Args:
        bins_q2: (Q, 2) bin centres.
        nearest: how many bins share a colour.
        sigma: of the Gaussian, in Lab units.

    Returns:
        (cells, nearest) int64 and float32, rows of weights summing to 1.
    """
    cells = colour_of(torch.arange(GRID_POINTS**2))
    distance = torch.cdist(cells, bins_q2.cpu()) ** 2
    near, index = distance.topk(nearest, largest=False)
    weight = torch.softmax(-near / (2 * sigma**2), dim=1)
    return index, weight


def draw_hints(
    hints_hw3: NDArray[np.float32], ab_hw2: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Put some true colours into the hint planes: small squares, a and b over 110, mask 1."""
    height, width = hints_hw3.shape[:2]
    for _ in range(int(rng.geometric(HINT_CHANCE))):
        size = int(rng.integers(1, HINT_MAX_PX + 1))
        top, left = int(rng.integers(height - size)), int(rng.integers(width - size))
        at = (slice(top, top + size), slice(left, left + size))
        hints_hw3[(*at, slice(0, 2))] = ab_hw2[at].mean(axis=(0, 1)) / AB_SCALE
        hints_hw3[(*at, 2)] = 1
