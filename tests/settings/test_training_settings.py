"""The settings of a training run, layer over layer."""

import json
import tomllib
from typing import Any

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.training.config import TrainConfig, compose

DATA = ("command line", {"data": {"data": "x"}})


def build(**sections: dict[str, Any]) -> TrainConfig:
    return compose("pix2pix", "run", [DATA, ("run.toml", sections)])


def test_the_layout_may_still_be_called_form() -> None:
    now, before = build(data={"layout": "lab"}), build(data={"form": "lab"})
    assert now == before
    assert 'layout = "lab"' in now.to_toml()


def test_the_record_of_a_run_keeps_its_keys_so_that_earlier_runs_go_on() -> None:
    record = json.loads(json.dumps(build().parameters()))
    assert record["data.form"] == "auto"
    assert "data.layout" not in record
    assert record["loop.epochs"] == 20


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"loop": {"epochs": "five"}}, "run.toml: loop.epochs='five': must be a number"),
        ({"loop": {"epochs": 0}}, "run.toml: loop.epochs=0: must be over 0"),
        ({"feed": {"crop_px": 16}}, "run.toml: feed.crop_px=16: must be 32 to 2048"),
        ({"feed": {"crop": 64}}, "run.toml: [feed]: unknown key 'crop': did you mean 'crop_px'?"),
        ({"fed": {}}, "run.toml: unknown section 'fed': did you mean 'feed'?"),
        ({"model": {"widht": 4}}, "run.toml: [model]: unknown key 'widht': did you mean 'width'?"),
        ({"model": {"width": "4"}}, "run.toml: model.width='4': must be a whole number"),
        ({"data": {"train_share": 0}}, "run.toml: data.train_share=0: must be over 0, at most 1"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_and_key(
    sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**sections)
    assert str(caught.value) == message


def test_the_family_may_stand_in_the_file() -> None:
    layers = [("run.toml", {"family": "pix2pix", "model": {"kernel": 5}}), DATA]
    from_file, named = compose("", "run", layers), compose("pix2pix", "run", layers)
    assert from_file == named
    assert tomllib.loads(named.to_toml())["family"] == "pix2pix"


@pytest.mark.parametrize(
    ("named", "said", "message"),
    [
        ("cyclegan", {"family": "pix2pix"},
         "run.toml: family='pix2pix': it is 'cyclegan' on the command line"),
        ("", {"family": 4}, "run.toml: family=4: must be text"),
        ("", {}, "no model family is named: train FAMILY DATA, or "
                 'family = "..." in the --config file'),
    ],
)  # fmt: skip
def test_a_run_is_of_one_family(named: str, said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(named, "run", [("run.toml", said), DATA])
    assert str(caught.value) == message


def test_a_recipe_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(ConfigError, match="unknown recipe 'pix2pics': did you mean 'pix2pix'"):
        compose("pix2pics", "run", [DATA])
