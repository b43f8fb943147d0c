"""benchmarks/soak_damaged.py: mixed, mutated and damaged files, one row each. 20,000 are long."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("files", "seed"),
    [
        pytest.param(300, 7, marks=pytest.mark.slow),
        pytest.param(20_000, 0, marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
def test_every_damaged_file_has_one_row(files: int, seed: int) -> None:
    words = [sys.executable, "benchmarks/soak_damaged.py", str(files), str(seed)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    figures = json.loads(line)
    assert figures["rows"] == files
    assert figures["became"]["sound"].keys() == {"ok"}
    assert figures["ended_a_worker"] == 0
