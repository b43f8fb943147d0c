"""docs/contributing/model-family.md, followed to the letter in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from landscapes import landscape
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/contributing/model-family.md"
BLOCK = re.compile(r'```python title="(?:(\w+) in )?([\w/.]+)"\n(.*?)```', re.DOTALL)
CATALOG = "archive_colorizer/models/catalog.py"
RECIPES = "archive_colorizer/training/table.py"


def blocks() -> list[tuple[str, str, str]]:
    """Table (empty for a whole file), file and text of each Python block of the page."""
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def insert(path: Path, after: str, text: str) -> None:
    source = path.read_text(encoding="utf-8")
    head, found, tail = source.partition(after)
    assert found, f"{path.name} has no {after!r}"
    path.write_text(f"{head}{found}{text}{tail}", encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the page's two files and two rows, and nothing else."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "archive_colorizer", folder / "archive_colorizer", ignore=ignored)
    for table, file, text in blocks():
        if not table:
            (folder / file).write_text(text, encoding="utf-8")
        else:
            row = f"{table}: Final["
            line = next(x for x in (folder / file).read_text().splitlines() if x.startswith(row))
            insert(folder / file, f"{line}\n", text)
    insert(folder / RECIPES, "from archive_colorizer.training.recipes import (\n", "    tint,\n")
    return folder


def run(folder: Path, *words: str) -> str:
    """The command of the copy."""
    env = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_family_is_two_files_and_two_rows() -> None:
    tables = [(table, file) for table, file, _ in blocks() if table]
    files = [file for table, file, _ in blocks() if not table]
    assert tables == [("FAMILIES", CATALOG), ("RECIPES", RECIPES)]
    assert files == [
        "archive_colorizer/models/tint.py", "archive_colorizer/training/recipes/tint.py"
    ]  # fmt: skip


def test_the_examples_files_have_the_style_of_the_others(copy: Path) -> None:
    paths = [str(copy / file) for table, file, _ in blocks() if not table]
    config = str(ROOT / "pyproject.toml")
    run(copy, "ruff", "check", "--config", config, *paths)
    run(copy, "ruff", "format", "--check", "--config", config, *paths)


@pytest.mark.slow
def test_the_example_learns_and_colours_a_picture(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "scans").mkdir()
    for seed in range(12):
        Image.fromarray(landscape(seed)).save(tmp_path / "photos" / f"{seed}.png")
    Image.fromarray(landscape(99)).convert("L").save(tmp_path / "scans" / "one.png")
    said = run(
        copy, "archive_colorizer", "train", "tint", str(tmp_path / "photos"), "--engine", "local",
        "--output", str(tmp_path / "run"), "--steps", "2", "--no-mlflow", "--device", "cpu",
        "--set", "feed.crop_px=32", "--set", "model.width=4",
    )  # fmt: skip
    assert "2 steps; held-out tint/l1" in said
    run(
        copy, "archive_colorizer", "colorize", str(tmp_path / "scans"), str(tmp_path / "colour"),
        "--model", str(tmp_path / "run" / "model"), "--engine", "local",
    )  # fmt: skip
    (row,) = ds.dataset(tmp_path / "colour" / "manifest").to_table().to_pylist()
    assert row["status"] == "ok"
    assert row["derivative_uri"]
