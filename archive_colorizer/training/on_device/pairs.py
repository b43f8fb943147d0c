"""Samples of pairs and of unpaired sets, drawn on the device. B batch, H height, W width."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.on_device.feed import draw_crops
from archive_colorizer.training.on_device.photographs import DevicePhotographs
from archive_colorizer.training.on_device.wear import Chance, degraded_gray, luma
from archive_colorizer.training.recipe import Batch


@dataclass(frozen=True, slots=True)
class PairDeviceSampler:
    """Pairs of source and target of a whole batch: what `PairSampler` gives of one."""

    feed: FeedConfig
    gray: bool = True
    """Sources are taken to grey."""
    takes_partners: ClassVar[bool] = True
    least_px: ClassVar[int] = 1

    def __call__(self, photographs: DevicePhotographs, size: int, px: int, chance: Chance) -> Batch:
        """See `DeviceSampler`."""
        crops = draw_crops(photographs, size, self.feed, chance)
        factor = saturations(size, self.feed, chance)
        target = saturated(photographs.cut(crops, px), factor)
        source, made = target, torch.ones(size, dtype=torch.bool, device=target.device)
        if photographs.has_partner is not None:
            source = saturated(photographs.cut(crops, px, partners=True), factor)
            made = ~photographs.has_partner[crops.photograph]
        if self.gray:
            worn = chance.happens(size, self.feed.degrade_share) & made
            source = gray_of(source, worn, chance)[:, None]
        return {"source_bchw": source, "target_b3hw": target}


@dataclass(frozen=True, slots=True)
class UnpairedDeviceSampler:
    """Pictures of each kind of a whole batch: what `UnpairedSampler` gives of one."""

    feed: FeedConfig
    domains: tuple[str, ...]
    takes_partners: ClassVar[bool] = False
    least_px: ClassVar[int] = 1

    def __call__(self, photographs: DevicePhotographs, size: int, px: int, chance: Chance) -> Batch:
        """See `DeviceSampler`."""
        first, second = (
            self._cut(photographs, photographs.domains[domain], size, px, chance)
            for domain in self.domains
        )
        return {"first_b3hw": first, "second_b3hw": second}

    def _cut(
        self, photographs: DevicePhotographs, among: Tensor, size: int, px: int, chance: Chance
    ) -> Tensor:
        """(B, 3, px, px) in [-1, 1]."""
        rgb = photographs.cut(draw_crops(photographs, size, self.feed, chance, among), px)
        return saturated(rgb, saturations(size, self.feed, chance)) * 2 - 1


def gray_of(rgb_b3hw: Tensor, worn_b: Tensor, chance: Chance) -> Tensor:
    """Grey pictures, some of them worn as old photographs are.

    Args:
        rgb_b3hw: (B, 3, H, W) sRGB in [0, 1].
        worn_b: (B,) bool, which ones.
        chance: decides how.

    Returns:
        (B, H, W) in [0, 1].
    """
    gray, worn = luma(rgb_b3hw), worn_b.nonzero()[:, 0]
    if len(worn):
        gray = gray.index_copy(0, worn, degraded_gray(rgb_b3hw[worn], chance))
    return gray


def saturations(size: int, config: FeedConfig, chance: Chance) -> Tensor | None:
    """Factors of saturation, (B,); None where it is left alone."""
    most = config.saturation
    return chance.uniform(size, 1 - most, 1 + most) if most else None


def saturated(rgb_b3hw: Tensor, factor_b: Tensor | None) -> Tensor:
    """Saturation multiplied, luma kept."""
    if factor_b is None:
        return rgb_b3hw
    grey = luma(rgb_b3hw)[:, None]
    return (grey + factor_b[:, None, None, None] * (rgb_b3hw - grey)).clamp(0, 1)
