"""The homomorphic filter evens out light and leaves flat pictures, colours and size alone."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from archive_colorizer.data.config import DataConfig
from archive_colorizer.data.library import prepare_picture
from archive_colorizer.imaging.homomorphic import LightFilter, homomorphic


def lit(seed: int = 0) -> np.ndarray:
    """A texture under light that falls from left to right."""
    texture = np.random.default_rng(seed).uniform(80, 120, (64, 96))
    return (texture * np.linspace(0.4, 2.0, 96)).clip(0, 255).astype(np.uint8)


def test_light_is_evened_out() -> None:
    before = lit()
    after = homomorphic(before)
    falls = [np.ptp(picture.mean(axis=0)[8:-8]) for picture in (before, after)]
    assert falls[1] < 0.75 * falls[0]


def test_texture_is_kept_or_raised() -> None:
    before = lit()
    after = homomorphic(before)
    contrast = [np.diff(np.log1p(p.astype(float)), axis=1).std() for p in (before, after)]
    assert contrast[1] > contrast[0]


def test_what_counts_as_light_does_not_depend_on_the_resolution() -> None:
    small = cv2.resize(lit(), (384, 256), interpolation=cv2.INTER_CUBIC)
    large = cv2.resize(small, (1536, 1024), interpolation=cv2.INTER_CUBIC)
    wanted = prepare_picture(small, DataConfig(data="", homomorphic=True)).astype(int)
    made = prepare_picture(large, DataConfig(data="", homomorphic=True))
    made = cv2.resize(made, (384, 256), interpolation=cv2.INTER_AREA)
    unscaled = cv2.resize(homomorphic(large), (384, 256), interpolation=cv2.INTER_AREA)
    off, before = (np.abs(one.astype(int) - wanted).mean() for one in (made, unscaled))
    assert off < 2
    assert before > 2 * off


def test_a_flat_picture_stays() -> None:
    flat = np.full((40, 50, 3), (120, 90, 60), np.uint8)
    assert np.abs(homomorphic(flat).astype(int) - flat).max() <= 1


def test_hue_is_kept() -> None:
    rgb = np.stack([lit(1), lit(1) * 0.7, lit(1) * 0.4], axis=2).astype(np.uint8)
    made = homomorphic(rgb).astype(float)
    inside = made.max(axis=2) < 250
    assert np.allclose((made[..., 1] / made[..., 0])[inside], 0.7, atol=0.06)


def test_gains_of_one_change_nothing() -> None:
    picture = lit(2)
    same = homomorphic(picture, LightFilter(1.0, 1.0))
    assert np.abs(same.astype(int) - picture).max() <= 1


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_any_picture_keeps_shape_and_type(picture: np.ndarray) -> None:
    made = homomorphic(picture)
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
