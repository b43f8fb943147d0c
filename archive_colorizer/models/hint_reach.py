"""How far a colour hint reaches: what is around it takes its colour, the rest hardly changes.

A network that sees hints changes colours everywhere: the climate of a scene is one for all of it.
So a picture is read with and without its hints. Within a tenth of the picture around a hint the
reading with hints counts, and what it still misses of the hint's colour is added to the cells that
are like the hint's: by distance (Shepard 1968), by the network's own distribution (Bhattacharyya
1943) and by lightness. Outside, colours move little: by one hint less than is seen.
B batch, C channel, H and W the cells of a map, N hinted cells, Q bins.
"""

import math
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

REACH: Final = 0.1
"""Share of the picture, a disc around a hint, that it may colour."""
MARGIN: Final = 1.5
"""Cells by which the disc is smaller: a hint fills up to four cells, and maps are interpolated."""
SOLID: Final = 0.8
"""Share of the disc's radius within which a hint has its whole effect."""
MOST_OUTSIDE: Final = 2.5
"""Largest change of a and b outside of all discs, Lab units, times the root of the hints' number:
hints that agree may say more of a scene than one."""
LIKENESS_POWER: Final = 4.0
"""Power of the Bhattacharyya coefficient of two cells' distributions."""
LIGHTNESS_SIGMA: Final = 0.15
"""Difference of grey, in [0, 1], at which a cell counts 0.6 as much."""


def keep_local(
    free_b3hw: Tensor,
    hinted_b3hw: Tensor,
    hints_b3hw: Tensor,
    share_bqhw: Tensor,
    gray_b1hw: Tensor,
) -> Tensor:
    """Join the readings of pictures without and with hints; a picture without any keeps the first.

    Args:
        free_b3hw: a, b and doubt without hints, Lab units and [0, 1].
        hinted_b3hw: the same with hints.
        hints_b3hw: a, b (Lab units) and a mask of 0 and 1.
        share_bqhw: the distribution of each cell without hints.
        gray_b1hw: sRGB-encoded grey in [0, 1].

    Returns:
        (B, 3, H, W): a, b and doubt.
    """
    pictures = zip(free_b3hw, hinted_b3hw, hints_b3hw, share_bqhw, gray_b1hw, strict=True)
    return torch.stack([
        _keep_local(*maps) if maps[2][2].any() else maps[0] for maps in pictures
    ])  # fmt: skip


def _keep_local(
    free_3hw: Tensor, hinted_3hw: Tensor, hints_3hw: Tensor, share_qhw: Tensor, gray_1hw: Tensor
) -> Tensor:
    height, width = free_3hw.shape[1:]
    at_n2 = hints_3hw[2].nonzero()
    n = tuple(at_n2.T)
    distance_nhw = _distances(at_n2, height, width)
    radius = max(1.0, math.sqrt(REACH * height * width / math.pi) - MARGIN)
    window_nhw = ((radius - distance_nhw) / (radius * (1 - SOLID))).clamp(0, 1)
    within_hw = window_nhw.amax(dim=0)

    change_2hw = hinted_3hw[:2] - free_3hw[:2]
    length_hw = change_2hw.norm(dim=0).clamp_min(1e-6)
    limit = MOST_OUTSIDE * math.sqrt(_count(hints_3hw[2]))
    ab_2hw = free_3hw[:2] + torch.maximum(within_hw, (limit / length_hw).clamp(max=1)) * change_2hw
    root_qhw = share_qhw.sqrt()
    alike_nhw = torch.einsum("qn,qhw->nhw", root_qhw[:, n[0], n[1]], root_qhw)
    step_nhw = (gray_1hw - gray_1hw[0, n[0], n[1]][:, None, None]) / LIGHTNESS_SIGMA
    weight_nhw = window_nhw * alike_nhw**LIKENESS_POWER * torch.exp(-(step_nhw**2) / 2)
    missing_2n = hints_3hw[:2, n[0], n[1]] - ab_2hw[:, n[0], n[1]]
    nearness_nhw = weight_nhw / distance_nhw.square().clamp_min(0.1)
    mean_2hw = torch.einsum("cn,nhw->chw", missing_2n, nearness_nhw) / (
        nearness_nhw.sum(dim=0).clamp_min(1e-9)
    )
    ab_2hw = ab_2hw + weight_nhw.amax(dim=0) * mean_2hw
    doubt_1hw = torch.lerp(free_3hw[2:], hinted_3hw[2:], within_hw)
    return torch.cat((ab_2hw, doubt_1hw))


def _count(mask_hw: Tensor) -> int:
    """Number of hints: hinted cells with none to the left and none above; 1 at least."""
    near = F.pad(mask_hw, (1, 0, 1, 0))
    first = (mask_hw > 0) & (near[1:, :-1] == 0) & (near[:-1, 1:] == 0)
    return max(1, int(first.sum()))


def _distances(at_n2: Tensor, height: int, width: int) -> Tensor:
    """Of every cell from each hinted one, in cells: (N, H, W)."""
    rows = torch.arange(height, device=at_n2.device)[None, :, None] - at_n2[:, 0, None, None]
    columns = torch.arange(width, device=at_n2.device)[None, None, :] - at_n2[:, 1, None, None]
    return torch.hypot(rows.float(), columns.float())
