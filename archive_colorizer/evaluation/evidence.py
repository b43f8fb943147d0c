"""Evidence of a promotion: enough pictures, and differences that are more than chance.

Challenger and champion are judged on the same pictures, so their differences are paired. Pictures
are drawn again and again with replacement; the percentiles of the mean difference are its interval
(the percentile bootstrap: Efron & Tibshirani 1993).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.evaluation.enlargers import EnlargedPictureScores
from archive_colorizer.evaluation.gates import OF_A_PICTURE, Evidence, Gate, Verdict
from archive_colorizer.evaluation.scores import PictureScores

Scores = Sequence[PictureScores] | Sequence[EnlargedPictureScores]
"""Figures of each picture; those of two models are of the same pictures in the same order."""
RESAMPLES: Final = 10_000
SEED: Final = 0
AT_ONCE: Final = 500
"""Resamples that are in memory together."""
MOST_DB: Final = 100.0
"""Stands for the infinite PSNR of equal pictures."""
LOWER_IS_BETTER: Final = frozenset({"mse", "ciede2000", "ab_error", "lightness_error", "lpips"})


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better a figure is than the champion's, paired; above 0 is better."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3g} ({self.low:+.3g} to {self.high:+.3g})"


def measure_difference(
    metric: str,
    mine: Scores,
    theirs: Scores,
    confidence: float,
) -> Difference | None:
    """Measure a paired difference and its interval.

    Args:
        metric: a key of OF_A_PICTURE.
        mine: of the challenger.
        theirs: of the champion, on the same pictures in the same order.
        confidence: of the interval.

    Returns:
        None where a picture lacks the figure, as those of the other kind of models do.
    """
    figure = OF_A_PICTURE[metric]
    pairs = [
        (getattr(a, figure, None), getattr(b, figure, None))
        for a, b in zip(mine, theirs, strict=True)
    ]
    if any(a is None or b is None for a, b in pairs):
        return None
    values = np.minimum(np.array(pairs, np.float64), MOST_DB if metric == "psnr_mean" else np.inf)
    gains = values[:, 0] - values[:, 1]
    if metric in LOWER_IS_BETTER:
        gains = -gains
    beside = (1 - confidence) / 2
    low, high = np.quantile(_resample(gains), [beside, 1 - beside])
    return Difference(float(gains.mean()), float(low), float(high))


def _resample(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of RESAMPLES samples of as many values, drawn with replacement."""
    rng = np.random.default_rng(SEED)
    means = [
        values[rng.integers(len(values), size=(AT_ONCE, len(values)))].mean(axis=1)
        for _ in range(RESAMPLES // AT_ONCE)
    ]
    return np.concatenate(means)


def judge_amount(evidence: Evidence, pictures: int, px: int) -> Iterator[Verdict]:
    """Judge whether enough pictures of enough pixels were seen."""
    for name, seen, least, what in (
        ("min_pictures", pictures, evidence.min_pictures, "pictures were judged"),
        ("min_px", px, evidence.min_px, "pixels an edge they were judged at"),
    ):
        if least > 1:
            text = f"{name}: {seen} {what}, at least {least} are asked for"
            yield Verdict(gate=name, passed=seen >= least, text=text)


def judge_differences(
    evidence: Evidence,
    gates: Sequence[Gate],
    mine: Scores,
    theirs: Scores,
) -> Iterator[Verdict]:
    """Judge the differences from the champion: none may be worse than its gate allows, one better.

    Args:
        evidence: what is asked for.
        gates: their allowances (`not_worse_by`).
        mine: of the challenger.
        theirs: of the champion, on the same pictures.
    """
    if evidence.confidence is None:
        return
    share = f"{100 * evidence.confidence:g} %"
    for gate in gates:
        if gate.not_worse_by is None or gate.metric not in OF_A_PICTURE:
            continue
        found = measure_difference(gate.metric, mine, theirs, evidence.confidence)
        if found is None:
            continue
        text = (
            f"{gate.metric} is better by {found} at {share}, may be worse by {gate.not_worse_by:g}"
        )
        passed = found.low >= -gate.not_worse_by
        yield Verdict(gate=f"{gate.metric} interval", passed=passed, text=text)
    asked = [one for one in evidence.better_in if hasattr(mine[0], OF_A_PICTURE[one])]
    if asked:
        said = {
            metric: measure_difference(metric, mine, theirs, evidence.confidence)
            for metric in asked
        }
        better = any(one is not None and one.low > 0 for one in said.values())
        figures = ", ".join(f"{metric} {one}" for metric, one in said.items() if one is not None)
        word = "better than the champion" if better else "no better than the champion beyond chance"
        yield Verdict(gate="better_in", passed=better, text=f"{word} at {share}: {figures}")
