""".github/workflows/ci.yml: valid by actionlint and the schema, and nothing but targets of make."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def linted(path: Path) -> subprocess.CompletedProcess[str]:
    linter = shutil.which("actionlint", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    assert linter, "actionlint is not installed; `make setup` does it"
    words = [linter, "-no-color", "-shellcheck=", "-pyflakes=", str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=path.parent)


def matrix() -> dict[str, list[str]]:
    found: Any = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return dict(found["jobs"]["targets"]["strategy"]["matrix"])


def test_actionlint_has_nothing_to_say_of_it() -> None:
    done = linted(WORKFLOW)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [("matrix.target", "matrix.goal"), ("runs-on:", "runs-at:"), ("ubuntu-24.04", "ubuntu-1.0")],
)
def test_actionlint_would_have_something_to_say(old: str, new: str, tmp_path: Path) -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "ci.yml").write_text(text.replace(old, new))
    assert linted(tmp_path / "ci.yml").returncode == 1


def test_it_is_valid_by_the_schema() -> None:
    words = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
    words += [str(WORKFLOW)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_only_command_is_make_and_make_has_its_targets() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands == ["make ${{ matrix.target }}"]
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"check", "test", "test-slow"} <= set(matrix()["target"]) <= set(targets)


def test_it_runs_on_every_python_that_the_package_takes() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11,<3.13"' in text
    assert matrix()["python"] == ["3.11", "3.12"]
