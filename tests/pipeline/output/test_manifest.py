"""Parts, history and compaction, broken off at every point."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from breaking import Breaking

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.rows import JobContext, outcome_table
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import Outcome, PhotoRef, Status
from archive_colorizer.storage.local import LocalStore

CONTEXT = JobContext("job", "recipe", "{}", (), "1", "", "2", "3")
LATER = JobContext("later", "recipe", "{}", (), "1", "", "2", "3")


def table_of(*numbers: int, context: JobContext = CONTEXT) -> pa.Table:
    outcomes = [
        Outcome(
            PhotoRef(f"{n:064x}", f"file:///{n}", b"", f"{n}.jpg", 1, mtime_ns=n),
            Status.FAILED,
            n,
            error_class="truncated",
        )
        for n in numbers
    ]
    return outcome_table(outcomes, context, "node")


def ids(store: LocalStore) -> list[str]:
    """As anybody would read it: plain Parquet."""
    return sorted(ds.dataset(store.path_of("manifest")).to_table()["source_uri"].to_pylist())


def uris(count: int) -> list[str]:
    return sorted(f"file:///{n}" for n in range(count))


def filled(folder: Path, parts: int = 4) -> Breaking:
    store = Breaking(folder)
    for n in range(parts):
        manifest.write_part(store, table_of(2 * n, 2 * n + 1))
    return store


def test_a_row_has_every_column_in_its_type() -> None:
    table = table_of(1)
    assert table.schema == SCHEMA
    row: dict[str, Any] = table.to_pylist()[0]
    assert (row["status"], row["error_class"], row["steps"]) == ("failed", "truncated", [])


def test_the_same_rows_are_the_same_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert manifest.write_part(store, table_of(1, 2)) == manifest.write_part(store, table_of(1, 2))
    assert len(manifest.part_keys(store)) == 1


def test_compaction_keeps_every_row_once(tmp_path: Path) -> None:
    store = filled(tmp_path)
    manifest.compact(store, max_parts=1)
    assert len(manifest.part_keys(store)) == 1
    assert ids(store) == uris(8)


@pytest.mark.parametrize("changes", range(9))
def test_a_compaction_that_breaks_off_is_mended_at_the_next_start(
    tmp_path: Path, changes: int
) -> None:
    store = filled(tmp_path)
    store.left = changes
    try:
        manifest.compact(store, max_parts=1)
    except OSError:
        store.left = 10**9
        manifest.recover(store)
    store.left = 10**9
    assert ids(store) == uris(8)
    assert not list(tmp_path.rglob("_*"))


def redone(folder: Path) -> Breaking:
    """Two parts, of which a later job did pages 0, 2 and 3 again."""
    store = filled(folder, parts=2)
    manifest.write_part(store, table_of(0, 2, 3, context=LATER))
    return store


@pytest.mark.parametrize("changes", range(6))
def test_no_row_is_lost_when_settling_breaks_off(tmp_path: Path, changes: int) -> None:
    store = redone(tmp_path)
    store.left = changes
    with contextlib.suppress(OSError):
        manifest.settle(store, "later")
    store.left = 10**9
    rows = manifest.read(store, ["source_uri", "job_id"]).to_pylist()
    assert {(row["source_uri"], row["job_id"]) for row in rows} == {
        ("file:///0", "later"), ("file:///1", "job"),
        ("file:///2", "later"), ("file:///3", "later"),
    }  # fmt: skip
    manifest.settle(store, "later")
    history = manifest.read(store, ["source_uri", "job_id"], manifest.HISTORY).to_pylist()
    assert {row["source_uri"] for row in history} == {"file:///0", "file:///2", "file:///3"}
    assert {row["job_id"] for row in history} == {"job"}


def test_settled_rows_are_in_history_and_nowhere_else(tmp_path: Path) -> None:
    store = redone(tmp_path)
    assert manifest.read(store, ["row_id"], every=True).num_rows == 7
    assert manifest.settle(store, "later") == 3
    assert ids(store) == uris(4)
    assert manifest.read(store, ["row_id"], "history").num_rows == 3
    assert manifest.settle(store, "later") == 0


def test_of_one_jobs_rows_the_last_start_counts(tmp_path: Path) -> None:
    """A worker that died after its row was written leaves a page to be done twice."""
    store = LocalStore(tmp_path)
    manifest.write_part(store, table_of(1, 2))
    twin = Outcome(PhotoRef("f" * 64, "file:///1", b"", "1.jpg", 1), Status.OK, 10**6)
    manifest.write_part(store, outcome_table([twin], CONTEXT, "node"))
    assert manifest.settle(store, "job") == 1
    rows = manifest.read(store, ["source_uri", "status"], every=True).to_pylist()
    assert {(row["source_uri"], row["status"]) for row in rows} == {
        ("file:///1", "ok"),
        ("file:///2", "failed"),
    }


def test_of_two_jobs_of_one_second_the_later_start_counts(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    early, late = (replace(CONTEXT, job_id=f"20260101T000000Z-{end}") for end in ("ff", "00"))
    manifest.write_part(store, table_of(1, context=early))
    done = Outcome(PhotoRef("f" * 64, "file:///1", b"", "1.jpg", 1), Status.OK, 10**6)
    manifest.write_part(store, outcome_table([done], late, "node"))
    assert manifest.read(store, ["status"])["status"].to_pylist() == ["ok"]


def test_rows_are_changed_where_they_stand_and_kept_in_history_when_asked(tmp_path: Path) -> None:
    store = filled(tmp_path)

    def change(table: pa.Table) -> manifest.Rewrite:
        mask = pc.equal(table["source_uri"], "file:///3")
        place = table.column_names.index("object_id")
        return table.set_column(place, "object_id", pc.if_else(mask, "new", "")), mask

    assert manifest.rewrite(store, change) == 1
    assert not (tmp_path / "history").exists()
    assert manifest.rewrite(store, change, "moving") == 1
    assert manifest.read(store, ["source_uri"], "history")["source_uri"].to_pylist() == [
        "file:///3"
    ]
    found = manifest.read(store, ["object_id"])["object_id"].to_pylist()
    assert sorted(found) == [""] * 7 + ["new"]


def test_columns_that_an_earlier_version_did_not_write_are_null(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old = table_of(1).drop_columns(["dhash64"])
    store.write_atomic("manifest/part-old.parquet", manifest.to_parquet(old))
    assert manifest.read(store)["dhash64"].to_pylist() == [None]
