"""Extras: each library that a part needs is told with its pip command, and by one function."""

import importlib.util
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.extras import LIBRARIES, install_command, require
from archive_colorizer.pipeline.output.signatures import check_signatures
from archive_colorizer.storage import DEFAULT_S3

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def bare(requirement: str) -> str:
    return re.split(r"[\[<>=;]", requirement)[0].lower().replace("_", "-")


def test_every_library_is_in_its_extra_and_none_in_the_base() -> None:
    base = {bare(one) for one in PROJECT["dependencies"]}
    packages = packages_distributions()
    for extra, modules in LIBRARIES.items():
        declared = {bare(one) for one in EXTRAS[extra]}
        for module in modules:
            found = {name.lower().replace("_", "-") for name in packages.get(module, [])}
            if module == "scipy":  # scikit-image's
                assert "scikit-image" in declared
            elif found:
                assert found & declared, module
            assert not found & base, module


def test_all_are_in_all_but_the_one_that_needs_a_torchvision() -> None:
    (one,) = EXTRAS["all"]
    named = set(re.split(r"[\[\],]", one)) - {"archive-colorizer", ""}
    assert named == EXTRAS.keys() - {"all", "dev", "ddcolor"}
    assert "archive-colorizer[all]" in EXTRAS["dev"]


@pytest.fixture
def bare_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the extras can be found."""
    for modules in LIBRARIES.values():
        for module in modules:
            for name in [one for one in sys.modules if one.partition(".")[0] == module]:
                monkeypatch.delitem(sys.modules, name)
    hidden = {module for modules in LIBRARIES.values() for module in modules}
    find_spec = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name in hidden else find_spec(name, package)

    monkeypatch.setattr("archive_colorizer.extras.find_spec", without)


@pytest.mark.usefixtures("bare_installation")
@pytest.mark.parametrize("extra", LIBRARIES)
def test_what_is_missing_is_told_with_the_command(extra: str) -> None:
    with pytest.raises(LocationError) as caught:
        require(extra, "this", LocationError)
    assert str(caught.value) == (
        f"this needs {', '.join(LIBRARIES[extra])}: pip install 'archive-colorizer[{extra}]'"
    )
    with pytest.raises(ConfigError):
        require(extra, "this")


def test_a_folder_of_its_name_is_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "namesake").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(LIBRARIES, "train", ("namesake",))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="namesake"):
        require("train", "this")


def test_what_is_there_is_not_told() -> None:
    require("s3", "this")
    assert install_command("s3") == "pip install 'archive-colorizer[s3]'"


@pytest.mark.usefixtures("bare_installation")
@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("colorize s3://masters/ out", "s3"),
        ("colorize {masters} s3://colour/", "s3"),
        ("status s3://colour/", "s3"),
        ("colorize {masters} out --c2pa chain.pem --c2pa-key key.pem", "c2pa"),
        ("c2pa test-certificate keys", "c2pa"),
        ("colorize {masters} out --model models:/palaces@champion", "train"),
        ("models list", "train"),
        ("evaluate {masters} --model builtin:default", "metrics"),
        ("train chroma_unet {masters} --output run", "train"),
    ],
)
def test_the_command_says_it_in_one_line(
    words: str, extra: str, masters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(words.format(masters=masters).split()) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("archive-colorizer: ")
    assert line.endswith(install_command(extra))


@pytest.mark.usefixtures("bare_installation")
def test_signatures_that_cannot_be_read_are_told_and_nothing_else_is_lost(
    masters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(masters / "one.jpg")]) == 0
    assert install_command("c2pa") in capsys.readouterr().out
    signed = [(str(masters / "one.jpg"), "image/jpeg")]
    (note,) = check_signatures(signed, DEFAULT_S3).notes
    assert note == f"1 signatures were not read: {install_command('c2pa')}"


@pytest.mark.usefixtures("bare_installation")
def test_a_local_folder_needs_none(masters: Path, tmp_path: Path, tiny_model: str) -> None:
    words = ["colorize", str(masters), str(tmp_path / "out"), "--model", tiny_model]
    assert main([*words, "--proxy-px", "64"]) == 0
    heavy = {"mlflow", "matplotlib", "boto3", "h5py", "torchmetrics"}
    assert main(["status", str(tmp_path / "out")]) == 0
    assert main(["verify", str(tmp_path / "out")]) == 0
    assert not {name.partition(".")[0] for name in sys.modules} & heavy
