"""Samples and batches: how training pictures are cut and worn, and batches made ahead of the loop.

B batch, C channel, H height, W width.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.data.library import Item, Library, Photograph
from archive_colorizer.data.seeds import derive
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.imaging.degrade import degraded_gray
from archive_colorizer.training.recipe import Batch, Sample, Sampler
from archive_colorizer.training.settings import FeedConfig as FeedConfig

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PairSampler:
    """Pairs of source and target, cut alike.

    Gives, for the batch, `source_bchw` (1 channel of grey, or 3) and `target_b3hw`, sRGB float32 in
    [0, 1]. The source is the pair's own, or the target in grey.
    """

    feed: FeedConfig
    gray: bool = True
    """Sources are taken to grey."""

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """Draw an item and cut its pair."""
        return self.of(drawn(library, rng), rng)

    def of(self, item: Item, rng: np.random.Generator) -> Sample:
        """Cut an item's pair."""
        pair = [item.target] + ([item.source] if item.source is not None else [])
        target, *rest = cut_alike(pair, self.feed, rng)
        source = rest[0] if rest else target
        if self.gray:
            source = self._gray(source, rng, made=not rest)[..., None]
        return {"source_bchw": _chw(source), "target_b3hw": _chw(target)}

    def _gray(self, source_hw3: Float, rng: np.random.Generator, *, made: bool) -> Float:
        """Only a source that was made of the target is worn: a real one is what it is."""
        if made and rng.random() < self.feed.degrade_share:
            return degraded_gray(source_hw3, rng)
        return np.asarray(source_hw3 @ LUMA_WEIGHTS, np.float32)


def drawn(library: Library, rng: np.random.Generator) -> Item:
    """Any of the library's items."""
    item: Item = library[int(rng.integers(len(library)))]
    return item


def cut_alike(
    pictures: Sequence[Photograph], config: FeedConfig, rng: np.random.Generator
) -> list[Float]:
    """The same part of each picture at `crop_px`, mirrored in half of the cases.

    Args:
        pictures: of one size.
        config: crop, zoom, aspect, flip, saturation.
        rng: decides.

    Returns:
        (crop_px, crop_px, 3) float32 in [0, 1] each.
    """
    height, width = pictures[0].shape[:2]
    short = min(height, width)
    edge = short * np.exp(rng.uniform(np.log(config.zoom), 0))
    stretch = rng.uniform(-config.aspect, config.aspect) / 2 if config.aspect else 0.0
    high, wide = (
        min(side, max(1, int(edge * np.exp(sign * stretch) + 0.5)))
        for sign, side in ((1, height), (-1, width))
    )
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    how = cv2.INTER_AREA if max(high, wide) > config.crop_px else cv2.INTER_LINEAR
    mirrored = rng.random() < 0.5 and config.flip
    factor = np.float32(rng.uniform(1 - config.saturation, 1 + config.saturation))
    cut = []
    for picture in pictures:
        square = picture[top : top + high, left : left + wide]
        square = cv2.resize(square, (config.crop_px, config.crop_px), interpolation=how)
        turned = square[:, ::-1] if mirrored else square
        rgb = np.ascontiguousarray(turned, np.float32) / np.float32(255)
        cut.append(saturated(rgb, factor) if config.saturation else rgb)
    return cut


def saturated(rgb_hwc: Float, factor: float | np.float32) -> Float:
    """Colours moved away from (over 1) or towards grey of the same luma; (H, W, 3) in [0, 1]."""
    luma = (rgb_hwc @ LUMA_WEIGHTS)[..., None]
    return np.clip(luma + np.float32(factor) * (rgb_hwc - luma), 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Feed:
    """The batches of a run: the n-th depends only on the seed and n, however they are made."""

    library: Library
    sampler: Sampler
    batch_size: int
    seed: int
    label: str = "sample"
    """Keeps the chances of training and validation apart."""

    def sample(self, step: int, place: int) -> Sample:
        """One sample of a batch."""
        return self.sampler(self.library, derive(self.seed, self.label, step, place))

    def batch(self, step: int, rank: int = 0, workers: int = 1) -> Batch:
        """A worker's share of a step's batch: every `workers`-th sample of it."""
        places = range(rank, self.batch_size, workers)
        return collate([self.sample(step, place) for place in places])

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Batches from a step on for ever, made ahead in a thread.

        An error in making one is raised where it is taken.
        """
        ahead = 6
        pool = ThreadPoolExecutor(1)
        waiting = deque(pool.submit(self.batch, first_step + i) for i in range(ahead))
        try:
            for step in count(first_step + ahead):
                batch = waiting.popleft().result()
                waiting.append(pool.submit(self.batch, step))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples stacked along a new first axis, as tensors."""
    return {
        name: torch.from_numpy(np.stack([sample[name] for sample in samples]))
        for name in samples[0]
    }


def _chw(picture_hwc: Float) -> Float:
    return np.ascontiguousarray(picture_hwc.transpose(2, 0, 1))
