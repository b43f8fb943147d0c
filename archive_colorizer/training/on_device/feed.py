"""Batches drawn on the device. B batch, H height, W width."""

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

import torch
from torch import Tensor

from archive_colorizer.data.seeds import derive
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.on_device.photographs import Crops, DevicePhotographs
from archive_colorizer.training.on_device.wear import Chance
from archive_colorizer.training.recipe import Batch

AHEAD: Final = 2
"""Batches that are drawn before they are taken."""


class DeviceSampler(Protocol):
    """Draws a whole batch where the photographs are."""

    @property
    def takes_partners(self) -> bool:
        """Whether a pair's source is used where there is one."""

    @property
    def least_px(self) -> int:
        """Photographs must have sides of as many pixels; 1 where any will do."""

    def __call__(self, photographs: DevicePhotographs, size: int, px: int, chance: Chance) -> Batch:
        """`size` samples whose pictures have edges of `px`, by the same names as the Sampler's."""


@dataclass(frozen=True, slots=True)
class DeviceFeed:
    """The batches of a run: the n-th depends only on the seed, n and the worker."""

    photographs: DevicePhotographs
    sampler: DeviceSampler
    config: FeedConfig
    seed: int
    rank: int = 0
    workers: int = 1
    label: str = "sample"
    """Keeps the chances of training and validation apart."""

    def batch(self, step: int) -> Batch:
        """This worker's share of a step's batch."""
        seed = int(derive(self.seed, self.label, step, self.rank).integers(2**62))
        generator = torch.Generator(self.photographs.device).manual_seed(seed)
        px, size = size_of(self.config, step)
        return self.sampler(self.photographs, max(1, size // self.workers), px, Chance(generator))

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Batches from a step on for ever; on a GPU they are drawn beside the step before them."""
        if self.photographs.device.type != "cuda":
            yield from map(self.batch, count(first_step))
        else:
            yield from self._drawn_ahead(first_step)

    def _drawn_ahead(self, first_step: int) -> Iterator[Batch]:
        """Batches from a thread with a stream of its own: drawing waits for its own work alone."""
        device = self.photographs.device
        torch.cuda.synchronize(device)
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

        def drawn(step: int) -> tuple[Batch, torch.cuda.Event]:
            with torch.cuda.device(device), torch.cuda.stream(stream):
                return self.batch(step), stream.record_event()

        with ThreadPoolExecutor(1) as pool:
            waiting = deque(pool.submit(drawn, first_step + i) for i in range(AHEAD))
            for step in count(first_step + AHEAD):
                batch, ready = waiting.popleft().result()
                waiting.append(pool.submit(drawn, step))
                training = torch.cuda.current_stream(device)
                training.wait_event(ready)
                for value in batch.values():
                    value.record_stream(training)
                yield batch


def size_of(config: FeedConfig, step: int) -> tuple[int, int]:
    """Edge of a step's crops, and how many: as many pixels in each step."""
    if not config.sizes_px:
        return config.crop_px, config.batch_size
    px = config.sizes_px[step % len(config.sizes_px)]
    return px, max(1, round(config.batch_size * (config.crop_px / px) ** 2))


def draw_crops(
    photographs: DevicePhotographs,
    size: int,
    config: FeedConfig,
    chance: Chance,
    among: Tensor | None = None,
) -> Crops:
    """Crops of any photographs, as `training.feed.cut_alike` draws them.

    Args:
        photographs: drawn from with equal chances.
        size: how many crops.
        config: zoom, aspect, flip.
        chance: decides.
        among: (n,) int64, draws from these photographs alone.
    """
    index = chance.integers(size, len(photographs if among is None else among))
    index = index if among is None else among[index]
    height, width = photographs.height[index], photographs.width[index]
    share = chance.uniform(size, math.log(config.zoom), 0.0).exp()
    stretch = chance.uniform(size, -config.aspect, config.aspect) / 2
    edge = share * torch.minimum(height, width)
    high, wide = (
        torch.minimum((edge * (sign * stretch).exp() + 0.5).long().clamp_min(1), side)
        for sign, side in ((1, height), (-1, width))
    )
    return Crops(
        index,
        chance.integers(size, height - high + 1),
        chance.integers(size, width - wide + 1),
        high,
        wide,
        chance.happens(size, 0.5 if config.flip else 0.0),
    )
