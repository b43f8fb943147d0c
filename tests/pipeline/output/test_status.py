"""What `status` reads from OUTPUT alone."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import layout, manifest, status
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.storage.local import LocalStore


def page(number: int, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    own = {"row_id": f"{number}", "source_uri": f"file:///{number}", "page": 0, "status": "ok"}
    more = {"job_id": "j", "recipe_sha256": "r", "error_class": "", "ms_read": 10.0 * number}
    return row | own | more | {"started_at": number * 500_000} | values


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def job(store: LocalStore, *rows: dict[str, Any], listed: int = 10) -> None:
    layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": listed})
    if rows:
        manifest.write_part(store, pa.Table.from_pylist(list(rows), SCHEMA))


def test_a_place_without_a_job_is_refused_in_one_line(store: LocalStore) -> None:
    with pytest.raises(LocationError, match=r"no job there \(it has no job\.json\)"):
        summarize(store)


def test_a_job_without_rows_has_everything_left(store: LocalStore) -> None:
    job(store)
    report = summarize(store)
    assert (report.left, report.by_status, report.by_error) == (10, {}, {})
    assert (report.pictures_per_s, report.slowest, report.running) == (0.0, (), "no")


def test_pages_are_counted_by_status_and_by_error_class(store: LocalStore) -> None:
    failed = page(3, status="failed", error_class="truncated")
    skipped = page(4, status="skipped", error_class="already_colour", job_id="earlier")
    job(store, page(1), page(2), failed, skipped)
    report = summarize(store)
    assert report.by_status == {"ok": 2, "failed": 1, "skipped": 1}
    assert report.by_error == {"truncated": 1, "already_colour": 1}
    assert report.left == 6
    assert report.pictures_per_s == pytest.approx(3 / 1.03)  # from 0.5 s to 1.5 s and 30 ms
    text = report.text()
    for words in ("listed 10, left 6, 2.9 pictures/s", "1  truncated", "2  ok", "slowest:"):
        assert words in text


def test_the_rate_is_that_of_the_runs_own_summary(store: LocalStore) -> None:
    layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": 2,
                             "work": {"pictures": 12, "seconds": 8.0}})  # fmt: skip
    manifest.write_part(store, pa.Table.from_pylist([page(1)], SCHEMA))
    assert summarize(store).pictures_per_s == 1.5


def test_excluded_pages_are_no_work(store: LocalStore) -> None:
    job(store, page(1), page(90, status="skipped", error_class="excluded"))
    assert summarize(store).pictures_per_s == pytest.approx(100.0)  # one page of 10 ms


def test_rows_of_an_earlier_recipe_are_counted(store: LocalStore) -> None:
    job(store, page(1), page(2, recipe_sha256="old", job_id="before"))
    report = summarize(store)
    assert report.other_recipe == 1
    assert "1 rows are of an earlier recipe" in report.text()


def test_the_slowest_pages_come_first_and_are_few(store: LocalStore) -> None:
    job(store, *(page(n) for n in range(9)), page(9, ms_read=None, ms_model=1_000.0))
    slowest = summarize(store).slowest
    assert len(slowest) == status.SLOWEST
    assert slowest[:2] == ((1.0, "file:///9"), (0.08, "file:///8"))


def test_a_running_job_is_said_to_run(store: LocalStore) -> None:
    job(store)
    with Lock(store):
        assert summarize(store).running.startswith("process ")


def test_rows_in_several_parts_are_one_report(store: LocalStore) -> None:
    job(store, page(1))
    job(store, page(2), page(3, ms_read=None))
    report = summarize(store)
    assert (report.left, len(report.slowest)) == (7, 3)
