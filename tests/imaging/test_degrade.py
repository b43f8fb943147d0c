"""What wears a grey picture keeps its size and range, and is the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landscapes import landscape

from archive_colorizer.data.seeds import derive
from archive_colorizer.imaging.degrade import (
    chance_of,
    degraded_gray,
    emulsion,
    jpeg,
    scratched,
    surely_worn,
    toned,
    worn_surface,
)

RGB = (landscape(0) / 255).astype(np.float32)
GRAY = RGB.mean(axis=2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_size_range_and_seed(seed: int) -> None:
    worn = degraded_gray(RGB, derive(seed, "x"))
    assert worn.shape == GRAY.shape
    assert worn.dtype == np.float32
    assert 0 <= worn.min() <= worn.max() <= 1
    assert np.array_equal(worn, degraded_gray(RGB, derive(seed, "x")))


def test_emulsions_weigh_channels_by_one_in_all() -> None:
    weights = np.stack([emulsion(derive(i, "e")) for i in range(50)])
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert weights.std(axis=0).min() > 0.1


def test_scratches_are_few_pixels() -> None:
    share = np.mean([(scratched(GRAY, derive(i, "s")) != GRAY).mean() for i in range(40)])
    assert 0.005 < share < 0.35


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_jpeg_is_near(quality: int) -> None:
    assert np.abs(jpeg(GRAY, quality) - GRAY).mean() < 0.03


def test_tone_curves_keep_order() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None]
    for i in range(30):
        assert (np.diff(toned(ramp, derive(i, "t"))[0]) >= -1e-6).all()


def test_a_worn_surface_keeps_the_colours_beneath() -> None:
    picture = landscape(0)
    worn = [worn_surface(picture, derive(i, "w")) for i in range(20)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in worn)
    assert np.array_equal(worn[3], worn_surface(picture, derive(3, "w")))
    assert sum(not np.array_equal(one, picture) for one in worn) > 10
    away = [np.abs(one.astype(int) - picture).reshape(-1, 3).mean(axis=0) for one in worn]
    assert np.mean(away) < 15
    one_channel = np.mean([np.ptp(worn[i].astype(int) - picture, axis=2).max() for i in range(20)])
    assert one_channel > 0, "grain of one colour only"


def test_chance_is_decided_by_content() -> None:
    assert chance_of(GRAY).random() == chance_of(GRAY.copy()).random()
    assert chance_of(GRAY).random() != chance_of(GRAY[1:]).random()


def test_surely_worn_is_worn_and_the_same_again() -> None:
    for seed in range(8):
        picture = landscape(seed)
        assert not np.array_equal(surely_worn(picture), picture)
        assert np.array_equal(surely_worn(picture), surely_worn(picture.copy()))
