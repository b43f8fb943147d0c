"""Styles: seeded, of the same size, and what they say they are."""

import numpy as np
import pytest

from archive_colorizer.imaging.styles import comic, monet


def picture(height: int = 64, width: int = 80) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([2 * x % 256, 3 * y % 256, (x + y) % 256], axis=2).astype(np.uint8)


@pytest.mark.parametrize("style", [monet, comic])
@pytest.mark.parametrize("size", [(64, 80), (33, 17)])
def test_the_same_seed_gives_the_same_picture(style: object, size: tuple[int, int]) -> None:
    source = picture(*size)
    first, again, other = (style(source, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == source.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_comic_has_fewer_tones() -> None:
    y, _ = np.mgrid[:64, :64]
    ramp = (4 * y).astype(np.uint8)[..., None].repeat(3, axis=2)
    drawn = comic(ramp, np.random.default_rng(0))
    assert len(np.unique(drawn[..., 0])) < len(np.unique(ramp[..., 0])) / 2


def test_strokes_scatter_colours() -> None:
    flat = np.full((64, 64, 3), (60, 120, 180), np.uint8)
    painted = monet(flat, np.random.default_rng(0))
    assert painted.std() > flat.std()
