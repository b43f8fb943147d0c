"""Whatever is raised on one page is its row alone: in every step, in the row, in both engines."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raising import STEPS, Unforeseen, raising, raising_row

from archive_colorizer.errors import BrokenProgramError
from archive_colorizer.imaging import metadata
from archive_colorizer.pipeline import run
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.engines import local
from archive_colorizer.pipeline.engines.transport import raise_stop, unpack_recorded
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_models import models_of
from archive_colorizer.pipeline.job_spec import JobSpec, make_spec
from archive_colorizer.pipeline.output import layout
from archive_colorizer.pipeline.output import rows as manifest_rows
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps import deliver
from archive_colorizer.pipeline.steps.colorize import Colorize
from archive_colorizer.pipeline.steps.record import Record, Recorded
from archive_colorizer.storage import open_store
from archive_colorizer.storage.local import LocalStore

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]


def write_master(folder: Path, name: str) -> None:
    y, x = np.mgrid[:120, :160]
    Image.fromarray((60 + x / 2 + y).astype(np.uint8)).save(folder / name)


@pytest.fixture
def _raising(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "steps", raising(steps))
    monkeypatch.setattr(manifest_rows, "outcome_row", raising_row(manifest_rows.outcome_row))


@pytest.mark.usefixtures("_raising")
def test_what_each_step_raises_is_one_row_and_its_neighbours_are_done(
    job: Job, masters: Path, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    for step in STEPS:
        write_master(masters, f"raise-in-{step}.png")
    config = job()
    with caplog.at_level(logging.ERROR, "archive_colorizer"):
        report = colorize(config)
    assert (report.ok, report.errors) == (5, {"program_error": len(STEPS)})
    failed = [row for row in rows(config.output) if row["status"] == "failed"]
    logged = [record.getMessage() for record in caplog.records]
    for row, step in zip(failed, sorted(STEPS), strict=True):
        words = "OverflowError: int too big to convert"
        if step != "record":
            words = f"Unforeseen: a fault of {step} in <Thing>"
        assert row["error_message"] == f"{row['source_uri']}: {words}"
        (line,) = [text for text in logged if f"row {row['row_id']}: " in text.splitlines()[0]]
        assert "Traceback (most recent call last)" in line
        assert row["width"] == (None if step == "read" else 160)


@pytest.mark.usefixtures("_raising")
def test_what_each_step_raises_in_a_worker_of_ray_is_one_row(
    job: Job, masters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_colorizer.pipeline.engines import ray

    for step in STEPS:
        write_master(masters, f"raise-in-{step}.png")
    monkeypatch.setattr(ray, "steps", raising(steps))
    found: list[list[Recorded]] = []

    def through_workers(spec: JobSpec, todo: Any) -> Any:
        count = len(steps(spec))
        table = todo
        for stage in (slice(0, 3), slice(3, count)):
            table = ray.StageWorker(spec, stage.start, stage.stop, 1)(table)
            raise_stop(table)
        found.append(unpack_recorded(table))
        return iter(found)

    monkeypatch.setattr(local, "run", through_workers)
    report = colorize(job())
    assert (report.ok, report.errors) == (5, {"program_error": len(STEPS)})
    assert all(("Traceback" in one.trace) == (one.status == "failed") for one in found[0])


def test_memory_that_runs_out_where_nobody_expects_it_is_still_out_of_memory(
    job: Job, masters: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Colorize.__call__

    def tight(self: Any, batch: Any) -> Any:
        if any("tight" in one.ref.source_uri for one in batch):
            raise MemoryError
        return real(self, batch)

    monkeypatch.setattr(Colorize, "__call__", tight)
    write_master(masters, "tight.png")
    config = job()
    assert colorize(config).errors == {"out_of_memory": 1}


@pytest.mark.parametrize("engine", ["local", "a worker of Ray"])
def test_a_step_that_cannot_be_set_up_ends_the_job_in_one_line(
    job: Job, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    def fail(self: Any) -> None:
        raise Unforeseen("no\nsuch thing")

    monkeypatch.setattr(Colorize, "setup", fail)
    words = r"^step colorize cannot start: Unforeseen: no such thing; the traceback is in the log"
    if engine == "local":
        with pytest.raises(BrokenProgramError, match=words) as caught:
            colorize(job())
    else:
        from archive_colorizer.pipeline.engines.ray import StageWorker

        config = job()
        layout.prepare(open_store(config.output))
        spec = make_spec(config, models_of(config), owner="this run")
        worker = StageWorker(spec, 0, len(steps(spec)), 1)
        with pytest.raises(BrokenProgramError, match=words) as caught:
            raise_stop(worker(run._list(config).table))
    assert "in fail" in caught.value.__notes__[0]


def test_a_fault_of_the_worker_itself_ends_the_job_in_one_line(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_colorizer.pipeline.engines.ray import StageWorker

    config = job()
    layout.prepare(open_store(config.output))
    spec = make_spec(config, models_of(config), owner="this run")
    worker = StageWorker(spec, 0, 3, 1)
    monkeypatch.setattr(worker, "_quarantine", None)
    with pytest.raises(BrokenProgramError, match=r"^a worker failed: TypeError: "):
        raise_stop(worker(run._list(config).table))


def test_metadata_that_raise_as_they_are_carried_are_one_row(
    job: Job, masters: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.carry

    def fail(header: Any, *more: Any, **words: Any) -> Any:
        if header.width == 168:
            raise Unforeseen("no such entry")
        return real(header, *more, **words)

    monkeypatch.setattr(deliver.metadata, "carry", fail)
    Image.fromarray(np.full((120, 168), 90, np.uint8)).save(masters / "odd.png")
    config = job()
    report = colorize(config)
    assert (report.ok, report.errors) == (5, {"program_error": 1})


def test_a_job_of_which_every_picture_fails_by_the_program_is_broken_and_has_its_rows(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, batch: Any) -> Any:
        raise Unforeseen("always")

    monkeypatch.setattr(Colorize, "__call__", fail)
    config = job()
    with pytest.raises(BrokenProgramError, match=r"^the program failed on every picture \(5\): "):
        colorize(config)
    assert [row["error_class"] for row in rows(config.output)] == ["program_error"] * 5
    monkeypatch.undo()
    assert colorize(job(select={"retry_failed": True})).ok == 5


def test_so_many_in_a_row_end_a_job_and_the_same_command_goes_on(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, batch: Any) -> Any:
        raise Unforeseen("always")

    monkeypatch.setattr(Colorize, "__call__", fail)
    config = job(run={"batch_size": 1, "max_program_errors": 2})
    with pytest.raises(BrokenProgramError, match=r"^the program failed on 2 pictures in a row: "):
        colorize(config)
    assert len(rows(config.output)) == 2
    monkeypatch.undo()
    report = colorize(config)
    assert (report.ok, report.already) == (3, 2)


@pytest.mark.parametrize("spared", ["facts", "ms", "collection_json", "page"])
def test_a_row_is_made_of_as_much_as_can_be_written(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch, spared: str
) -> None:
    real = manifest_rows.outcome_row

    def picky(outcome: Any, *more: Any) -> dict[str, Any]:
        ref = outcome.ref
        kept = {
            "facts": outcome.facts, "ms": outcome.ms,
            "collection_json": ref.collection_json != "{}" or ref.size_bytes,
            "page": ref.size_bytes,
        }  # fmt: skip
        if "one.jpg" in ref.source_uri and kept[spared]:
            raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")
        return real(outcome, *more)

    monkeypatch.setattr(manifest_rows, "outcome_row", picky)
    config = job()
    assert colorize(config).errors == {"program_error": 1}
    (row,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert row["source_uri"].endswith("/one.jpg")
    assert "UnicodeEncodeError: " in row["error_message"]


def test_a_page_of_which_no_row_can_be_made_ends_the_job(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: Any) -> Any:
        raise Unforeseen("never")

    monkeypatch.setattr(manifest_rows, "outcome_row", never)
    with pytest.raises(BrokenProgramError, match="no row can be made of it: Unforeseen: never"):
        colorize(job())


def test_a_recorder_that_raises_ends_the_job(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> Any:
        raise Unforeseen("never")

    monkeypatch.setattr(Record, "__call__", never)
    with pytest.raises(
        BrokenProgramError, match=r"^step record cannot record anything: Unforeseen"
    ):
        colorize(job())


def test_interruptions_pass(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Any, batch: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Colorize, "__call__", interrupt)
    config = job()
    with pytest.raises(KeyboardInterrupt):
        colorize(config)
    with Lock(LocalStore(Path(config.output))):
        pass


def test_what_the_listing_could_not_make_sense_of_is_a_row_too(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_colorizer.pipeline.inputs import walk

    real = walk.page_of_entry

    def fail(entry: Any, relative: str) -> Any:
        if relative == "a/four.jpg":
            raise OverflowError("Python int too large to convert to C long")
        return real(entry, relative)

    monkeypatch.setattr(walk, "page_of_entry", fail)
    config = job()
    report = colorize(config)
    assert (report.ok, report.errors) == (4, {"listing_error": 1})
    (row,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert row["error_message"] == (
        f"{row['source_uri']}: cannot be listed: "
        "OverflowError: Python int too large to convert to C long"
    )
    monkeypatch.undo()
    assert colorize(job(select={"retry_failed": True})).ok == 1
