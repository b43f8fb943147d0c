"""The engine that a run takes where nobody named one."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from processes import command

from archive_colorizer.pipeline.config import JobConfig, RunConfig
from archive_colorizer.pipeline.engines import choice
from archive_colorizer.pipeline.engines.choice import LOCAL_BYTES, LOCAL_PICTURES, choose_engine
from archive_colorizer.pipeline.run import colorize

ENDED = {"job_id": "x", "finished_at": "2026-01-01T00:00:00+00:00"}
Make = Callable[..., JobConfig]


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in choice.CLUSTER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def pages(count: int, size: int = 1000) -> pa.Table:
    return pa.table({"size_bytes": pa.array([size] * count, pa.int64())})


@pytest.mark.parametrize(
    ("settings", "todo", "earlier", "engine"),
    [
        ({}, pages(1), {}, "local"),
        ({}, pages(LOCAL_PICTURES), ENDED, "local"),
        ({}, pages(LOCAL_PICTURES + 1), {}, "ray"),
        ({}, pages(2, LOCAL_BYTES // 2 + 1), {}, "ray"),
        ({}, pages(1), {"job_id": "died"}, "ray"),
        ({"address": "auto"}, pages(1), {}, "ray"),
        ({"workers": 2}, pages(1), {}, "ray"),
        ({"gpu_resource": "pretend"}, pages(1), {}, "ray"),
        ({"engine": "ray"}, pages(1), {}, "ray"),
        ({"engine": "local", "workers": 2}, pages(LOCAL_PICTURES + 1), {"job_id": "x"}, "local"),
    ],
)
def test_the_choice(
    settings: dict[str, Any], todo: pa.Table, earlier: dict[str, str], engine: str
) -> None:
    assert choose_engine(replace(RunConfig(), **settings), todo, earlier) == engine


@pytest.mark.parametrize("name", choice.CLUSTER_VARIABLES)
def test_a_job_of_ray_stays_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "127.0.0.1:6379")
    assert choose_engine(RunConfig(), pages(1), {}) == "ray"


def test_a_small_job_is_done_without_ray_and_says_so(
    job: Make, rows: Callable[[str], list[dict[str, Any]]], tmp_path: Path
) -> None:
    report = colorize(job(run={"engine": "auto"}))
    assert report.ok == 5
    record = json.loads((tmp_path / "out" / "job.json").read_text())
    assert record["config"]["run"]["engine"] == "local"
    assert record["versions"]["ray"] == ""
    assert {row["ray_version"] for row in rows(str(tmp_path / "out"))} == {""}


@pytest.mark.slow
def test_a_run_that_died_is_ended_on_ray_and_the_next_one_is_local_again(
    masters: Path, tiny_model: str, rows: Callable[[str], list[dict[str, Any]]], tmp_path: Path
) -> None:
    """One OUTPUT goes from engine to engine; nothing is done twice."""
    output = tmp_path / "out"

    def run(limit: int) -> tuple[str, dict[str, Any]]:
        words = command(masters, output, tiny_model, "--engine", "auto", "--limit", str(limit))
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        record = json.loads((output / "job.json").read_text())
        return done.stdout, record

    said, record = run(2)
    assert "2 coloured" in said
    assert record["config"]["run"]["engine"] == "local"
    del record["finished_at"]  # as it is while a run is alive
    (output / "job.json").write_text(json.dumps(record))
    said, record = run(2)
    assert "2 coloured" in said
    assert record["config"]["run"]["engine"] == "ray"
    said, record = run(0)
    assert "1 coloured" in said
    assert record["config"]["run"]["engine"] == "local"
    versions = [bool(row["ray_version"]) for row in rows(str(output))]
    assert sorted(versions) == [False, False, False, True, True]
