"""Estimates for a whole from a stratified sample of it, each with an interval of 95 %.

Means are the stratified estimator, variances those of simple random sampling without replacement
in each stratum with the finite population correction (Cochran, Sampling Techniques, 3rd ed. 1977,
chapter 5). Strata of fewer than two pictures are taken together (collapsed strata, 5A.12), which
makes intervals wider, not narrower. For strata from a first phase the variance of their sizes is
added (chapter 12).

Shares: the interval of Clopper and Pearson (1934) with the effective sample size of the design
(Korn and Graubard, Survey Methodology 24, 1998): Wilson's holds the truth too seldom where few
pictures of many fail. Where none or all of the sample have it, the bound is that of 95 % on one
side, 1 - 0.05^(1/n): the rule of three.

Totals: the regression estimator on what is known of every picture (chapter 7), where the sample is
large enough, its residuals by HC3. The interval is studentised by a stratified bootstrap (Efron and
Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12), as times and bytes are skewed, and
at least as wide as Student's.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVEL: Final = 0.95
TAIL: Final = (1 + LEVEL) / 2
Z: Final = NormalDist().inv_cdf(TAIL)
FEW: Final = 20
"""Pictures below which a bootstrap says little."""
FIT_FROM: Final = 40
"""Pictures from which on a line is fitted."""
MANY: Final = 2_000
"""Pictures above which a mean is normal without a bootstrap."""
RESAMPLES: Final = 1_000
HALVINGS: Final = 48
PRIOR: Final = 2.0
"""Pictures by which a stratum's share is drawn to the whole's, for its variance."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval of 95 %."""

    estimate: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """Scale it."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Design:
    """How a sample was drawn."""

    groups: tuple[NDArray[np.intp], ...]
    """Numbers of the sample's pictures, by stratum; at least two in each, unless there is one."""
    weights: Floats
    """Pictures of the whole that each of the sample stands for, (n,); they add up to `total`."""
    sizes: Floats
    """Pictures of the whole in each group."""
    probed: int = 0
    """Pictures of a first phase; 0 where there was none."""

    @property
    def count(self) -> int:
        """Size of the sample."""
        return len(self.weights)

    @property
    def total(self) -> float:
        """Size of the whole."""
        return float(self.sizes.sum())

    @property
    def unsampled(self) -> float:
        """Share of the whole that is not in the sample: the finite population correction."""
        return max(0.0, 1 - self.count / self.total)

    @property
    def kish(self) -> float:
        """Effective size of the sample by its weights alone (Kish 1965)."""
        return float(self.weights.sum() ** 2 / np.square(self.weights).sum())


def make_design(strata: NDArray[np.intp], pictures: Floats, probed: int = 0) -> Design:
    """Make the design of a sample.

    Args:
        strata: stratum of each picture of the sample, (n,); n is at least 1.
        pictures: of the whole, by stratum, (h,); some may have none in the sample.
        probed: pictures of a first phase.
    """
    counts = np.bincount(strata, minlength=len(pictures))
    place, lone = np.cumsum(counts >= 2) - 1, counts < 2
    if pictures[lone].sum() > 0:
        enough = (counts >= 2).any()
        alone = int(counts[lone].sum()) >= 2 or not enough
        smallest = np.argmin(np.where(lone, np.inf, pictures)) if enough else 0
        place[lone] = (counts >= 2).sum() if alone else place[smallest]
    at = place[strata]
    number = int(at.max()) + 1
    sizes = np.bincount(place[pictures > 0], weights=pictures[pictures > 0], minlength=number)
    weights = pictures[strata] / counts[strata]
    weights *= (sizes / np.bincount(at, weights=weights, minlength=number))[at]
    groups = tuple(np.flatnonzero(at == one) for one in range(number))
    return Design(groups, np.asarray(weights), np.asarray(sizes, np.float64), probed)


def estimate_share(design: Design, has: NDArray[np.bool_]) -> Interval:
    """Estimate which share of the whole has something that some of the sample have.

    Args:
        design: of the sample.
        has: whether each picture of the sample has it, (n,).
    """
    share = float((design.weights * has).sum() / design.total)
    known = int(has.sum()) / design.total, 1 - int((~has).sum()) / design.total
    if not design.unsampled:
        return Interval(share, share, share)
    if has.all() or not has.any():
        bound = 1 - (1 - LEVEL) ** (design.unsampled / design.kish)
        low, high = (0.0, bound) if not has.any() else (1 - bound, 1.0)
    else:
        variance = _smoothed_variance(design, has, share)
        effective = share * (1 - share) / variance
        effective *= (Z / t_quantile(design.count - 1)) ** 2
        low, high = _clopper_pearson(share, effective)
    return Interval(share, max(low, known[0]), min(high, known[1]))


