"""Promotion gates and their policy file."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.gates import DEFAULT, Gate, judge, read_policy
from archive_colorizer.evaluation.scores import ModelScores

ROOT = Path(__file__).parents[2]
CHAMPION = ModelScores(**{item.name: 1.0 for item in fields(ModelScores)} | {
    "model": "m", "family": "f", "psnr_mean": 22.0, "ciede2000": 12.0, "colourfulness_ratio": 0.9,
    "lightness_error": 0.2,
})  # fmt: skip


def failed(gates: tuple[Gate, ...], scores: ModelScores, champion: ModelScores | None) -> list[str]:
    return [verdict.text for verdict in judge(gates, scores, champion) if not verdict.passed]


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
    assert failed((Gate(metric="fid", at_most=50.0),), replace(CHAMPION, fid=None), None) == [
        "fid was not measured"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: [", "not YAML"),
        ("gates: []", "a list of at least one"),
        ("gates: [{metric: psnr_mean, at_least: 1}]\nmore: 1", "must have one key"),
        ("gates: [psnr]", "gate 1: is not a mapping"),
        ("gates: [{metric: psnr, at_least: 1}]", "gate 1: 'psnr' is no metric"),
        ("gates: [{metric: psnr_mean}]", "gate 1: psnr_mean: needs not_worse_by"),
        ("gates: [{metric: psnr_mean, at_least: high}]", "'high' is not a number"),
        ("gates: [{metric: psnr_mean, at_least: 1, better: up}]", "must be higher or lower"),
        ("gates: [{metric: psnr_mean, over: 1}]", "gate 1:.*over"),
    ],
)
def test_a_policy_that_cannot_be_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_policy(path)
    assert "policy.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
