"""Options derived from declared settings."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from archive_colorizer.cli.job import build_job_config
from archive_colorizer.cli.main import build_parser, main
from archive_colorizer.cli.options import LazyParser, group_given
from archive_colorizer.errors import ConfigError

COMMANDS = ("colorize", "status", "verify", "evaluate", "compare", "train", "data", "models")


def parse(*words: str) -> dict[str, Any]:
    return group_given(build_parser().parse_args(words))


def actions(parser: LazyParser) -> Iterator[argparse.Action]:
    """Every option of a command and of the commands under it."""
    parser.complete()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)
        else:
            yield action


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return " ".join(capsys.readouterr().out.split())


def test_what_is_not_given_leaves_the_setting_alone() -> None:
    assert parse("colorize", "a", "b") == {}
    assert parse("train", "pix2pix", "a", "--output", "b") == {}


def test_options_have_the_types_of_their_settings() -> None:
    found = parse(
        "colorize", "a", "b", "--include", "x", "--include", "y", "--upscale", "2",
        "--sharpen", "1", "--class", "moon", "--back", "--bits", "16", "--limit", "3",
    )  # fmt: skip
    assert found == {
        "select": {"include": ["x", "y"], "limit": 3},
        "color": {"upscale": 2, "sharpen": 1.0, "label": "moon", "back": True},
        "output": {"bits": 16},
    }
    found = parse(
        "train", "pix2pix", "a", "--output", "b", "--domains", "day, night", "--no-mlflow",
        "--engine", "inline", "--minutes", "2", "--resume",
    )  # fmt: skip
    assert found == {
        "data": {"domains": ["day", "night"]},
        "loop": {"minutes": 2.0},
        "run": {"mlflow": False, "engine": "local", "resume": True},
    }


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (("pix2pix", "photos"), "pix2pix"),
        (("photos",), ""),
        (("--config", "run.toml", "photos"), ""),
        (("pix2pix", "--steps", "5", "photos"), "pix2pix"),
    ],
)
def test_the_family_of_train_may_be_left_out(words: tuple[str, ...], recipe: str) -> None:
    args = build_parser().parse_args(["train", *words, "--output", "b"])
    assert (args.recipe, args.data) == (recipe, "photos")


def test_form_is_a_hidden_name_of_layout(capsys: pytest.CaptureFixture[str]) -> None:
    train = ("train", "pix2pix", "a", "--output", "b")
    assert parse(*train, "--form", "lab") == parse(*train, "--layout", "lab")
    args = build_parser().parse_args(["data", "inspect", "a", "--form", "lab"])
    assert args.form == "lab"
    assert "--form" not in help_of("train", capsys)


def test_help_says_range_unit_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    said = help_of("colorize", capsys)
    assert "--proxy-px PX short side of the grey proxy that the model sees (32 to 2048 px; " in said
    assert "--quality 1..100 JPEG and WebP quality (default 90)" in said
    assert "default 400 MP" in said
    said = help_of("train", capsys)
    assert "--lr X learning rate at its highest (over 0, at most 10; default: the recipe's)" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command: str) -> None:
    (commands,) = (
        action for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )  # fmt: skip
    silent = {"name"}
    found = list(actions(commands.choices[command]))
    assert len(found) > 2
    assert not [action.dest for action in found if not action.help and action.dest not in silent]


def test_a_value_out_of_range_is_said_with_its_setting() -> None:
    args = build_parser().parse_args(["colorize", "a", "b", "--proxy-px", "8"])
    with pytest.raises(ConfigError, match=r"^command line: color\.proxy_px=8: must be 32 to 2048$"):
        build_job_config(args)


def test_the_list_of_commands_loads_no_settings() -> None:
    code = (
        "import sys; from archive_colorizer.cli.main import build_parser\n"
        "build_parser().format_help()\n"
        "print([m for m in ('pydantic', 'numpy', 'torch', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_neither_torch_nor_ray(command: str) -> None:
    code = (
        "import sys; from archive_colorizer.cli.main import main\n"
        "try: main([sys.argv[1], '--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'ray', 'mlflow', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
