"""Batches made ahead of the loop, and pairs of what goes in and what should come out.

B batch, C channel, H height, W width.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.training.degrade import degraded_gray
from archive_colorizer.training.photographs import Photograph
from archive_colorizer.training.recipe import Batch
from archive_colorizer.training.seeds import derive

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    """How training pictures are cut and worn."""

    crop_px: int = 256
    """Edge of what the network sees."""
    zoom: float = 0.7
    """Crops have from this share of the short side up to all of it: scale jitter."""
    batch_size: int = 1
    degrade_share: float = 0.0
    """Share of the grey sources that are worn as old photographs are."""

    def __post_init__(self) -> None:
        if not 0 < self.zoom <= 1:
            raise ConfigError(f"zoom={self.zoom}: must be over 0, at most 1")
        if self.crop_px < 8 or self.batch_size < 1 or not 0 <= self.degrade_share <= 1:
            raise ConfigError(f"{self}: out of range")


class PairFeed:
    """Pairs of source and target, cut alike.

    Args:
        targets: (H, W, 3) uint8 RGB.
        sources: of the same sizes in the same order, or None: the sources are the targets in grey.
    """

    def __init__(
        self,
        targets: Sequence[Photograph],
        sources: Sequence[Photograph] | None,
        config: FeedConfig,
    ) -> None:
        if sources is not None and [s.shape for s in sources] != [t.shape for t in targets]:
            raise ConfigError("sources and targets must be of the same number and sizes")
        self._targets, self._sources, self._config = targets, sources, config

    def batches(self, seed: int, first_step: int) -> Iterator[Batch]:
        """The n-th batch depends only on the seed and n.

        Gives `source_bchw` (1 channel of grey, or 3) and `target_b3hw`, sRGB float32 in [0, 1].
        """
        return made_ahead(lambda step: self._batch(seed, step), first_step)

    def sample(self, rng: np.random.Generator) -> tuple[Float, Float]:
        """Source (h, w, 1 or 3) and target (h, w, 3), float32 in [0, 1]."""
        at = int(rng.integers(len(self._targets)))
        pair = [self._targets[at]] + ([self._sources[at]] if self._sources is not None else [])
        target, *rest = cut_alike(pair, self._config, rng)
        if rest:
            return rest[0], target
        worn = rng.random() < self._config.degrade_share
        gray = degraded_gray(target, rng) if worn else target @ LUMA_WEIGHTS
        return gray[..., None].astype(np.float32), target

    def _batch(self, seed: int, step: int) -> Batch:
        rngs = (derive(seed, "pair", step, i) for i in range(self._config.batch_size))
        sources, targets = zip(*(self.sample(rng) for rng in rngs), strict=True)
        return {
            "source_bchw": torch.from_numpy(np.stack(sources)).permute(0, 3, 1, 2),
            "target_b3hw": torch.from_numpy(np.stack(targets)).permute(0, 3, 1, 2),
        }


def cut_alike(
    pictures: Sequence[Photograph], config: FeedConfig, rng: np.random.Generator
) -> list[Float]:
    """The same square of each picture at `crop_px`, mirrored in half of the cases.

    Args:
        pictures: of one size.
        config: crop and zoom.
        rng: decides.

    Returns:
        (crop_px, crop_px, 3) float32 in [0, 1] each.
    """
    height, width = pictures[0].shape[:2]
    size = max(1, round(min(height, width) * float(rng.uniform(config.zoom, 1))))
    top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    how = cv2.INTER_AREA if size > config.crop_px else cv2.INTER_LINEAR
    mirrored = rng.random() < 0.5
    cut = []
    for picture in pictures:
        square = picture[top : top + size, left : left + size]
        square = cv2.resize(square, (config.crop_px, config.crop_px), interpolation=how)
        turned = square[:, ::-1] if mirrored else square
        cut.append(np.ascontiguousarray(turned, np.float32) / np.float32(255))
    return cut


def made_ahead(make: Callable[[int], Batch], first_step: int, ahead: int = 6) -> Iterator[Batch]:
    """`make(first_step)`, `make(first_step + 1)` ... for ever, made in a thread.

    An error in `make` is raised where its batch is taken.
    """
    pool = ThreadPoolExecutor(1)
    waiting = deque(pool.submit(make, first_step + i) for i in range(ahead))
    try:
        for step in count(first_step + ahead):
            batch = waiting.popleft().result()
            waiting.append(pool.submit(make, step))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)
