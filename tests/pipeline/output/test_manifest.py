"""Parts, history and compaction, broken off at every point."""

import contextlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.manifest import JobContext, outcome_table
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import Outcome, PhotoRef, Status
from archive_colorizer.storage.local import LocalStore

CONTEXT = JobContext("job", "recipe", (), "1", "", "2", "3")


def table_of(*numbers: int) -> pa.Table:
    outcomes = [
        Outcome(
            PhotoRef(f"{n:064x}", f"file:///{n}", b"", f"{n}.jpg", 1, mtime_ns=n),
            Status.FAILED,
            n,
            error_class="truncated",
        )
        for n in numbers
    ]
    return outcome_table(outcomes, CONTEXT, "node")


def ids(store: LocalStore) -> list[str]:
    """As anybody would read it: plain Parquet."""
    return sorted(ds.dataset(store.path_of("manifest")).to_table()["source_uri"].to_pylist())


def uris(count: int) -> list[str]:
    return sorted(f"file:///{n}" for n in range(count))


class Breaking(LocalStore):
    """Breaks off at the n-th change."""

    left = 10**9

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "the machine went down")

    def write_atomic(self, key: str, data: bytes) -> None:
        self._count()
        super().write_atomic(key, data)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)


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
    manifest.write_part(store, table_of(1, 2, 3))
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


@pytest.mark.parametrize("changes", range(5))
def test_no_row_is_lost_when_the_move_to_history_breaks_off(tmp_path: Path, changes: int) -> None:
    store = filled(tmp_path, parts=2)
    store.left = changes
    moving = pa.array([f"{n:064x}" for n in (0, 2)], pa.string())
    with contextlib.suppress(OSError):
        manifest.move_to_history(store, moving, "job")
    kept = ids(store)
    history = tmp_path / "history"
    moved = ds.dataset(history).to_table()["source_uri"].to_pylist() if history.exists() else []
    assert {*kept, *moved} == set(uris(4))


def test_moved_rows_are_in_history_and_nowhere_else(tmp_path: Path) -> None:
    store = filled(tmp_path, parts=2)
    moving = pa.array([f"{n:064x}" for n in (0, 2, 3)], pa.string())
    assert manifest.move_to_history(store, moving, "job") == 3
    assert ids(store) == ["file:///1"]
    assert manifest.read(store, ["row_id"], "history").num_rows == 3


def test_twins_of_one_page_keep_this_jobs_row(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest.write_part(store, table_of(1, 2))
    other = JobContext("dead", "recipe", (), "1", "", "2", "3")
    twin = Outcome(PhotoRef("f" * 64, "file:///1", b"", "1.jpg", 1), Status.OK, 0)
    manifest.write_part(store, outcome_table([twin], other, "node"))
    manifest.one_row_a_page(store, "job")
    rows = manifest.read(store, ["source_uri", "job_id"]).to_pylist()
    assert {(row["source_uri"], row["job_id"]) for row in rows} == {
        ("file:///1", "job"),
        ("file:///2", "job"),
    }


def test_columns_that_an_earlier_version_did_not_write_are_null(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old = table_of(1).drop_columns(["dhash64"])
    store.write_atomic("manifest/part-old.parquet", manifest.to_parquet(old))
    assert manifest.read(store)["dhash64"].to_pylist() == [None]
