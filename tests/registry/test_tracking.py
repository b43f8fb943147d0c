"""Runs in MLflow: a real SQLite store, and a real server."""

import logging
import os
import signal
import subprocess
from pathlib import Path

import pytest
from processes import free_port

from archive_colorizer.errors import LocationError
from archive_colorizer.registry.connection import default_uri
from archive_colorizer.registry.tracking import MlflowTracker


def told(uri: str, folder: Path) -> MlflowTracker:
    """A run with everything in it."""
    tracker = MlflowTracker(uri, "tests", "mine", {"lr": 0.1, "long": "x" * 9000}, {"a": "b"})
    tracker.steps([(step, {"loss": 1 / step, "other": 2.0}) for step in range(1, 1201)])
    tracker.metrics(1200, {"val/psnr": 21.5})
    (folder / "curve.png").write_bytes(b"png")
    tracker.file(folder / "curve.png", "samples")
    tracker.finish()
    return tracker


def check(uri: str, tracker: MlflowTracker) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["lr"] == "0.1"
    assert run.data.metrics["val/psnr"] == 21.5
    assert len(client.get_metric_history(tracker.run_id, "loss")) == 1200
    assert [a.path for a in client.list_artifacts(tracker.run_id, "samples")] == [
        "samples/curve.png"
    ]


def test_an_sqlite_store(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}"
    check(uri, told(uri, tmp_path))
    assert (tmp_path / "deep" / "artifacts" / "tests").is_dir()


def test_a_run_goes_on(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    first = told(uri, tmp_path)
    again = MlflowTracker(uri, "tests", "mine", {}, {}, run_id=first.run_id)
    again.metrics(1300, {"val/psnr": 22.0})
    again.finish(failed=True)
    from mlflow import MlflowClient

    run = MlflowClient(tracking_uri=uri).get_run(first.run_id)
    assert (run.info.status, run.data.metrics["val/psnr"]) == ("FAILED", 22.0)


def test_the_default_store_is_at_one_absolute_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_uri() == f"sqlite:///{tmp_path}/archive-colorizer/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert default_uri() == "http://there:5000"


def test_a_server_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LocationError, match=f"MLflow at {uri}") as caught:
        MlflowTracker(uri, "tests", "mine", {}, {})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_server_keeps_runs_and_its_end_does_not_end_training(
    server: tuple[str, subprocess.Popen],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri, process = server
    check(uri, told(uri, tmp_path))
    tracker = MlflowTracker(uri, "tests", "mine", {}, {})
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with caplog.at_level(logging.WARNING):
        tracker.metrics(1, {"x": 1.0})
        tracker.metrics(2, {"x": 1.0})
        tracker.finish()
    assert len([r for r in caplog.records if "does not answer" in r.message]) == 1
