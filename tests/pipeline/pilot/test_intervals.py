"""Estimates from samples whose whole is known: intervals hold the truth as often as they say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from archive_colorizer.pipeline.pilot.draw import allocate
from archive_colorizer.pipeline.pilot.intervals import (
    Design,
    estimate_share,
    estimate_total,
    make_design,
    t_quantile,
)

DRAWS = 500
ENOUGH = 0.93
Whole = NDArray[np.intp]
COUNT = 10_000


def designs(strata: Whole, sample: int, probed: int = 0) -> list[tuple[NDArray[np.intp], Design]]:
    """Draw samples: numbers of their pictures, and the design; in two phases with `probed`."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(DRAWS):
        first = rng.permutation(len(strata))[: probed or len(strata)]
        room = np.bincount(strata[first], minlength=int(strata.max()) + 1)
        pictures = room * len(strata) / len(first)
        has = np.flatnonzero(room)
        wanted = allocate(pictures[has], sample, room[has])
        chosen = np.concatenate(
            [first[strata[first] == one][:n] for one, n in zip(has, wanted, strict=True)]
        )
        made.append((chosen, make_design(strata[chosen], pictures.astype(np.float64), probed)))
    return made


def uneven(strata: Whole, share: float) -> NDArray[np.bool_]:
    """Something that a share of all pictures has, in some strata far more of them."""
    rng = np.random.default_rng(6)
    chance = rng.beta(1, 3, int(strata.max()) + 1)
    return rng.random(len(strata)) < chance[strata] * share / chance[strata].mean()


@pytest.mark.parametrize("t", [1, 2, 3, 4, 7, 30, 500])
def test_students_t(t: int) -> None:
    assert t_quantile(t) == pytest.approx(stats.t.ppf(0.975, t), rel=2e-3)


@pytest.mark.parametrize(("has", "of"), [(1, 100), (7, 30), (99, 100), (400, 20_000)])
def test_a_simple_sample_has_the_interval_of_clopper_and_pearson(has: int, of: int) -> None:
    design = make_design(np.zeros(of, np.intp), np.array([1e12]))
    found = estimate_share(design, np.arange(of) < has)
    wide = (1.96 / t_quantile(of - 1)) ** 2 * of  # the little that the design allows for
    assert found.low == pytest.approx(
        stats.beta.ppf(0.025, wide * has / of, wide * (1 - has / of) + 1), rel=1e-3
    )
    assert found.high == pytest.approx(
        stats.beta.ppf(0.975, wide * has / of + 1, wide * (1 - has / of)), rel=1e-3
    )


def test_nothing_found_gives_the_rule_of_three() -> None:
    design = make_design(np.arange(300) % 3, np.full(3, 1e9))
    found = estimate_share(design, np.zeros(300, bool))
    assert (found.estimate, found.low) == (0, 0)
    assert found.high == pytest.approx(3 / 300, rel=0.01)
    all_ = estimate_share(design, np.ones(300, bool))
    assert (all_.low, all_.high) == (pytest.approx(1 - found.high), 1)


def test_a_whole_that_is_all_in_the_sample_is_known() -> None:
    strata, has = np.arange(40) % 2, np.arange(40) < 7
    design = make_design(strata, np.array([20.0, 20.0]))
    found = estimate_share(design, has)
    assert (found.low, found.estimate, found.high) == (7 / 40, 7 / 40, 7 / 40)
    total = estimate_total(design, np.arange(40.0))
    assert total is not None
    assert (total.low, total.high) == (pytest.approx(780), pytest.approx(780))


def test_the_share_of_a_half_sampled_whole_is_narrower() -> None:
    has = np.arange(100) < 10
    narrow = estimate_share(make_design(np.zeros(100, np.intp), np.array([200.0])), has)
    wide = estimate_share(make_design(np.zeros(100, np.intp), np.array([1e9])), has)
    assert narrow.high - narrow.low < 0.8 * (wide.high - wide.low)


def test_strata_without_a_picture_are_not_forgotten() -> None:
    strata = np.array([0] * 8 + [1] + [2] * 3)
    design = make_design(strata, np.array([80.0, 15.0, 30.0, 25.0]))
    assert design.total == 150
    assert design.weights.sum() == pytest.approx(150)
    assert estimate_total(make_design(np.zeros(1, np.intp), np.ones(1)), np.ones(1)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strata", "probed", "share"),
    [
        (1, 0, 0.003),
        (6, 0, 0.03),
        (6, 0, 0.3),
        (40, 0, 0.03),
        (6, 400, 0.03),
    ],
)
def test_the_interval_of_a_share_holds_the_truth(strata: int, probed: int, share: float) -> None:
    at = np.random.default_rng(strata).geometric(3 / (strata + 3), COUNT).clip(1, strata) - 1
    has = uneven(at, share)
    found = [estimate_share(design, has[rows]) for rows, design in designs(at, 100, probed)]
    held = np.mean([one.low <= has.mean() <= one.high for one in found])
    assert held >= ENOUGH
    assert np.mean([one.estimate for one in found]) == pytest.approx(has.mean(), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("probed", [0, 300])
def test_the_interval_of_a_sum_holds_the_truth(known: bool, probed: int) -> None:
    """Times go along with sizes, which are skewed; strata follow them where they are known."""
    rng = np.random.default_rng(8)
    size = rng.lognormal(0, 1, COUNT)
    time = 0.3 + 0.5 * size * rng.lognormal(0, 0.3, COUNT)
    at = np.searchsorted(np.quantile(size, [0.3, 0.6, 0.8, 0.95]), size)
    at = at if known else rng.integers(0, 4, COUNT)
    found = [
        estimate_total(design, time[rows], size[rows] if known else None, float(size.sum()), seed)
        for seed, (rows, design) in enumerate(designs(at, 60, probed))
    ]
    held = np.mean([one.low <= time.sum() <= one.high for one in found if one])
    assert held >= ENOUGH
    assert np.mean([one.estimate for one in found if one]) == pytest.approx(time.sum(), rel=0.02)


def test_what_is_known_of_every_picture_makes_a_sum_surer() -> None:
    rng = np.random.default_rng(9)
    size = rng.lognormal(0, 1, COUNT)
    time = 0.3 + 0.5 * size * rng.lognormal(0, 0.1, COUNT)
    ((rows, design), *_) = designs(np.zeros(COUNT, np.intp), 100)
    plain = estimate_total(design, time[rows])
    fitted = estimate_total(design, time[rows], size[rows], float(size.sum()))
    assert plain
    assert fitted
    assert fitted.high - fitted.low < 0.5 * (plain.high - plain.low)
