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
    command = tmp_path / "archive-colorizer"
    command.write_text("#!/bin/sh\necho much >&2\necho no such folder >&2\nexit 2\n")
    command.chmod(0o755)
    code = (
        f"import runpy, pathlib; run = runpy.run_path({str(SMOKE)!r})['run'];"
        f"place = pathlib.Path({str(tmp_path)!r});"
        "run.__globals__['COMMAND'] = place / 'archive-colorizer'; run(place, 'status', 'nowhere')"
    )
    done = run("-c", code)
    assert done.returncode == 1
    said = "SmokeError: `archive-colorizer status nowhere` ended with 2: no such folder"
    assert done.stderr.splitlines()[-1].endswith(said)
