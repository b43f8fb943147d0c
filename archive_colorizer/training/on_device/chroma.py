"""Samples of the chroma classifiers, drawn on the device. B batch, H height, W width."""

from dataclasses import dataclass
from typing import ClassVar, Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.chroma_classifier import STRIDE
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.on_device.feed import draw_crops
from archive_colorizer.training.on_device.pairs import gray_of, saturated, saturations
from archive_colorizer.training.on_device.photographs import DevicePhotographs
from archive_colorizer.training.on_device.wear import Chance
from archive_colorizer.training.recipe import Batch
from archive_colorizer.training.recipes.chroma_targets import HINT_CHANCE, HINT_MAX_PX, cell_of

MAX_HINTS: Final = 32
"""Of one picture; more have a chance of one in ten thousand."""


@dataclass(frozen=True, slots=True)
class ChromaDeviceSampler:
    """Grey, hints and cells of a whole batch: what `ChromaSampler` gives of one picture."""

    feed: FeedConfig
    hint_share: float
    takes_partners: ClassVar[bool] = False
    least_px: ClassVar[int] = 1

    def __call__(self, photographs: DevicePhotographs, size: int, px: int, chance: Chance) -> Batch:
        """See `DeviceSampler`."""
        rgb = photographs.cut(draw_crops(photographs, size, self.feed, chance), px)
        rgb = saturated(rgb, saturations(size, self.feed, chance))
        ab = rgb_to_lab(rgb)[:, 1:]
        worn = chance.happens(size, self.feed.degrade_share)
        small = F.avg_pool2d(ab, STRIDE).permute(0, 2, 3, 1)
        return {
            "gray_b1hw": gray_of(rgb, worn, chance)[:, None],
            "hints_b3hw": drawn_hints(ab, self.hint_share, chance),
            "cell_bhw": cell_of(small),
        }


def drawn_hints(ab_b2hw: Tensor, share: float, chance: Chance) -> Tensor:
    """Some true colours as hints: small squares of their mean colour.

    Args:
        ab_b2hw: (B, 2, H, W) Lab units.
        share: of the pictures that get any.
        chance: decides.

    Returns:
        (B, 3, H, W): a and b over 110, and a mask of 0 and 1.
    """
    size, _, height, width = ab_b2hw.shape
    hints = ab_b2hw.new_zeros(size, 3, height, width)
    # The number of trials up to the first success, by the inverse of its distribution.
    trials = torch.log1p(-chance.uniform(size)) / torch.log1p(torch.tensor(-HINT_CHANCE))
    number = trials.ceil().clamp(1, MAX_HINTS) * chance.happens(size, share)
    picture, _ = torch.where(torch.arange(MAX_HINTS, device=ab_b2hw.device) < number[:, None])
    if not len(picture):
        return hints
    edge = chance.integers(len(picture), HINT_MAX_PX + 1, low=1)
    top = chance.integers(len(picture), height - edge)
    left = chance.integers(len(picture), width - edge)
    inside = torch.arange(HINT_MAX_PX, device=ab_b2hw.device)
    rows, columns = top[:, None] + inside, left[:, None] + inside
    there = (inside < edge[:, None])[:, :, None] & (inside < edge[:, None])[:, None]
    at = (
        picture[:, None, None].expand_as(there),
        rows.clamp_max(height - 1)[:, :, None].expand_as(there),
        columns.clamp_max(width - 1)[:, None].expand_as(there),
    )
    colours = ab_b2hw.permute(0, 2, 3, 1)[at]  # (hints, 4, 4, 2)
    mean = (colours * there[..., None]).sum(dim=(1, 2)) / (edge**2)[:, None]
    said = F.pad(mean / AB_SCALE, (0, 1), value=1.0)[:, None, None].expand(*there.shape, 3)
    hints.permute(0, 2, 3, 1)[tuple(part[there] for part in at)] = said[there]
    return hints
