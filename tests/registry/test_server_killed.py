"""The MLflow server is killed while a job runs that took its model from it. Slow."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from processes import command, soft_pictures, wait_for_pictures

from archive_colorizer.cli.main import main
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

PICTURES = 60


@pytest.mark.slow
def test_the_job_goes_on_and_says_that_the_registry_was_not_told(
    server: tuple[str, subprocess.Popen], tmp_path: Path, tiny_model: str,
    monkeypatch: pytest.MonkeyPatch, rows: Any,
) -> None:  # fmt: skip
    uri, process = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["models", "register", tiny_model, "town"]) == 0
    scans, output = soft_pictures(tmp_path / "scans", PICTURES, 900, 700), tmp_path / "out"
    words = command(scans, output, "models:/town/1")
    job = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for_pictures(3, output, job)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        said, errors = job.communicate(timeout=300)
    finally:
        job.kill()
        job.wait()
    assert job.returncode == 0, said + errors
    assert f"{PICTURES} coloured" in said
    assert "the registry was not told of this job" in said
    found = rows(output)
    assert len(found) == PICTURES
    assert {row["steps"][0]["model_ref"] for row in found} == {"models:/town/1"}
    assert verify(open_store(str(output))).findings == ()
