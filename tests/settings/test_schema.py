"""Settings as they are declared: checked at birth, and one source for all that is derived."""

import pickle
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal

import pytest

from archive_colorizer.cli.parameters import TRAINING
from archive_colorizer.data.config import DataConfig
from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.pipeline.config import SECTIONS, JobConfig
from archive_colorizer.settings.field_docs import read_field_docs
from archive_colorizer.settings.kinds import EdgePx
from archive_colorizer.settings.overlay import lay_over
from archive_colorizer.settings.schema import Setting, list_settings, settings
from archive_colorizer.training.settings import FeedConfig, TrainRunConfig
from archive_colorizer.training.table import RECIPES

JOB = JobConfig(source="a", output="b")
CLASSES = (
    *(type(getattr(JOB, field)) for field in SECTIONS.values()),
    *TRAINING.values(),
    TrainRunConfig,
    EvaluationConfig,
    *(spec.config for spec in RECIPES.values()),
)


@settings("kiln")
class Kiln:
    """A toy."""

    edge_px: Annotated[EdgePx, Setting(param="EDGE")] = 64
    """Edge of the tile. In pixels."""
    heat: Annotated[float, Setting(gt=0, le=1, unit="K", former="warmth")] = 0.5
    """Heat."""
    mode: Literal["slow", "fast"] = "slow"
    """Mode."""
    steps: tuple[Annotated[int, Setting(ge=1)], ...] = ()
    """Steps."""
    glaze: str | None = None
    """Glaze."""
    lit: bool = False
    """Whether it is lit."""


@dataclass(frozen=True)
class Plain:
    size: tuple[int, int] = (1, 2)
    """Size."""
    share: float = 0.5