def _smoothed_variance(design: Design, has: NDArray[np.bool_], share: float) -> float:
    """Compute the variance of a share; a stratum of few pictures is drawn to the whole's share."""
    within = between = 0.0
    for group, size in zip(design.groups, design.sizes.tolist(), strict=True):
        weights, part = design.weights[group], size / design.total
        mine = float(np.average(has[group], weights=weights))
        effective = float(weights.sum() ** 2 / np.square(weights).sum())
        near = (effective * mine + PRIOR * share) / (effective + PRIOR)
        left = max(0.0, 1 - len(group) / size)
        within += part**2 * near * (1 - near) / effective * left
        between += part * (mine - share) ** 2
    return max(within + _first_phase(design) * between, 1e-12)


def _first_phase(design: Design) -> float:
    """Factor of the variance between strata whose sizes a first phase has estimated."""
    return max(0.0, 1 / design.probed - 1 / design.total) if design.probed else 0.0


def _clopper_pearson(share: float, count: float) -> tuple[float, float]:
    """Compute the interval of Clopper and Pearson; `count` need not be whole."""
    has = share * count
    low = _beta_quantile(1 - TAIL, has, count - has + 1)
    return low, _beta_quantile(TAIL, has + 1, count - has)


def _beta_quantile(level: float, a: float, b: float) -> float:
    """Find the quantile of a beta distribution by halving."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta_below(middle, a, b) < level else (low, middle)
    return (low + high) / 2


def _beta_below(x: float, a: float, b: float) -> float:
    """Compute the regularised incomplete beta function by its continued fraction.

    DLMF 8.17.22, from its far end; it needs a few times sqrt(a + b) terms.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_below(1 - x, b, a)
    if x <= 0:
        return 0.0
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logarithm + a * math.log(x) + b * math.log1p(-x)) / a
    fraction = 1.0
    for term in range(40 + int(4 * math.sqrt(a + b)), 0, -1):
        m, odd = divmod(term, 2)
        if odd:
            factor = -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m))
        fraction = 1 + factor * x / fraction
    return front / fraction


def estimate_total(
    design: Design,
    values: Floats,
    known: Floats | None = None,
    known_total: float = 0.0,
    seed: int = 0,
) -> Interval | None:
    """Estimate the sum over the whole.

    Args:
        design: of the sample.
        values: of the sample, 0 or more, (n,).
        known: what is known of each picture of the whole and may go along with them, (n,).
        known_total: its sum over the whole.
        seed: of the bootstrap.

    Returns:
        None where the sample is too small to say anything of the spread.
    """
    if design.count < 2:
        return None
    if known is None or design.count < FIT_FROM:
        known = np.zeros_like(values)
    slope = float(_fit_slopes(design.weights[None], values[None], known[None])[0, 0])
    rest = values - slope * known
    (means,), (spreads,) = _by_group(design, design.weights[None], rest[None])
    mean = float((means * design.sizes).sum() / design.total)
    if slope:
        spreads = _by_group(design, design.weights[None], _unfit(design, rest, known)[None])[1][0]
    error = math.sqrt(_variance(design, means, spreads))
    total = design.total * mean + slope * known_total
    off = design.total * error
    least = t_quantile(_freedom(design, spreads))
    if design.count < FEW and total > 0:  # few and skewed: the interval of the logarithm
        half = least * off / total
        low, high = total * math.exp(-half), total * math.exp(half)
    elif design.count > MANY or not error:
        half = least * off
        low, high = total - half, total + half
    else:
        low_t, high_t = _studentise(design, rest, known, seed)
        low, high = total - max(high_t, least) * off, total - min(low_t, -least) * off
    return Interval(total, max(low, float(values.sum())), max(high, total))


