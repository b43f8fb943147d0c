"""A pilot as a job: what is drawn, that it goes on, and that its report holds what all would be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_pages import Page
from PIL import Image

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output.layout import is_own_file
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.pilot.record import PILOT, read_pilot
from archive_colorizer.pipeline.run import colorize, preview
from archive_colorizer.storage import open_store
from archive_colorizer.storage.local import LocalStore

pytestmark = pytest.mark.slow  # together they take a quarter of a minute

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]
PICTURES = 60


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Sixty pictures in three folders: six of them broken, six in colour, some larger."""
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        path = tmp_path / "archive" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        height = 40 + 10 * (number % 7)
        wave = 90 + 60 * np.sin(np.arange(60) / 7 + number)[None]
        gray = np.clip(wave + rng.normal(0, 3, (height, 60)), 0, 255).astype(np.uint8)
        if number % 10 == 7:
            path.write_bytes(b"no picture")
        elif number % 10 == 3:
            Image.fromarray(np.stack([gray, 255 - gray, gray[::-1]], -1)).save(path)
        else:
            Image.fromarray(gray).save(path)
    return tmp_path / "archive"


@pytest.fixture
def pilot(job: Job, archive: Path) -> Job:
    """A job on `archive`."""

    def make(**select: Any) -> JobConfig:
        config = job(run={"report": "off"})
        made = JobConfig(**{name: getattr(config, name) for name in ("output", "color", "run")},
                         source=str(archive))  # fmt: skip
        return overlay(made, {"select": select}, "test")

    return make


def test_a_pilots_intervals_hold_what_the_whole_turns_out_to_be(pilot: Job, rows: Rows) -> None:
    settings = {"sample": 30, "sample_by": ["folder", "tone"], "sample_seed": 4}
    config = pilot(**settings)
    report = colorize(config)
    assert (report.worked, report.left) == (30, 30)
    told = report.pilot
    assert told is not None
    assert (told.pictures, told.drawn, told.done, told.probed) == (PICTURES, 30, 30, 60)
    text = report.text()
    assert "pilot: 30 of 60 pictures, drawn by folder, tone, seed 4" in text
    assert "expected of all of them (95 % intervals):" in text
    status = summarize(open_store(config.output, config.run.s3))
    assert status.pilot == told
    assert json.loads(json.dumps(status.to_dict()))["pilot"]["shares"]["failed"]["estimate"] == 6
    drawn = {row["source_uri"] for row in rows(config.output)}

    again = colorize(config)
    assert (again.worked, again.left, again.pilot) == (0, 30, told)
    assert {row["source_uri"] for row in rows(config.output)} == drawn

    rest = colorize(pilot(sample=0))
    assert (rest.worked, rest.left, rest.already) == (30, 0, 30)
    assert rest.pilot is None
    found = rows(config.output)
    assert len(found) == PICTURES
    truth = {
        "failed": sum(row["status"] == "failed" for row in found),
        "skipped": sum(row["status"] == "skipped" for row in found),
        "review": sum(row["status"] == "ok" and row["review_needed"] for row in found),
    }
    assert (truth["failed"], truth["skipped"]) == (6, 6)
    for name, count in truth.items():
        assert told.shares[name].low <= count <= told.shares[name].high
    size = sum(row["derivative_bytes"] or 0 for row in found)
    assert told.derivative_bytes is not None
    assert told.derivative_bytes.low <= size <= told.derivative_bytes.high
    assert told.derivative_bytes.estimate == pytest.approx(size, rel=0.2)
    assert told.work_s is not None
    assert told.wall_s is not None
    assert 0 < told.work_s.low < told.work_s.estimate < told.work_s.high


