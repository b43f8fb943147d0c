"""Samples for enlarging and restoring, drawn on the device. B batch, H height, W width."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.on_device.jpeg import through_jpeg
from archive_colorizer.training.on_device.photographs import Crops, DevicePhotographs
from archive_colorizer.training.on_device.wear import Chance, worn_surface
from archive_colorizer.training.recipe import Batch


@dataclass(frozen=True, slots=True)
class EnlargeDeviceSampler:
    """Low and high pictures of a whole batch: what `EnlargeSampler` gives of one."""

    feed: FeedConfig
    scale: int
    jpeg: int
    """Worst JPEG quality that low ones go through; 0 leaves JPEG out."""
    takes_partners: ClassVar[bool] = True
    """They are not asked for, as the host does not."""

    @property
    def least_px(self) -> int:
        """Crops are not scaled."""
        return max(self.feed.crop_px, *self.feed.sizes_px, 1)

    def __call__(self, photographs: DevicePhotographs, size: int, px: int, chance: Chance) -> Batch:
        """See `DeviceSampler`."""
        index = chance.integers(size, len(photographs))
        side = torch.full_like(index, px)
        top = chance.integers(size, photographs.height[index] - px + 1)
        left = chance.integers(size, photographs.width[index] - px + 1)
        mirrored, upended, turned = (
            chance.happens(size, 0.5 if self.feed.flip else 0.0) for _ in range(3)
        )
        high = photographs.cut(Crops(index, top, left, side, side, mirrored), px)
        high = torch.where(_wide(upended), high.flip(2), high)
        high = as_bytes(torch.where(_wide(turned), high.transpose(2, 3), high))
        low = self._lowered(high, px)
        worn = chance.happens(size, self.feed.degrade_share).nonzero()[:, 0]
        if len(worn):
            low = low.index_copy(0, worn, as_bytes(worn_surface(low[worn], chance)))
        if self.jpeg:
            low = through_jpeg(low, chance.integers(size, 96, low=self.jpeg))
        return {"low_b3hw": low.contiguous(), "high_b3hw": high.contiguous()}

    def _lowered(self, high_b3hw: Tensor, px: int) -> Tensor:
        """Made smaller by bicubic, antialiased as Pillow's."""
        if self.scale == 1:
            return high_b3hw
        small = (px // self.scale, px // self.scale)
        return as_bytes(F.interpolate(high_b3hw, small, mode="bicubic", antialias=True))


def as_bytes(picture: Tensor) -> Tensor:
    """Values in [0, 1] that a byte has."""
    return (picture * 255).round().clamp(0, 255) / 255


def _wide(chosen_b: Tensor) -> Tensor:
    return chosen_b[:, None, None, None]
