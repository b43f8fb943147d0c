"""The rules of the house that import-linter (.importlinter) cannot say."""

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "archive_colorizer"
SHARED = {
    "models": {"biggan", "blocks", "catalog", "chroma_classifier", "colour", "eccv16",
               "efficientnet_lite", "hint_reach", "padding", "spec", "table"},
    "training/recipes": {"chroma_targets"},
    "pipeline/steps": {"composition", "picture_errors", "publishing", "step"},
}  # fmt: skip
"""Files beside the families, recipes and steps that these may import."""


@pytest.mark.parametrize("folder", SHARED)
def test_every_family_recipe_and_step_is_under_its_contract_of_independence(folder: str) -> None:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = f"archive_colorizer.{folder.replace('/', '.')}."
    independent = {
        name.removeprefix(prefix)
        for section in rules.sections()
        if rules[section].get("type") == "independence"
        for name in rules[section]["modules"].split()
        if name.startswith(prefix)
    }
    files = {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"}
    assert independent == files - SHARED[folder]


def test_the_mlflow_folder_holds_no_python() -> None:
    assert not list((ROOT / "mlflow").rglob("*.py")), "it would shadow the mlflow package"


def test_importing_the_package_loads_neither_torch_nor_ray() -> None:
    code = (
        "import sys, archive_colorizer, archive_colorizer.cli.main;"
        "import archive_colorizer.pipeline.config, archive_colorizer.registry.resolve;"
        "print([m for m in ('torch', 'ray', 'mlflow', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_over_400_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for folder in ("archive_colorizer", "tests", "jobs", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_job_scripts_are_thin() -> None:
    for path in (ROOT / "jobs").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path


def test_what_nobody_foresaw_is_caught_at_one_place() -> None:
    """All other handlers of `Exception` raise again, on a way at least; ruff's BLE sees to that."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            names = {name.id for name in ast.walk(node.type or node) if isinstance(name, ast.Name)}
            catches_all = node.type is None or names & {"Exception", "BaseException"}
            if catches_all and not any(isinstance(part, ast.Raise) for part in ast.walk(node)):
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found == {"pipeline/program_errors.py"}
