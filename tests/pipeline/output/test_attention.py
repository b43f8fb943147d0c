"""Lists of pictures that want a person's attention, and the words of a run's end."""

import csv
import io
from pathlib import Path

import pytest
from rowsets import failed, made_row, skipped, table, write_job

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import attention
from archive_colorizer.pipeline.output.attention import (
    COLUMNS,
    add_paths,
    count_attention,
    read_list,
    to_csv,
    to_lines,
    write_passed_over,
)
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "out")
    write_job(
        store,
        made_row("fine.jpg"),
        failed("z/cut.jpg", object_id="17", page=2),
        failed("a.jpg", "missing"),
        skipped("tinted.jpg", "tinted"),
        skipped("colour.jpg", "colour"),
        failed("secret.jpg", "excluded", status="skipped"),
        made_row("unsure.jpg", review_needed=True, doubt_mean=0.7312),
        made_row("x2.jpg", review_needed=True, flags=["enlarged", "damaged", "negative"]),
    )
    return store


def test_failed_pages_come_by_path_with_class_reason_and_what_to_do(store: LocalStore) -> None:
    first, second = read_list(store, "failed")
    assert (first.path, first.kind) == ("a.jpg", "missing")
    assert (second.path, second.object_id, second.kind) == ("z/cut.jpg", "17", "truncated")
    assert second.name == "z/cut.jpg (page 3)"
    assert second.why == "the file ends before its pixels do"
    assert "--retry-failed" in second.todo
    assert second.message.endswith("the pixels end")


def test_review_names_the_flags_that_nobody_asked_for_or_the_doubt(store: LocalStore) -> None:
    unsure, damaged = read_list(store, "review")
    assert (unsure.kind, unsure.message) == ("doubt", "mean doubt 0.73")
    assert damaged.kind == "damaged negative"
    assert "changed pixels" in damaged.why
    assert "looks like a negative" in damaged.why


def test_skipped_tells_colour_from_hand_colouring_and_exclusion(store: LocalStore) -> None:
    found = {one.path: one.why for one in read_list(store, "skipped")}
    assert "by hand" in found["tinted.jpg"]
    assert "already" in found["colour.jpg"]
    assert "exclude list" in found["secret.jpg"]


def test_passed_over_files_are_named(store: LocalStore) -> None:
    assert read_list(store, "passed_over") == []
    write_passed_over(store, [("b.txt", ".txt"), (".a/x.jpg", "hidden")])
    assert [(one.path, one.kind) for one in read_list(store, "passed_over")] == [
        (".a/x.jpg", "hidden"), ("b.txt", ".txt"),
    ]  # fmt: skip


def test_a_list_of_passed_over_files_that_is_none_is_one_clear_line(store: LocalStore) -> None:
    store.write_atomic("passed-over.parquet", b"no parquet")
    with pytest.raises(LocationError, match=r"passed-over\.parquet: cannot be read"):
        read_list(store, "passed_over")


def test_the_summary_names_the_first_failed_and_counts_the_rest(store: LocalStore) -> None:
    rows = table([failed(f"{n:02d}.jpg") for n in range(8)] + [skipped("t.jpg", "tinted")])
    found = count_attention(rows.select(COLUMNS))
    assert (found.failed, found.hand_coloured, found.in_colour) == (8, 1, 0)
    text = "\n".join(found.lines("out"))
    assert "8 pictures failed:" in text
    assert "00.jpg: the file ends before its pixels do (truncated)" in text
    assert "05.jpg" not in text
    assert "and 3 more: archive-colorizer status out --failed" in text
    assert "--retry-failed" in text
    assert "0 in colour, 1 coloured by hand" in text


def test_nothing_to_say_is_not_said() -> None:
    assert count_attention(table([made_row("a.jpg")]).select(COLUMNS)).lines("out") == []


def test_rows_of_before_get_their_path_from_their_uri() -> None:
    uris = (
        "file:///x/in/K%C3%B6ln/a.jpg",
        "file:///x/in/K%C3%B6ln/deep/b%23.jpg",
        "file:///x/in/c",
    )
    rows = table([made_row(uri, source_uri=uri, source_path=None) for uri in uris])
    assert add_paths(rows)["source_path"].to_pylist() == ["Köln/a.jpg", "Köln/deep/b#.jpg", "c"]


def test_one_row_of_before_among_new_ones_has_its_name() -> None:
    old = made_row("old.jpg", source_path=None, source_uri="file:///x/in/old.jpg")
    paths = add_paths(table([made_row("new.jpg"), old]))["source_path"].to_pylist()
    assert paths == ["new.jpg", "old.jpg"]


def test_csv_has_every_field_and_survives_odd_names(store: LocalStore) -> None:
    odd = 'a,"b"\nc.jpg'
    store.delete_tree("manifest")
    write_job(store, failed(odd))
    (row,) = csv.DictReader(io.StringIO(to_csv(read_list(store, "failed")), newline=""))
    assert (row["path"], row["class"]) == (odd, "truncated")
    assert row["what_to_do"]
    assert row["row_id"] == f"id {odd}"


def test_a_table_for_people_is_one_line_a_picture(store: LocalStore) -> None:
    store.delete_tree("manifest")
    write_job(store, failed("a\nb.jpg"), failed("부산.jpg", object_id="x 1"))
    lines = list(to_lines(read_list(store, "failed"), "failed"))
    assert lines[0] == "failed: 2"
    assert lines[1].split() == ["path", "object", "id", "class", "reason"]
    assert lines[2].startswith("a b.jpg")
    assert lines[3].index("truncated") + 2 == lines[2].index("truncated")  # two wide letters
    assert len(lines) == 6
    assert "what to do:" in lines
    assert list(to_lines([], "passed_over")) == ["passed over: 0"]


def test_lists_are_the_ones_that_status_offers() -> None:
    assert attention.LISTS == ("failed", "review", "skipped", "passed_over")
