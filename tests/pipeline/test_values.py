"""Whatever a page brings along, its row can be written."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.pipeline.inputs.pages import PAGES, make_page, page_of_entry, problem_page
from archive_colorizer.pipeline.output.manifest import to_parquet
from archive_colorizer.pipeline.output.rows import JobContext, outcome_table
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.pipeline.values import fitting, valid_text
from archive_colorizer.storage import Entry

ANY_TEXT = st.text(st.characters(), max_size=20)
ANY_NUMBER = st.integers(-(2**70), 2**70)
YEAR_2446_NS = 15_023_664_000 * 10**9
YEAR_1601_NS = -11_644_473_600 * 10**9


def test_text_without_what_nothing_can_hold() -> None:
    assert valid_text("a\udcff\ud800b\0c\x1b[2J\x7f") == "a\ufffd\ufffdb\ufffdc\ufffd[2J\ufffd"
    assert valid_text("line\n\ttab 한국어 😀") == "line\n\ttab 한국어 😀"


@given(ANY_TEXT, ANY_NUMBER, st.none() | st.floats())
def test_any_values_make_a_row(text: str, number: int, real: float | None) -> None:
    row: dict[str, Any] = {}
    for field in SCHEMA:
        if pa.types.is_string(field.type):
            row[field.name] = text
        elif pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type):
            row[field.name] = number
        elif pa.types.is_floating(field.type):
            row[field.name] = real
    row |= {"flags": [text], "steps": [{"op": text, "seed": number}]}
    table = pa.Table.from_pylist([fitting(row, SCHEMA)], SCHEMA)
    assert to_parquet(table)


def test_a_number_out_of_range_is_null_and_all_else_stays() -> None:
    row = {"mtime_ns": 2**63, "page": 2**31 - 1, "size_bytes": -(2**63), "problem": "x"}
    made = fitting(row, PAGES)
    assert (made["mtime_ns"], made["page"], made["size_bytes"]) == (None, 2**31 - 1, -(2**63))
    assert (made["problem"], made["etag"]) == ("x", None)


def test_names_by_which_things_are_found_again_keep_their_characters() -> None:
    row = {"source_uri": "s3://b/a\x01.jpg", "object_id": "a\x01"}
    made = fitting(row, PAGES)
    assert (made["source_uri"], made["object_id"]) == ("s3://b/a\x01.jpg", "a\ufffd")


@pytest.mark.parametrize("mtime_ns", [YEAR_2446_NS, YEAR_1601_NS, 2**63, -(2**63) - 1])
def test_a_date_that_no_table_can_hold_is_none(mtime_ns: int) -> None:
    page = page_of_entry(Entry("a.jpg", "file:///a.jpg", 3, mtime_ns), "a.jpg")
    assert page["mtime_ns"] is None
    assert pa.Table.from_pylist([page], PAGES)["mtime_ns"].to_pylist() == [None]
    ref = PhotoRef("a" * 64, "file:///a.jpg", b"/a.jpg", "a.jpg", 3, mtime_ns=mtime_ns)
    assert rows_of(ref)[0]["source_mtime"] is None


@pytest.mark.parametrize("mtime_ns", [0, -1, 2**63 - 1, -2_000_000_000 * 10**9])
def test_other_dates_stay_before_1970_too(mtime_ns: int) -> None:
    assert make_page("file:///a", "a", size=1, mtime_ns=mtime_ns)["mtime_ns"] == mtime_ns


@pytest.mark.parametrize("size", [-1, 2**63, 2**70])
def test_a_size_that_no_table_can_hold_is_0(size: int) -> None:
    assert make_page("file:///a", "a", size=size, mtime_ns=None)["size_bytes"] == 0


def rows_of(ref: PhotoRef, context_text: str = "x") -> list[dict[str, Any]]:
    facts = SourceFacts(
        "0" * 64, "image/png", 2**40, 1, 8, 1, "grey", 1, 1, float("inf"), None, "icc\0\udc80",
        "none", "match",
    )  # fmt: skip
    context = JobContext("j", "r", "{}", ({"op": "x", "model_ref": context_text},), "1", "", "", "")
    outcome = Outcome(ref, Status.OK, 2**70, facts=facts, error_message="\ud800")
    return list(outcome_table([outcome], context, "node\udcff").to_pylist())


def test_facts_settings_and_hosts_make_no_row_fail(tmp_path: Path) -> None:
    ref = PhotoRef("a" * 64, "file:///a", b"/a\xff", "a\udcff.jpg", 2**70, object_id="\ud800")
    (row,) = rows_of(ref, "/models/\udcff")
    assert (row["width"], row["source_bytes"], row["started_at"]) == (None, None, None)
    assert (row["icc_name"], row["node"], row["object_id"]) == (
        "icc\ufffd\ufffd", "node\ufffd", "\ufffd",
    )  # fmt: skip


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_a_page_with_a_problem_always_makes_a_row(uri: str, relative: str, problem: str) -> None:
    assert pa.Table.from_pylist([problem_page(uri, relative, problem)], PAGES).num_rows == 1
