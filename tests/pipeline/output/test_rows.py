"""The manifest row of every kind of outcome; and what plain Parquet readers see meanwhile."""

import contextlib
import datetime
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.rows import JobContext, outcome_row, outcome_table
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import Derivative, Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.storage.local import LocalStore

CONTEXT = JobContext(
    job_id="job",
    recipe_sha256="recipe",
    recipe_json="{}",
    steps=({"op": "colorize", "model_ref": "builtin:default", "seed": 0},),
    version="1",
    git_commit="abc",
    torch_version="2",
    ray_version="3",
    review_doubt=0.5,
)
REF = PhotoRef(
    row_id="f" * 64,
    source_uri="file:///in/a%FF.jpg",
    source_path_raw=b"/in/a\xff.jpg",
    output_key="a.colorized.jpg",
    size_bytes=5,
    mtime_ns=1_700_000_000_123_456_789,
    object_id="o",
    collection_json='{"year": "1911"}',
    attempt=2,
)
FACTS = SourceFacts(
    source_sha256="0" * 64,
    mime="image/jpeg",
    width=10,
    height=20,
    bits_per_sample=8,
    samples=1,
    photometric="grey",
    n_pages=1,
    orientation=6,
    dpi_x=300.0,
    dpi_y=None,
    icc_name="",
    icc_status="none",
    fixity="match",
    flags=("multipage",),
)
DERIVATIVE = Derivative(
    derivative_uri="file:///out/a.colorized.jpg",
    derivative_key="a.colorized.jpg",
    derivative_sha256="1" * 64,
    derivative_bytes=9,
    derivative_version="7",
    derivative_mime="image/jpeg",
    derivative_width=20,
    derivative_height=10,
    colourfulness=12.5,
    luminance_mae=0.2,
    luminance_p99=1.0,
)
OK = Outcome(
    ref=REF,
    status=Status.OK,
    started_at_us=1_700_000_000_000_000,
    ms={"read": 1.5, "model": 2.5},
    facts=FACTS,
    derivative=DERIVATIVE,
    doubt_mean=0.25,
    doubt_p95=0.5,
    device="cpu",
    precision="float32",
)
FAILED = Outcome(REF, Status.FAILED, 1, error_class="truncated", error_message="cut")
SKIPPED = Outcome(REF, Status.SKIPPED, 1, facts=FACTS, error_class="already_colour")


def row_of(outcome: Outcome) -> dict[str, Any]:
    (row,) = outcome_table([outcome], CONTEXT, "node").to_pylist()
    return dict(row)


@pytest.mark.parametrize("outcome", [OK, FAILED, SKIPPED], ids=["ok", "failed", "skipped"])
def test_every_row_has_exactly_the_columns_of_the_contract(outcome: Outcome) -> None:
    assert list(outcome_row(outcome, CONTEXT, "node")) == SCHEMA.names
    row = row_of(outcome)
    assert row["row_id"] == REF.row_id
    assert (row["job_id"], row["recipe_sha256"], row["node"]) == ("job", "recipe", "node")
    assert (row["source_path_raw"], row["attempt"]) == (REF.source_path_raw, 2)
    assert (row["source_bytes"], row["collection_json"]) == (5, REF.collection_json)


def test_times_are_kept_to_the_nanosecond_and_in_utc() -> None:
    table = outcome_table([OK], CONTEXT, "node")
    assert table["source_mtime"].cast(pa.int64()).to_pylist() == [REF.mtime_ns]
    (started,) = table["started_at"].to_pylist()
    assert started == datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)


def test_a_coloured_page_says_how_it_was_done() -> None:
    row = row_of(OK)
    (step,) = row["steps"]
    assert (step["op"], step["device"], step["precision"]) == ("colorize", "cpu", "float32")
    assert (row["width"], row["dpi_x"], row["dpi_y"]) == (10, 300.0, None)
    assert (row["ms_read"], row["ms_model"], row["ms_write"]) == (1.5, 2.5, None)
    assert row["derivative_uri"] == DERIVATIVE.derivative_uri
    assert (row["c2pa_state"], row["reversible"]) == ("none", False)
    assert row["digital_source_type"].startswith("http")
    assert (row["status"], row["error_class"], row["review_needed"]) == ("ok", "", False)


def test_a_page_that_was_not_coloured_names_no_derivative_and_no_steps() -> None:
    for outcome in (FAILED, SKIPPED):
        row = row_of(outcome)
        assert row["steps"] == []
        assert row["derivative_uri"] is row["digital_source_type"] is row["reversible"] is None
    assert row_of(FAILED)["source_sha256"] is None
    assert row_of(SKIPPED)["source_sha256"] == FACTS.source_sha256


