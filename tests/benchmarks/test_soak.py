"""benchmarks/soak.py: 20,000 pictures in one run; nothing is lost, memory stays. Long."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = 20_000
GROWTH = 1.25
"""Of the peak of all processes in the last tenth of the run, over that in its second."""


def soaked() -> dict[str, Any]:
    """Run it; gives the record that it leaves."""
    words = [sys.executable, "benchmarks/soak.py", str(PICTURES)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = (ROOT / "benchmarks" / "results" / "soak.json").read_text(encoding="utf-8")
    return dict(json.loads(record))


@pytest.mark.long
def test_a_long_run_loses_nothing_and_its_memory_stays() -> None:
    figures = soaked()
    assert figures["rows"] == figures["pages"] == PICTURES
    assert figures["findings"] == 0
    peaks = figures["all_peak_mib_by_tenth"]
    assert peaks[-1] < GROWTH * peaks[1], peaks
