"""Steps that raise on a picture, by the command: on a real Ray and on the local engine."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import command, soft_pictures
from raising import STEPS

from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

pytestmark = pytest.mark.slow
Rows = Callable[[str | Path], list[dict[str, Any]]]
SUPPORT = Path(__file__).parents[1] / "support"
BROKEN_SETUP = """
def fail(self):
    raise RuntimeError("no such thing")

import archive_colorizer.pipeline.steps.prepare as prepare
prepare.Prepare.setup = fail
"""


def run(words: list[str], site: Path, code: str) -> subprocess.CompletedProcess[str]:
    """The command, in processes (Ray's workers, too) that begin with some code."""
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(code)
    places = [str(site), str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=500, check=False)


@pytest.mark.parametrize("engine", ["ray", "local"])
def test_what_each_step_raises_is_one_row_and_the_traceback_is_in_the_drivers_log(
    tmp_path: Path, tiny_model: str, rows: Rows, engine: str
) -> None:
    archive = soft_pictures(tmp_path / "archive", 20, 300, 200)
    for number, step in enumerate(STEPS):
        (archive / f"{number:03d}.jpg").rename(archive / f"raise-in-{step}.jpg")
    output = tmp_path / "out"
    words = command(archive, output, tiny_model, "--engine", engine)
    done = run(words, tmp_path / "site", "import raising\nraising.install()\n")
    assert done.returncode == 3, done.stdout + done.stderr
    found = rows(output)
    assert len(found) == 20
    failed = {row["source_uri"].rpartition("-in-")[2]: row for row in found if row["error_class"]}
    assert set(failed) == {f"{step}.jpg" for step in STEPS}
    assert {row["error_class"] for row in failed.values()} == {"program_error"}
    for row in failed.values():
        assert f"row {row['row_id']}: {row['source_uri']}: " in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") >= len(STEPS)
    findings = verify(open_store(str(output))).findings
    assert not [one for one in findings if "raise-in-record" not in str(one)]
    again = run([*words, "--retry-failed"], tmp_path / "site", "")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {row["status"] for row in rows(output)} == {"ok"}
    assert verify(open_store(str(output))).findings == ()


@pytest.mark.parametrize("engine", ["ray", "local"])
def test_a_step_that_cannot_be_set_up_ends_the_command_with_one_line(
    tmp_path: Path, tiny_model: str, engine: str
) -> None:
    archive = soft_pictures(tmp_path / "archive", 12, 300, 200)
    words = command(archive, tmp_path / "out", tiny_model, "--engine", engine)
    done = run(words, tmp_path / "site", BROKEN_SETUP)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.strip().splitlines()[-1] == (
        "archive-colorizer: step prepare cannot start: RuntimeError: no such thing; "
        "the traceback is in the log"
    )
    assert "line 3, in fail" in done.stderr
