"""Hints are local: photographs of the dependencies, coloured by `builtin:default`."""

import numpy as np
import pytest
import torch

from archive_colorizer.evaluation.hints import changed_outside, strange_hint
from archive_colorizer.evaluation.release.default_check import at_proxy_size, photographs
from archive_colorizer.evaluation.subject import grey_of
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer
from archive_colorizer.inference.runner import open_runner
from archive_colorizer.registry.resolve import resolve


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    runner = open_runner(resolve("builtin:default"), "exact", device=torch.device("cpu"))
    return Colorizer(runner, multiple=32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut.png", "china.jpg", "coffee.png", "flower.jpg"])
def test_a_hint_colours_its_place_and_nothing_far_from_it(name: str, colorizer: Colorizer) -> None:
    gray_bhw = grey_of(at_proxy_size(photographs()[name])[None])
    hints = [strange_hint(gray_bhw.shape[1:], np.random.default_rng(seed)) for seed in range(3)]
    chromas = colorizer([GreyPicture(gray_bhw[0], hints_3hw=hint) for hint in (None, *hints)])
    free, *hinted = (one.ab_2hw for one in chromas)
    for hint, ab_2hw in zip(hints, hinted, strict=True):
        assert changed_outside(free, ab_2hw, hint[2]) == 0
        at = hint[2] > 0
        missed = ab_2hw[:, at].mean(axis=1) - hint[:2, at].mean(axis=1) * AB_SCALE
        assert np.hypot(*missed) < 4


def test_what_changed_outside_is_measured_outside_alone() -> None:
    mask = np.zeros((100, 100))
    mask[49:52, 49:52] = 1  # a tenth of 100x100: a disc with a radius of 17.8
    free = np.zeros((2, 100, 100))
    near, far, little = (free.copy() for _ in range(3))
    near[0, 40:60, 40:60] = 30
    far[1, :10] = 30
    little[0] = 2.9
    assert changed_outside(free, near, mask) == 0
    assert changed_outside(free, little, mask) == 0
    assert changed_outside(free, far, mask) == pytest.approx(1000 / (10000 - 1000), rel=0.02)


def test_a_strange_hint_is_one_point_of_a_strong_colour() -> None:
    hint = strange_hint((40, 50), np.random.default_rng(1))
    assert hint[2].sum() == 9
    at = hint[2] > 0
    assert np.hypot(*hint[:2, at]) * AB_SCALE == pytest.approx(40)
    assert not hint[:, ~at].any()
