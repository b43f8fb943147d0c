"""benchmarks/preemption_storm.py: a node lost every minute for ten minutes costs nothing. Long."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("seconds", "every_s"), [(90, 30), (600, 60)])
def test_a_storm_of_lost_nodes_loses_nothing(seconds: int, every_s: int) -> None:
    words = [sys.executable, "benchmarks/preemption_storm.py"]
    words += ["--seconds", str(seconds), "--every-s", str(every_s)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    figures = json.loads(line)
    assert figures["nodes_lost"] == seconds // every_s
    assert figures["statuses"] == {"ok": figures["rows"]}
    assert figures["workers_left"] == []
