"""Samples for enlarging and restoring: a picture, and what a smaller or worse one of it is."""

from dataclasses import dataclass

import numpy as np

from archive_colorizer.data.library import Library
from archive_colorizer.imaging.degrade import worn_surface
from archive_colorizer.metrics.luma import reduced, through_jpeg
from archive_colorizer.training.feed import FeedConfig, drawn
from archive_colorizer.training.recipe import Sample


@dataclass(frozen=True, slots=True)
class EnlargeSampler:
    """Gives `low_b3hw` and `high_b3hw`, sRGB float32 in [0, 1]; the high one is `crop_px` wide.

    Crops are not scaled: their grain is what is learned.
    """

    feed: FeedConfig
    scale: int
    jpeg: int
    """Worst JPEG quality that low ones go through; 0 leaves JPEG out."""

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """Draw a crop, and make its low version."""
        picture = drawn(library, rng).target
        px = self.feed.crop_px
        height, width = (max(px, side) for side in picture.shape[:2])
        if picture.shape[:2] != (height, width):
            missing = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
            picture = np.pad(picture, missing, mode="symmetric")
        top, left = int(rng.integers(height - px + 1)), int(rng.integers(width - px + 1))
        high = picture[top : top + px, left : left + px]
        if self.feed.flip:
            high = np.rot90(high, int(rng.integers(4)))
            high = high[:, ::-1] if rng.random() < 0.5 else high
        low = reduced(high, self.scale)
        if rng.random() < self.feed.degrade_share:
            low = worn_surface(low, rng)
        quality = int(rng.integers(self.jpeg, 96)) if self.jpeg else 0
        return {"low_b3hw": _chw(through_jpeg(low, quality)), "high_b3hw": _chw(high)}


def _chw(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
