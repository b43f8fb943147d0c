"""Verify finds every kind of difference between the manifest and what is there."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.output.verify import VerifyReport, verify
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.storage.location import uri_of_path

NAMES = (b"a.jpg", b"Stra\xdfe.jpg")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(store: LocalStore, *rows: dict[str, Any]) -> None:
    full = [dict.fromkeys(SCHEMA.names) | row for row in rows]
    manifest.write_part(store, pa.Table.from_pylist(full, SCHEMA))


@pytest.fixture
def masters(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in NAMES:
        (folder / os.fsdecode(name)).write_bytes(b"master " + name)
    return folder


@pytest.fixture
def store(tmp_path: Path, masters: Path) -> LocalStore:
    """A finished job: two pages coloured, a third failed before its bytes were read."""
    place = LocalStore(tmp_path / "out")
    rows = []
    for number, name in enumerate(NAMES):
        key = f"box/{number}.colorized.jpg"
        place.write_atomic(key, b"derivative %d" % number)
        rows.append(
            {
                "row_id": str(number),
                "status": "ok",
                "page": 0,
                "source_uri": uri_of_path(masters / os.fsdecode(name)),
                "source_sha256": sha256(b"master " + name),
                "derivative_uri": place.uri_of(key),
                "derivative_sha256": sha256(b"derivative %d" % number),
            }
        )
    rows.append({"row_id": "x", "status": "failed", "page": 0, "source_uri": "file:///gone.jpg"})
    write(place, *rows)
    layout.write_job(place, {"job_id": "j", "listed": 3})
    place.delete_tree(".tmp")
    return place


def found(report: VerifyReport) -> list[tuple[str, str]]:
    """Kind and last part of the name."""
    return [(item.what, item.where.rpartition("/")[2]) for item in report.findings]


def test_a_finished_job_is_all_as_recorded(store: LocalStore) -> None:
    report = verify(store)
    assert (report.masters, report.derivatives, report.findings) == (2, 2, ())
    assert report.text() == "2 masters and 2 derivatives compared\nall as recorded"


def test_a_changed_and_a_missing_master_are_found(store: LocalStore, masters: Path) -> None:
    (masters / "a.jpg").write_bytes(b"master a.jpG")
    (masters / os.fsdecode(NAMES[1])).unlink()
    changed, missing = found(verify(store))
    assert changed == ("changed_master", "a.jpg")
    assert missing == ("missing_master", "Stra%DFe.jpg (No such file or directory)")


def test_a_changed_and_a_missing_derivative_are_found(store: LocalStore) -> None:
    store.write_atomic("box/0.colorized.jpg", b"")
    store.delete("box/1.colorized.jpg")
    store.delete_tree(".tmp")
    changed, missing = found(verify(store))
    assert changed == ("changed_derivative", "0.colorized.jpg")
    assert missing[0] == "missing_derivative"


def test_a_page_with_two_rows_is_found(store: LocalStore) -> None:
    write(store, {"row_id": "y", "status": "failed", "page": 0, "source_uri": "file:///gone.jpg"})
    assert ("double_row", "gone.jpg") in found(verify(store))


def test_two_pages_of_one_file_are_not_double(store: LocalStore) -> None:
    write(store, {"row_id": "y", "status": "failed", "page": 1, "source_uri": "file:///gone.jpg"})
    store.delete_tree(".tmp")
    assert verify(store).findings == ()


def test_a_listed_page_without_a_row_is_found(store: LocalStore) -> None:
    layout.write_job(store, {"job_id": "j", "listed": 5})
    store.delete_tree(".tmp")
    assert found(verify(store)) == [("missing_rows", "2 listed pages have no row")]


def test_a_file_that_no_row_names_and_a_temporary_are_found(store: LocalStore) -> None:
    store.write_atomic(".tmp/dead/half", b"x")
    store.write_atomic("box/extra.jpg", b"x")
    assert found(verify(store)) == [("temporary", "half"), ("unlisted_file", "extra.jpg")]


def test_the_jobs_own_files_are_no_differences(store: LocalStore) -> None:
    kept = f"models/{'0' * 64}/model.safetensors"
    for key in ("job.lock", "history/j/changed/a.jpg", kept):
        store.write_atomic(key, b"x")
    store.delete_tree(".tmp")
    assert verify(store).findings == ()


def test_a_report_names_every_difference_for_people(store: LocalStore) -> None:
    store.delete("box/1.colorized.jpg")
    text = verify(store).text()
    assert "  missing_derivative: file://" in text
    assert text.endswith("1 differences")


def test_verifying_changes_nothing(store: LocalStore, masters: Path) -> None:
    def state() -> list[tuple[str, int | None]]:
        places = (store, LocalStore(masters))
        return [(entry.uri, entry.mtime_ns) for place in places for entry in place.list()]

    before = state()
    verify(store)
    assert state() == before


def test_a_place_without_a_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="no job there"):
        verify(LocalStore(tmp_path))
