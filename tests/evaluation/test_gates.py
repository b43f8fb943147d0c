"""Promotion gates and their policy file."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.enlargers import EnlargerScores
from archive_colorizer.evaluation.gates import DEFAULT, Gate, Policy, Scores, judge, read_policy
from archive_colorizer.evaluation.scores import ModelScores
from archive_colorizer.evaluation.skin import ToneScores

ROOT = Path(__file__).parents[2]
CHAMPION = ModelScores(**{item.name: 1.0 for item in fields(ModelScores)} | {
    "model": "m", "family": "f", "psnr_mean": 22.0, "ciede2000": 12.0, "colourfulness_ratio": 0.9,
    "lightness_error": 0.2,
})  # fmt: skip


ENLARGER = EnlargerScores(
    model="m", parameters=1, psnr_y=30.0, psnr_y_gain=1.0, ssim_y=0.9, ms_per_picture=1.0
)


def failed(policy: Policy, scores: Scores, champion: Scores | None) -> list[str]:
    gates = policy.gates_for(enlarging=isinstance(scores, EnlargerScores))
    verdicts = judge(gates, scores, champion)
    return [verdict.text for verdict in verdicts if not verdict.passed]


def test_the_file_says_what_the_default_is() -> None:
    assert read_policy(ROOT / "mlflow" / "promotion.yaml") == DEFAULT


def test_an_equal_one_passes_and_a_worse_one_does_not() -> None:
    assert failed(DEFAULT, CHAMPION, CHAMPION) == []
    assert failed(DEFAULT, replace(CHAMPION, psnr_mean=21.91), CHAMPION) == []
    assert failed(DEFAULT, replace(CHAMPION, psnr_mean=21.8), CHAMPION) == [
        "psnr_mean is 21.8 beside the champion's 22: worse by 0.2, allowed 0.1"
    ]
    assert failed(DEFAULT, replace(CHAMPION, ciede2000=12.5), CHAMPION)[0].startswith("ciede2000")
    assert failed(DEFAULT, replace(CHAMPION, ciede2000=9.0), CHAMPION) == []


def test_limits_hold_without_a_champion() -> None:
    assert failed(DEFAULT, replace(CHAMPION, psnr_mean=1.0), None) == []
    grey = replace(CHAMPION, colourfulness_ratio=0.4)
    assert failed(DEFAULT, grey, None) == ["colourfulness_ratio is 0.4, must be at least 0.7"]
    gaudy = replace(CHAMPION, colourfulness_ratio=1.5)
    assert failed(DEFAULT, gaudy, None) == ["colourfulness_ratio is 1.5, must be at most 1.3"]


def test_what_is_not_a_number_or_was_not_measured_never_passes() -> None:
    assert failed(DEFAULT, replace(CHAMPION, psnr_mean=float("nan")), CHAMPION)
    fid = Policy(gates=(Gate(metric="fid", at_most=50.0),))
    assert failed(fid, replace(CHAMPION, fid=None), None) == ["fid was not measured"]


def test_a_figure_that_the_champion_lacks_is_one_clear_refusal() -> None:
    both = Policy(gates=(Gate(metric="fid", better="lower", not_worse_by=1.0, at_most=50.0),))
    unmeasured = replace(CHAMPION, fid=None)
    words = "fid is 40; the champion's was not measured, so they cannot be compared"
    assert failed(both, replace(CHAMPION, fid=40.0), unmeasured) == [words]
    assert failed(both, replace(CHAMPION, fid=40.0), None) == []
    alone = Policy(gates=(Gate(metric="fid", at_most=50.0),))
    assert failed(alone, replace(CHAMPION, fid=40.0), unmeasured) == []


def test_a_gate_may_let_pass_what_has_no_figure_and_says_so() -> None:
    few = replace(CHAMPION, skin_ab_error_gap=None, skin={
        "tan": ToneScores(faces=3, ab_error=9.0, left_grey=0.0)
    })  # fmt: skip
    assert failed(DEFAULT, few, CHAMPION) == []
    (text,) = (verdict.text for verdict in judge(DEFAULT.gates, few, CHAMPION)
               if "not judged" in verdict.text)  # fmt: skip
    assert text == "skin_ab_error_gap was not measured (faces: tan 3: too few), so it is not judged"
    asked = Policy(gates=(Gate(metric="skin_ab_error_gap", better="lower", not_worse_by=0.5),))
    assert failed(asked, replace(few, skin={}), None) == [
        "skin_ab_error_gap was not measured (no faces)"
    ]


def test_worse_skin_of_the_worst_tone_is_refused() -> None:
    assert failed(DEFAULT, replace(CHAMPION, skin_ab_error_worst=1.4), CHAMPION) == []
    (text,) = failed(DEFAULT, replace(CHAMPION, skin_ab_error_worst=1.6), CHAMPION)
    assert text.startswith("skin_ab_error_worst is 1.6 beside the champion's 1: worse by 0.6")
    (text,) = failed(DEFAULT, replace(CHAMPION, skin_left_grey_gap=1.1), CHAMPION)
    assert text.startswith("skin_left_grey_gap")


def test_one_that_enlarges_has_gates_of_its_own() -> None:
    assert failed(DEFAULT, ENLARGER, None) == []
    assert failed(DEFAULT, replace(ENLARGER, psnr_y_gain=-0.1), None) == [
        "psnr_y_gain is -0.1, must be at least 0"
    ]
    assert failed(DEFAULT, replace(ENLARGER, psnr_y_gain=0.96), ENLARGER) == []
    (text,) = failed(DEFAULT, replace(ENLARGER, psnr_y_gain=0.9), ENLARGER)
    assert text.endswith("worse by 0.1, allowed 0.05")
    assert failed(DEFAULT, replace(ENLARGER, ssim_y=0.89), ENLARGER)[0].startswith("ssim_y")
    with pytest.raises(ConfigError, match="the policy has no enlarging_gates"):
        failed(Policy(gates=DEFAULT.gates), ENLARGER, None)
    with pytest.raises(ConfigError, match="the policy has no gates"):
        failed(Policy(enlarging_gates=DEFAULT.enlarging_gates), CHAMPION, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: [", "not YAML"),
        ("gates: []", "a list of at least one"),
        ("gates: [{metric: psnr_mean, at_least: 1}]\nmore: 1", "must have the keys gates or"),
        ("- gates", "must have the keys gates or"),
        (
            "enlarging_gates: [{metric: psnr_mean, at_least: 1}]",
            "enlarging_gates 1: 'psnr_mean'",
        ),
        ("gates: [{metric: psnr_y, at_least: 1}]", "gates 1: 'psnr_y' is no metric"),
        ("gates: [psnr]", "gates 1: is not a mapping"),
        ("gates: [{metric: psnr, at_least: 1}]", "gates 1: 'psnr' is no metric"),
        ("gates: [{metric: psnr_mean}]", "gates 1: psnr_mean: needs not_worse_by"),
        ("gates: [{metric: psnr_mean, at_least: high}]", "'high' is not a number"),
        ("gates: [{metric: psnr_mean, at_least: 1, better: up}]", "must be higher or lower"),
        ("gates: [{metric: psnr_mean, over: 1}]", "gates 1:.*over"),
    ],
)
def test_a_policy_that_cannot_be_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_policy(path)
    assert "policy.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