@pytest.mark.parametrize(
    ("doubt", "flags", "review"), [(0.5, (), False), (0.51, (), True), (0.1, ("multipage",), True)]
)
def test_doubt_above_the_limit_or_a_flag_asks_for_review(
    doubt: float, flags: tuple[str, ...], review: bool
) -> None:
    outcome = Outcome(REF, Status.OK, 1, doubt_mean=doubt, flags=flags)
    assert row_of(outcome)["review_needed"] is review


class Down(Exception):  # noqa: N818 (an event, not a mistake)
    """The machine goes down."""


class Failing(LocalStore):
    """Raises before or after the n-th change of the store."""

    def __init__(self, root: Path, at: int, after: bool) -> None:
        super().__init__(root)
        self._left, self._after = at, after

    def _change(self, change: Any, *words: Any) -> None:
        self._left -= 1
        if self._left == -1 and not self._after:
            raise Down
        change(*words)
        if self._left == -1:
            raise Down

    def write_atomic(self, key: str, data: bytes) -> None:
        self._change(super().write_atomic, key, data)

    def delete(self, key: str) -> None:
        self._change(super().delete, key)


def table_of(numbers: list[int], attempt: int = 1) -> pa.Table:
    outcomes = [
        Outcome(
            PhotoRef(f"{n:064x}", f"file:///{n}", b"", f"{n}", 1, mtime_ns=1, attempt=attempt),
            Status.FAILED,
            n,
        )
        for n in numbers
    ]
    return outcome_table(outcomes, CONTEXT, "node")


def seen(folder: Path) -> list[int]:
    """Row ids that anybody reads as plain Parquet."""
    ids = ds.dataset(folder / "manifest").to_table()["row_id"].to_pylist()
    return sorted(int(row_id, 16) for row_id in ids)


def fill(store: LocalStore) -> None:
    for start in range(0, 6, 2):
        manifest.write_part(store, table_of([start, start + 1]))
    manifest.write_part(store, table_of([1, 2]))  # a retried task with another batch


@pytest.fixture
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes are simulated here, not power cuts."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def interrupted(folder: Path, at: int, after: bool) -> bool:
    """Fill and compact; whether the machine went down at that change."""
    fill(LocalStore(folder))
    manifest.settle(LocalStore(folder), "job")
    try:
        manifest.compact(Failing(folder, at, after), max_parts=1)
    except Down:
        return True
    return False


@pytest.mark.usefixtures("_quick_disk")
@pytest.mark.parametrize("rows_per_file", [4, 250_000])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("again", [0, 1, 3, 99])
def test_a_crash_at_any_step_of_a_compaction_and_of_its_mending_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool, again: int, rows_per_file: int
) -> None:
    monkeypatch.setattr(manifest, "ROWS_PER_FILE", rows_per_file)
    steps = 0
    while interrupted(folder := tmp_path / str(steps), steps, after):
        store = LocalStore(folder)
        with contextlib.suppress(Down):
            manifest.recover(Failing(folder, again, after))
        manifest.recover(store)
        names = [entry.key for entry in store.list("manifest")]
        assert names == manifest.part_keys(store)
        assert not list(store.list(".tmp"))
        assert set(seen(folder)) == set(range(6))
        steps += 1
    assert steps >= 5


@pytest.mark.usefixtures("_quick_disk")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_after_the_mending_the_next_compaction_leaves_one_row_an_id(
    tmp_path: Path, after: bool
) -> None:
    steps = 0
    while interrupted(folder := tmp_path / str(steps), steps, after):
        store = LocalStore(folder)
        manifest.recover(store)
        assert seen(folder) == list(range(6))
        steps += 1


def test_few_parts_are_left_as_they_are(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    fill(store)
    before = manifest.part_keys(store)
    manifest.compact(store, max_parts=4)
    assert manifest.part_keys(store) == before
    manifest.recover(store)
    assert manifest.part_keys(store) == before


def test_files_are_kept_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "ROWS_PER_FILE", 4)
    store = LocalStore(tmp_path)
    for start in range(0, 12, 2):
        manifest.write_part(store, table_of([start, start + 1]))
    manifest.compact(store, max_parts=1)
    assert len(manifest.part_keys(store)) == 3
    assert seen(tmp_path) == list(range(12))


def test_settling_what_is_settled_changes_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert manifest.settle(store, "job") == 0
    fill(store)
    manifest.settle(store, "job")
    before = [(entry.key, entry.mtime_ns) for entry in store.list()]
    assert manifest.settle(store, "job") == 0
    assert [(entry.key, entry.mtime_ns) for entry in store.list()] == before


def test_an_empty_manifest_has_all_columns(tmp_path: Path) -> None:
    assert manifest.read(LocalStore(tmp_path)).schema == SCHEMA
    assert manifest.read(LocalStore(tmp_path), ["page"]).column_names == ["page"]
