"""The card as JSON and for people."""

import json
from dataclasses import fields, replace

import pytest
import yaml

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.training.settings import TrainRunConfig
from archive_colorizer.weights.card import (
    NOT_STATED,
    RIGHTS,
    ModelCard,
    card_from_json,
    joint_rights,
)

CARD = ModelCard(
    name="café",
    version="2",
    family="chroma_unet",
    config={"head": 8},
    summary="Colours photographs.",
    data_rights="not_cleared",
    command="make train",
    figures={"psnr": 22.512345},
    limits=("faces", "flags"),
)


def test_json_has_every_field_sorted_and_readable() -> None:
    text = CARD.to_json()
    values = json.loads(text)
    assert list(values) == sorted(item.name for item in fields(ModelCard))
    assert "café" in text
    assert card_from_json(text, "here") == CARD


def test_the_card_for_people_says_rights_figures_limits_and_hash() -> None:
    text = CARD.to_markdown("f" * 64, 17_000_000)
    for words in ("# café 2", "17.0 MB", "f" * 64, "**not cleared**", "| psnr | 22.5123 |"):
        assert words in text
    assert "- faces\n- flags\n" in text


@pytest.mark.parametrize(
    ("licence", "key", "name"),
    [
        ("Apache-2.0 (weights)", "apache-2.0", None),
        ("CC-BY-4.0", "cc-by-4.0", None),
        ("not stated", "other", "not stated"),
        ("our museum's: ask", "other", "our museum's: ask"),
    ],
)
def test_a_card_begins_as_model_hubs_read_it(licence: str, key: str, name: str | None) -> None:
    _, head, body = replace(CARD, licence=licence).to_markdown("f" * 64, 1).split("---\n", 2)
    values = yaml.safe_load(head)
    assert (values["license"], values.get("license_name")) == (key, name)
    assert values["tags"] == ["colorization", "chroma_unet", "data-rights-not_cleared"]
    (result,) = values["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "psnr", "value": 22.512345}]
    assert body.lstrip().startswith("# café 2")


def test_no_licence_is_one_that_nobody_chose() -> None:
    assert ModelCard(name="x", version="1", family="y").licence == NOT_STATED
    assert TrainRunConfig().licence == NOT_STATED


@pytest.mark.parametrize("rights", RIGHTS)
def test_rights_are_one_of_three_words(rights: str) -> None:
    text = json.dumps({"name": "x", "version": "1", "family": "y", "data_rights": rights})
    assert card_from_json(text, "here").data_rights == rights


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "3", "null", '"x"', '{"name": "x"}', '{"name": "x", "colour": 1}',
        '{"data_rights": "perhaps"}', '{"data_rights": []}', '{"name": "x", "data_rights": {}}',
        '{"name": "x", "version": "1", "family": "y", "limits": 3}',
    ],
)  # fmt: skip
def test_what_is_no_card_is_refused_in_one_line_that_says_where(text: str) -> None:
    with pytest.raises(ModelReferenceError, match="here: ") as caught:
        card_from_json(text, "here")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("both", "joint"),
    [(("cleared", "cleared"), "cleared"), (("cleared", "unknown"), "unknown"),
     (("unknown", "not_cleared"), "not_cleared"), (("not_cleared", "cleared"), "not_cleared"),
     (("cleared",), "cleared")],
)  # fmt: skip
def test_rights_are_as_good_as_the_worst(both: tuple[str, ...], joint: str) -> None:
    assert joint_rights(*both) == joint
