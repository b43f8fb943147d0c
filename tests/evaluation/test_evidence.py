"""Evidence of a promotion: numbers of pictures, intervals of paired differences, ties."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.enlargers import EnlargedPictureScores
from archive_colorizer.evaluation.evidence import (
    judge_amount,
    judge_differences,
    measure_difference,
)
from archive_colorizer.evaluation.gates import DEFAULT, Evidence, Gate, read_policy
from archive_colorizer.evaluation.scores import PictureScores

ASKED = Evidence(min_pictures=50, min_px=128, confidence=0.95, better_in=("psnr_mean",))
GATES = (Gate(metric="psnr_mean", not_worse_by=0.1),)


def scores(psnr: np.ndarray, ciede2000: np.ndarray | None = None) -> list[PictureScores]:
    others = {f.name: 1.0 for f in fields(PictureScores)} | {"lpips": None, "doubt": None}
    errors = np.ones_like(psnr) if ciede2000 is None else ciede2000
    return [
        PictureScores(**others | {"name": str(i), "psnr": float(a), "ciede2000": float(b),
                                  "faces": ()})
        for i, (a, b) in enumerate(zip(psnr, errors, strict=True))
    ]  # fmt: skip


def failing(mine: np.ndarray, theirs: np.ndarray, evidence: Evidence = ASKED) -> list[str]:
    verdicts = judge_differences(evidence, GATES, scores(mine), scores(theirs))
    return [verdict.gate for verdict in verdicts if not verdict.passed]


@pytest.fixture
def theirs() -> np.ndarray:
    return np.random.default_rng(1).normal(22, 4, 80)


def test_the_interval_is_that_of_the_mean(theirs: np.ndarray) -> None:
    gains = np.random.default_rng(2).normal(0.5, 1.0, 80)
    found = measure_difference("psnr_mean", scores(theirs + gains), scores(theirs), 0.95)
    assert found is not None
    error = gains.std(ddof=1) / np.sqrt(80)
    assert found.mean == pytest.approx(gains.mean())
    assert found.low == pytest.approx(gains.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(gains.mean() + 1.96 * error, abs=0.15 * error)
    again = measure_difference("psnr_mean", scores(theirs + gains), scores(theirs), 0.95)
    assert again == found


def test_lower_is_better_for_errors(theirs: np.ndarray) -> None:
    mine, other = scores(theirs, theirs - 1), scores(theirs, theirs)
    found = measure_difference("ciede2000", mine, other, 0.9)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((1, 1, 1))


def test_a_tie_is_refused(theirs: np.ndarray) -> None:
    assert failing(theirs, theirs) == ["better_in"]
    shuffled = theirs + np.random.default_rng(3).normal(0, 0.2, 80)
    assert "better_in" in failing(shuffled - shuffled.mean() + theirs.mean(), theirs)


def test_a_steady_gain_passes_and_a_lucky_one_does_not(theirs: np.ndarray) -> None:
    assert failing(theirs + 0.2, theirs) == []
    lucky = theirs.copy()
    lucky[0] += 30  # one picture makes the mean 0.4 dB better
    assert failing(lucky, theirs) == ["better_in"]


def test_a_loss_that_may_be_more_than_is_allowed_is_refused(theirs: np.ndarray) -> None:
    noise = np.random.default_rng(4).normal(0, 2, 80)
    assert failing(theirs - 0.05 + noise - noise.mean(), theirs)[0] == "psnr_mean interval"
    assert failing(theirs - 0.05, theirs) == ["better_in"]


def enlarged(psnr_y: np.ndarray) -> list[EnlargedPictureScores]:
    return [
        EnlargedPictureScores(name=str(i), psnr_y=float(one), ssim_y=0.9)
        for i, one in enumerate(psnr_y)
    ]


def test_enlargers_are_asked_for_the_same_evidence(theirs: np.ndarray) -> None:
    noise = np.random.default_rng(5).normal(0, 2, 80)
    steady, lucky = theirs + 0.2, theirs + noise - noise.mean() + 0.2
    for mine, failed in (
        (steady, []),
        (lucky, ["psnr_y_gain interval", "better_in"]),  # its mean alone is as much better
        (theirs, ["better_in"]),
    ):
        verdicts = judge_differences(
            DEFAULT.evidence, DEFAULT.enlarging_gates, enlarged(mine), enlarged(theirs)
        )
        assert [verdict.gate for verdict in verdicts if not verdict.passed] == failed


def test_figures_of_the_other_kind_are_not_asked_for(theirs: np.ndarray) -> None:
    asked = replace(ASKED, better_in=("psnr_y_gain",))
    assert failing(theirs, theirs, asked) == []
    gates = [*judge_differences(ASKED, GATES, enlarged(theirs), enlarged(theirs))]
    assert gates == []


def test_equal_pictures_and_missing_figures(theirs: np.ndarray) -> None:
    assert failing(np.full(80, np.inf), np.full(80, np.inf)) == ["better_in"]
    assert measure_difference("lpips", scores(theirs), scores(theirs), 0.9) is None


def test_nothing_is_asked_unless_the_policy_does(theirs: np.ndarray) -> None:
    assert failing(theirs - 9, theirs, Evidence()) == []
    assert list(judge_amount(Evidence(), 1, 32)) == []


def test_few_or_small_pictures_are_refused() -> None:
    few, small = judge_amount(ASKED, 49, 64)
    assert (few.passed, small.passed) == (False, False)
    assert few.text == "min_pictures: 49 pictures were judged, at least 50 are asked for"
    assert all(one.passed for one in judge_amount(ASKED, 50, 128))


@pytest.mark.parametrize(
    "text",
    ["{min_pictures: 0}", "{min_px: many}", "{confidence: 2.0}", "{confidence: 1}", "[1]",
     "{better_in: [psnr_mean]}", "{confidence: 0.9, better_in: [fid]}", "{unknown: 1}",
     "{confidence: 0.9, better_in: psnr_mean}"],
)  # fmt: skip
def test_another_policy_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"evidence: {text}\ngates: [{{metric: ssim, at_least: 0}}]\n")
    with pytest.raises(ConfigError, match=r"policy\.yaml: evidence"):
        read_policy(path)
