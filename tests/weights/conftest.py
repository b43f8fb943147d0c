"""Keras itself, in a folder of its own: the tests run it as another program."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("keras", "optree", "namex", "absl-py", "ml_dtypes")


@pytest.fixture(scope="session")
def run_keras(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], None]:
    """Runs a program with Keras; it gets a folder as its argument."""
    site = tmp_path_factory.mktemp("keras")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), *PACKAGES], check=True)

    def run(program: str, folder: Path) -> None:
        subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            check=True, env=os.environ | {"PYTHONPATH": str(site), "KERAS_BACKEND": "torch"},
        )  # fmt: skip

    return run
