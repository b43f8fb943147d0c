from dataclasses import replace
from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import ColorConfig, JobConfig, OutputConfig, overlay
from archive_colorizer.pipeline.recipe import recipe_digest
from archive_colorizer.settings.overlay import read_file

BASE = JobConfig(source="in", output="out")


def test_values_are_laid_over_by_section() -> None:
    config = overlay(BASE, {"output": {"quality": 80}, "run": {"batch_size": 4}}, "here")
    assert (config.deliver.quality, config.run.batch_size) == (80, 4)
    assert config.deliver.format == BASE.deliver.format


def test_a_list_becomes_a_tuple() -> None:
    assert overlay(BASE, {"select": {"include": ["a*"]}}, "here").select.include == ("a*",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"outptu": {}}, "here: unknown section 'outptu': did you mean 'output'?"),
        ({"sauce": {}}, r"here: unknown section 'sauce' \(known: select, color"),
        (
            {"output": {"qualty": 3}},
            r"here: \[output\]: unknown key 'qualty': did you mean 'quality'",
        ),
        ({"output": {"sauce": 3}}, r"here: \[output\]: unknown key 'sauce' \(known: format"),
        ({"output": {"quality": "high"}}, r"here: output\.quality='high': must be a whole number"),
        ({"output": {"quality": True}}, "must be a whole number"),
        ({"output": {"quality": 90.0}}, "must be a whole number"),
        ({"color": {"upscale": True}}, "must be one of 1, 2, 4"),
        ({"color": {"vividness": float("nan")}}, "must be a number"),
        ({"select": {"redo": 1}}, "must be one of off, all, rejected"),
        ({"select": {"redo": "some"}}, "must be one of off, all, rejected"),
        ({"output": {"quality": 101}}, "must be 1 to 100"),
        ({"output": {"format": "gif"}}, "one of jpeg, png, tiff"),
        ({"output": {"suffix": "a/b"}}, "without slashes"),
        ({"output": {"suffix": ""}}, "non-empty"),
        ({"output": {"bits": 16}}, "JPEG has 8 bits"),
        ({"color": {"vividness": 1.5}}, "must be 0 to 1"),
        ({"color": {"proxy_px": 8}}, "must be 32 to 2048"),
        ({"select": {"limit": -1}}, "not be negative"),
        ({"select": {"include": "a*"}}, "include='a\\*': must be a list of texts"),
        ({"run": {"batch_size": 0}}, "must be 1 to 1024"),
        ({"run": {"max_megapixels": 0}}, "must be positive"),
        ({"run": 3}, "unknown section 'run'"),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_clear_line(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        overlay(BASE, values, "here")
    assert "\n" not in str(caught.value)


def test_vividness_may_be_left_to_the_model_and_whole_numbers_are_numbers() -> None:
    assert overlay(BASE, {"color": {"vividness": 1}}, "x").color.vividness == 1


def test_a_file_is_read_by_section(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('[output]\nformat = "png"\nbits = 16\n', encoding="utf-8")
    config = overlay(BASE, read_file(str(path)), str(path))
    assert config.deliver == OutputConfig(format="png", bits=16)


@pytest.mark.parametrize("content", [b"[output", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"job\.toml"):
        read_file(str(path))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        read_file("nowhere.toml")


def test_the_recipe_follows_what_decides_a_picture() -> None:
    digest = recipe_digest(BASE, "w1")
    assert digest != recipe_digest(BASE, "w2")
    assert digest != recipe_digest(replace(BASE, color=ColorConfig(vividness=0.5)), "w1")
    assert digest != recipe_digest(replace(BASE, deliver=OutputConfig(quality=80)), "w1")


def test_the_recipe_ignores_how_and_what_is_run() -> None:
    other = JobConfig(source="elsewhere", output="there", color=ColorConfig(model="a/path"))
    assert recipe_digest(BASE, "w1") == recipe_digest(other, "w1")