def test_a_config_is_a_frozen_dataclass() -> None:
    kiln = replace(Kiln(), heat=0.25, steps=(1, 2))
    assert asdict(kiln) == {
        "edge_px": 64, "heat": 0.25, "mode": "slow", "steps": (1, 2), "glaze": None, "lit": False,
    }  # fmt: skip
    assert [item.name for item in fields(Kiln)][:2] == ["edge_px", "heat"]
    assert pickle.loads(pickle.dumps(kiln)) == kiln  # noqa: S301 (made here)
    assert hash(kiln) != hash(Kiln())
    with pytest.raises(AttributeError):
        kiln.heat = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"edge_px": 31}, "kiln.edge_px=31: must be 32 to 2048"),
        ({"edge_px": "64"}, "kiln.edge_px='64': must be a whole number"),
        ({"edge_px": True}, "kiln.edge_px=True: must be a whole number"),
        ({"edge_px": 64.0}, "kiln.edge_px=64.0: must be a whole number"),
        ({"heat": 0}, "kiln.heat=0: must be over 0, at most 1"),
        ({"heat": float("nan")}, "kiln.heat=nan: must be a number"),
        ({"mode": "cold"}, "kiln.mode='cold': must be one of slow, fast"),
        ({"steps": (1, 0)}, "kiln.steps=(1, 0): must be 1 or more"),
        ({"steps": (1, "x")}, "kiln.steps=(1, 'x'): must be a list of whole numbers"),
        ({"glaze": 3}, "kiln.glaze=3: must be text"),
        ({"lit": 1}, "kiln.lit=1: must be true or false"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_section_and_key(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Kiln(**values)
    assert str(caught.value) == message


def test_true_is_no_number_among_choices() -> None:
    with pytest.raises(ConfigError, match=r"color\.upscale=True: must be one of 1, 2, 4"):
        replace(JOB.color, upscale=True)


def test_a_call_with_wrong_arguments_is_the_programs_fault() -> None:
    with pytest.raises(TypeError, match="Kiln: colour"):
        Kiln(colour=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="DataConfig: data"):
        DataConfig()  # type: ignore[call-arg]


def test_a_whole_number_for_a_float_stays_as_it_was_given() -> None:
    """Digests of earlier jobs have it so."""
    assert repr(asdict(Kiln(heat=1))["heat"]) == "1"
    assert repr(asdict(Kiln(heat=1.0))["heat"]) == "1.0"


def test_a_declaration_says_everything_that_is_derived_from_it() -> None:
    found = list_settings(Kiln)
    assert [*found] == ["edge_px", "heat", "mode", "steps", "glaze", "lit"]
    edge = found["edge_px"]
    assert (edge.kind, edge.default, edge.said.bounds) == (int, 64, "32 to 2048")
    assert (edge.said.unit, edge.said.param) == ("px", "EDGE")
    assert found["mode"].choices == ("slow", "fast")
    assert (found["steps"].item, found["steps"].said.bounds) == (int, "1 or more")
    assert found["glaze"].optional
    assert list_settings(EvaluationConfig)["data"].default is MISSING


@pytest.mark.parametrize(
    ("said", "words", "inside", "outside"),
    [
        (Setting(ge=1, le=3), "1 to 3", (1, 3), (0, 4)),
        (Setting(ge=0, lt=1), "0 to under 1", (0, 0.99), (-1, 1)),
        (Setting(gt=0, le=1), "over 0, at most 1", (0.1, 1), (0, 1.1)),
        (Setting(gt=0, lt=1), "over 0, under 1", (0.1,), (0, 1)),
        (Setting(ge=2), "2 or more", (2, 1e9), (1, float("inf"), float("nan"))),
        (Setting(gt=2), "over 2", (3,), (2,)),
        (Setting(), "", (-5,), (float("nan"),)),
    ],
)
def test_a_range_is_words_and_a_check(
    said: Setting, words: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    assert said.bounds == words
    assert all(map(said.allows, inside))
    assert not any(map(said.allows, outside))


@pytest.mark.parametrize("kind", CLASSES)
def test_every_setting_has_help_and_a_default_in_its_range(kind: type[Any]) -> None:
    docs: Mapping[str, str] = read_field_docs(kind)
    for key, setting in list_settings(kind).items():
        assert docs[key].endswith("."), key
        assert "\n" not in docs[key]
        if type(setting.default) in (int, float):
            assert setting.said.allows(setting.default), key  # type: ignore[arg-type]


def test_help_is_read_from_base_classes_too() -> None:
    class Small(Kiln):
        heat: float = 0.1
        """Less heat."""

    assert read_field_docs(Kiln)["edge_px"] == "Edge of the tile. In pixels."
    assert read_field_docs(Small)["heat"] == "Less heat."
    assert read_field_docs(Small)["mode"] == "Mode."
    assert "share" not in read_field_docs(Plain)


def test_what_a_network_sees_has_one_range() -> None:
    places = (
        list_settings(type(JOB.color))["proxy_px"],
        list_settings(FeedConfig)["crop_px"],
        list_settings(FeedConfig)["sizes_px"],
        list_settings(EvaluationConfig)["size"],
    )
    assert {(place.said.bounds, place.said.unit) for place in places} == {("32 to 2048", "px")}


def test_a_former_key_is_read_as_the_one_of_now() -> None:
    assert lay_over(Kiln(), {"warmth": 0.75}, "kiln.toml", "kiln").heat == 0.75
    with pytest.raises(ConfigError, match=r"^kiln\.toml: kiln\.heat=2: must be over 0"):
        lay_over(Kiln(), {"warmth": 2}, "kiln.toml", "kiln")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sise": [1, 2]}, "p.toml: [plain]: unknown key 'sise': did you mean 'size'?"),
        ({"size": [1, 2, 3]}, "p.toml: plain.size=(1, 2, 3): must be a list of whole numbers"),
        ({"share": "much"}, "p.toml: plain.share='much': must be a number"),
    ],
)
def test_a_plain_dataclass_is_checked_as_it_is_laid_over(
    values: dict[str, Any], message: str
) -> None:
    assert lay_over(Plain(), {"size": [3, 4]}, "p.toml", "plain").size == (3, 4)
    with pytest.raises(ConfigError) as caught:
        lay_over(Plain(), values, "p.toml", "plain")
    assert str(caught.value) == message
