"""Files are published beside the making of the next, and every row's file is durable before it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.imaging import encode
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.manifest import write_part
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps import record

Rows = Callable[[str | Path], list[dict[str, Any]]]
Job = Callable[..., JobConfig]


def is_derivative(handle: int) -> bool:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        return file.read(2) == b"\xff\xd8"


def test_the_next_picture_is_encoded_while_one_waits_for_the_disk(
    job: Job, masters: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file of a batch becomes durable before its last picture is encoded, or it waits."""
    encoded, synced, everything = [], [], threading.Event()
    count = len([path for path in masters.rglob("*") if path.is_file()])
    write_jpeg, fsync = encode.WRITERS["jpeg"], os.fsync
    in_time = []

    def count_encoded(*args: Any) -> None:
        write_jpeg(*args)
        encoded.append(1)
        if len(encoded) == min(count, 4):
            everything.set()

    def slow_sync(handle: int) -> None:
        derivative = is_derivative(handle)
        if derivative:
            in_time.append(everything.wait(30))
        fsync(handle)
        if derivative:
            synced.append(1)

    def check_part(store: Any, table: Any) -> None:
        assert len(synced) == len(encoded)
        assert all(store.exists(row["derivative_key"]) for row in table.to_pylist())
        write_part(store, table)

    monkeypatch.setattr(encode, "WRITERS", {**encode.WRITERS, "jpeg": count_encoded})
    monkeypatch.setattr(os, "fsync", slow_sync)
    monkeypatch.setattr(record, "write_part", check_part)
    config = job(run={"report": "off"})
    assert colorize(config).ok == count
    assert in_time
    assert all(in_time)
    assert all(row["derivative_version"] for row in rows(config.output))


def test_a_file_that_cannot_be_synced_is_its_own_pictures_error(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, failed = os.fsync, []

    def full_once(handle: int) -> None:
        if is_derivative(handle) and not failed:
            failed.append(1)
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full_once)
    config = job(run={"report": "off"})
    report = colorize(config)
    assert (report.failed, report.errors) == (1, {"write_error": 1})
    (row,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert "No space left on device" in row["error_message"]
    found = {path.name for path in Path(config.output).rglob("*.colorized.jpg")}
    assert len(found) == report.ok