def _fit_slopes(weights: Floats, values: Floats, known: Floats) -> Floats:
    """Fit a line to each of some samples by weighted least squares, (b, n): its slope, (b, 1)."""
    sums = weights.sum(1, keepdims=True)
    off = known - (weights * known).sum(1, keepdims=True) / sums
    spread = (weights * off**2).sum(1, keepdims=True)
    return np.asarray((weights * off * values).sum(1, keepdims=True) / np.where(spread, spread, 1))


def _unfit(design: Design, rest: Floats, known: Floats) -> Floats:
    """Give what is left as if each picture had had no part in the line.

    A large picture draws the line to itself, so that what is left of it is too small: HC3
    (MacKinnon and White, Journal of Econometrics 29, 1985).
    """
    off = known - np.average(known, weights=design.weights)
    leverage = design.weights * off**2 / (design.weights * off**2).sum()
    mean = np.average(rest, weights=design.weights)
    return np.asarray(mean + (rest - mean) / np.maximum(1 - leverage, 1 / design.count))


def _by_group(design: Design, weights: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Compute of each group the mean and the mean's variance, over samples (b, n): (b, g)."""
    means = np.empty((len(values), len(design.groups)))
    spreads = np.empty_like(means)
    for one, group in enumerate(design.groups):
        mine, number = weights[:, group], len(group)
        sums = mine.sum(1)
        means[:, one] = (mine * values[:, group]).sum(1) / sums
        squares = np.square(mine * (values[:, group] - means[:, one, None])).sum(1)
        spreads[:, one] = squares / sums**2 * number / max(1, number - 1)
    return means, spreads


def _variance(design: Design, means: Floats, spreads: Floats) -> float:
    """Compute the variance of the whole's mean from the groups' means and their variances, (g,)."""
    parts = design.sizes / design.total
    counts = np.array([len(group) for group in design.groups])
    within = parts**2 * spreads * np.clip(1 - counts / design.sizes, 0, 1)
    between = (parts * np.square(means - (parts * means).sum())).sum()
    return float(within.sum() + _first_phase(design) * between)


def _freedom(design: Design, spreads: Floats) -> float:
    """Compute the degrees of freedom of a variance that few pictures of some groups decide.

    Satterthwaite, Biometrics Bulletin 2, 1946; Cochran 5.4.
    """
    shares = np.square(design.sizes) * spreads
    counts = np.array([len(group) for group in design.groups])
    below = (np.square(shares) / np.maximum(1, counts - 1)).sum()
    return max(1.0, float(shares.sum() ** 2 / below)) if below else float(design.count)


def _studentise(design: Design, values: Floats, known: Floats, seed: int) -> tuple[float, float]:
    """Find the quantiles of the studentised mean by resampling in each group, the line fitted anew.

    Args:
        design: of the sample.
        values: of the sample, less the line's part, (n,).
        known: what the line goes by, (n,).
        seed: of the resampling.
    """
    rng = np.random.default_rng(seed)
    drawn = np.empty((RESAMPLES, design.count), np.intp)
    for group in design.groups:
        drawn[:, group] = group[rng.integers(0, len(group), (RESAMPLES, len(group)))]
    weights = design.weights[drawn]
    off = known - np.average(known, weights=design.weights)
    slopes = _fit_slopes(weights, values[drawn], off[drawn])
    means, spreads = _by_group(design, weights, values[drawn] - slopes * off[drawn])
    parts = design.sizes / design.total
    errors = np.sqrt((parts**2 * spreads).sum(1))
    mean = np.average(values, weights=design.weights)
    fit = errors > 0
    t = ((parts * means).sum(1) - mean)[fit] / errors[fit]
    low, high = np.quantile(t, [1 - TAIL, TAIL]) if len(t) else (-Z, Z)
    return float(low), float(high)


def t_quantile(freedom: float) -> float:
    """Compute the quantile of Student's t for LEVEL on two sides.

    From 3 degrees of freedom on by the expansion of Cornish and Fisher (Abramowitz and Stegun,
    Handbook of Mathematical Functions 1964, 26.7.5), good to 1 %.
    """
    one, two = math.tan(math.pi * (TAIL - 0.5)), (2 * TAIL - 1) / math.sqrt(2 * TAIL * (1 - TAIL))
    if freedom < 3:  # between the known ones on a line
        return float(np.interp(freedom, [1, 2, 3], [one, two, t_quantile(3)]))
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return float(Z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))
