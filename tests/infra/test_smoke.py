"""infra/smoke.py, which `make smoke` runs: what fails first is said in one line."""

import subprocess
import sys
from pathlib import Path

SMOKE = Path(__file__).parents[2] / "infra" / "smoke.py"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, *words)
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_an_environment_of_developers_is_refused() -> None:
    done = run(str(SMOKE))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("smoke: this environment has pytest, mypy, ")


def test_a_command_that_fails_is_named_with_its_last_word(tmp_path: Path) -> None:
    code = (
        f"import runpy, pathlib; walk = runpy.run_path({str(SMOKE)!r});"
        f"walk['run'](pathlib.Path({str(tmp_path)!r}), 'status', 'nowhere')"
    )
    done = run("-c", code)
    assert done.returncode == 1
    assert "SmokeError: `archive-colorizer status nowhere` ended with 2: " in done.stderr
    assert "nowhere" in done.stderr.splitlines()[-1].partition("ended with 2: ")[2]