def test_a_pilot_that_was_interrupted_goes_on_with_the_same_pictures(
    pilot: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pilot(sample=24, sample_by=["folder"])
    from archive_colorizer.pipeline.steps.record import Record

    whole, calls = Record.__call__, []

    def interrupt(self: Record, batch: Any) -> Any:
        calls.append(len(batch))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return whole(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Record, "__call__", interrupt)
        with pytest.raises(KeyboardInterrupt):
            colorize(config)
    store = LocalStore(Path(config.output))
    drawn = read_pilot(store)
    assert drawn is not None
    told = summarize(store).pilot
    assert told is not None
    assert (told.drawn, told.done, told.wall_s) == (24, 16, None)
    assert "16 of them are done" in summarize(store).text()
    report = colorize(config)
    assert (report.worked, report.already) == (8, 16)
    done = {row["source_uri"] for row in rows(config.output)}
    assert done == {one.source_uri for one in drawn.drawn}


def test_another_sample_is_drawn_from_what_is_left(pilot: Job, rows: Rows) -> None:
    colorize(pilot(sample=10, sample_by=["folder"]))
    first = {row["source_uri"] for row in rows(pilot().output)}
    report = colorize(pilot(sample=10, sample_by=["folder"], sample_seed=1))
    assert report.worked == 10
    assert report.pilot is not None
    assert (report.pilot.pictures, report.pilot.done) == (50, 10)
    second = {row["source_uri"] for row in rows(pilot().output)} - first
    assert len(second) == 10


def test_a_redo_draws_its_own_sample_and_counts_only_what_it_did(pilot: Job) -> None:
    config = pilot(sample=10)
    colorize(config)
    colorize(pilot())
    report = colorize(pilot(sample=10, redo=True))
    assert (report.worked, report.left) == (10, 50)
    assert report.pilot is not None
    assert (report.pilot.pictures, report.pilot.done) == (60, 10)


def test_filters_and_exclusions_come_before_the_sample(
    pilot: Job, rows: Rows, tmp_path: Path
) -> None:
    off = tmp_path / "off.txt"
    off.write_text("a/0.png\na/3.png\n")
    chosen = {"include": ["a/", "b/"], "exclude_list": str(off), "sample": 12}
    report = colorize(pilot(**chosen))
    assert report.pilot is not None
    assert report.pilot.pictures == 38
    done = [row for row in rows(pilot().output) if row["error_class"] != "excluded"]
    assert len(done) == 12
    assert all("/c/" not in row["source_uri"] for row in done)


def test_the_report_says_what_to_expect_in_both_languages(pilot: Job) -> None:
    config = overlay(pilot(sample=20), {"run": {"report": "on"}}, "test")
    colorize(config)
    index = Path(config.output) / "report" / "index.html"
    text = index.read_text(encoding="utf-8")
    assert "Pilot: what a random sample says of the whole" in text
    assert "시범 작업: 무작위 표본으로 본 전체 예상" in text
    assert Page(text).all("table")
    colorize(overlay(pilot(), {"run": {"report": "on"}}, "test"))
    assert "Pilot:" not in index.read_text(encoding="utf-8")


def test_a_pilot_follows_masters_that_move_and_is_no_stranger_in_output(
    pilot: Job, archive: Path
) -> None:
    config = pilot(sample=12)
    told = colorize(config).pilot
    store = LocalStore(Path(config.output))
    assert is_own_file(PILOT)
    moved = archive.with_name("moved")
    shutil.move(archive, moved)
    relocate(store, str(archive), str(moved))
    assert summarize(store).pilot == told
    assert not verify(store, config.run.s3).findings


def test_a_pilot_is_drawn_once_and_no_standing_job_is(pilot: Job) -> None:
    config = overlay(pilot(sample=3), {"run": {"follow": True, "settle_s": 0}}, "test")
    with pytest.raises(ConfigError, match=r"select\.sample: is drawn once"):
        colorize(config)


def test_a_dry_run_that_measures_writes_nothing_and_says_what_would_be_replaced(
    pilot: Job, archive: Path
) -> None:
    config = pilot()
    before = sorted(archive.rglob("*"))
    found = preview(config, measure=True)
    assert not Path(config.output).exists()
    assert sorted(archive.rglob("*")) == before
    assert found.estimate is not None
    assert (found.estimate.measured, found.estimate.workers) == (8, 1)
    assert 0 < found.estimate.seconds.low < found.estimate.seconds.high
    assert "8 pictures were done here to see, counted as one after the other" in found.text()
    assert preview(config, measure=True).estimate is not None
    colorize(pilot(include=["a/"]))
    again = preview(pilot(redo=True))
    assert again.replaced == 20
    assert "done again  20 (replaces a/0.colorized.jpg, " in again.text()
    size = found.estimate.derivative_bytes
    written = sum(path.stat().st_size for path in Path(config.output).rglob("*.jpg"))
    assert size.low < 3 * written < size.high
    assert preview(pilot(include=["a/"]), measure=True).estimate is None


def test_an_estimate_counts_rays_workers_and_no_cluster(pilot: Job) -> None:
    ray = {"run": {"engine": "ray", "workers": 5}}
    found = preview(overlay(pilot(), ray, "test"), measure=True).estimate
    assert found is not None
    assert found.workers == 5
    elsewhere = {"run": {"engine": "ray", "address": "10.0.0.1:6379"}}
    with pytest.raises(ConfigError, match="--estimate: measures this machine"):
        preview(overlay(pilot(), elsewhere, "test"), measure=True)
