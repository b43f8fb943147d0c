""".pre-commit-config.yaml: what it lets in and what it refuses, each hook by a file of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GOOD = {
    "one.py": b'"""A module."""\n',
    "docs/page.md": b"# A page\n",
    "mlflow/promotion.yaml": b"gates: []\n",
    "archive_colorizer/weights/builtin/default/model.safetensors": bytes(600 * 1024),
}
BAD = {
    "ruff-check": ("one.py", b'"""A module."""\n\nimport os\n'),
    "ruff-format": ("one.py", b'"""A module."""\n\none = {  "a":1}\n'),
    "end-of-file": ("docs/page.md", b"# A page"),
    "merge-conflict": ("docs/page.md", b"<<<<<<< HEAD\n# A page\n=======\n>>>>>>> other\n"),
    "large-file": ("docs/picture.png", bytes(600 * 1024)),
    "mlflow-folder": ("mlflow/__init__.py", b'"""A module."""\n'),
}


def run(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """All hooks over all files that git knows there."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"PRE_COMMIT_HOME": str(cache), "PATH": f"{BIN}{os.pathsep}{env['PATH']}"}
    words = [str(BIN / "pre-commit"), "run", "--all-files"]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)


def repository(folder: Path, files: dict[str, bytes]) -> Path:
    """A git repository with our hooks and these files, all staged."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for words in (["git", "init", "-q"], ["git", "add", "--all"]):
        subprocess.run(words, cwd=folder, env=env, check=True)
    return folder


def test_good_files_pass_and_weights_may_be_large(tmp_path: Path) -> None:
    done = run(repository(tmp_path / "repo", GOOD), tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", BAD)
def test_each_hook_refuses_what_it_is_for_and_nothing_else_does(hook: str, tmp_path: Path) -> None:
    name, data = BAD[hook]
    done = run(repository(tmp_path / "repo", GOOD | {name: data}), tmp_path / "cache")
    failed = [line.split()[-1] for line in done.stdout.splitlines() if "- hook id: " in line]
    assert done.returncode == 1, done.stdout + done.stderr
    assert failed == [hook], done.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout of git")
def test_everything_that_is_committed_passes(tmp_path: Path) -> None:
    done = run(ROOT, tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
