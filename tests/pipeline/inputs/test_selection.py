"""What a run does, of what is listed and what the manifest has."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig, OutputConfig, SelectConfig
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.inputs.fates import Wanted
from archive_colorizer.pipeline.inputs.listing import Listing
from archive_colorizer.pipeline.inputs.pages import PAGES
from archive_colorizer.pipeline.inputs.selection import (
    MANIFEST_COLUMNS,
    Compare,
    Selection,
    hash_page,
    select,
)
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import PhotoRef

RECIPE = "r1"
EMPTY = pa.schema([SCHEMA.field(name) for name in MANIFEST_COLUMNS]).empty_table()


def listing(*names: str, **changed: Any) -> Listing:
    rows = [
        {
            "source_uri": f"file:///in/{name}",
            "source_path_raw": f"/in/{name}".encode(),
            "relative_raw": name.encode(),
            "page": 0,
            "size_bytes": 100,
            "mtime_ns": 7,
            "object_id": name.upper(),
            "collection": "",
            "sensitivity": "",
            "class_id": "",
            "expected_digest": "",
            "collection_json": "{}",
            **changed,
        }
        for name in names
    ]
    return Listing(pa.Table.from_pylist(rows, PAGES), ignored=0, notes=("said before",))


def chosen(
    listed: Listing,
    manifest: pa.Table = EMPTY,
    recipe: str = RECIPE,
    wanted: dict[str, Any] | None = None,
    compare: Compare = lambda pages: (),
    **settings: Any,
) -> Selection:
    config = JobConfig(source="/in", output="/out", select=SelectConfig(**settings))
    if "key" not in manifest.column_names:
        manifest = manifest.append_column("key", pa.array([""] * manifest.num_rows, pa.string()))
    asked = Wanted(recipe_sha256=recipe, redo=config.select.is_redo, **wanted or {})
    return select(listed, manifest, config, asked, compare)


def recorded(
    *done: pa.Table, status: str = "ok", error_class: str = "", recipe: str = RECIPE
) -> pa.Table:
    """The manifest after these pages were done."""
    rows = [
        {
            **{name: row.get(name) for name in MANIFEST_COLUMNS},
            "source_bytes": row["size_bytes"],
            "source_mtime": row["mtime_ns"],
            "source_sha256": "5" * 64 if status != "failed" else None,
            "started_at": 0,
            "status": status,
            "error_class": error_class,
            "recipe_sha256": recipe,
        }
        for table in done
        for row in table.to_pylist()
    ]
    return pa.Table.from_pylist(rows, EMPTY.schema)


def names(table: pa.Table) -> list[str]:
    return [uri.rpartition("/")[2] for uri in table["source_uri"].to_pylist()]


def test_a_first_run_does_everything_that_is_listed() -> None:
    first = chosen(listing("a.jpg", "b.jpg"))
    assert names(first.todo) == ["a.jpg", "b.jpg"]
    assert (first.listed, first.done, first.held_back) == (2, 0, 0)
    assert first.excluded.num_rows == 0
    assert first.notes == ("said before",)


def test_what_is_to_be_done_has_every_field_of_a_page_reference() -> None:
    todo = chosen(listing("a.jpg")).todo
    assert {item.name for item in fields(PhotoRef)} <= set(todo.column_names)
    (ref,) = refs_of(todo)
    assert (ref.output_key, ref.attempt, ref.size_bytes) == ("a.colorized.jpg", 1, 100)
    assert ref.row_id == hash_page("file:///in/a.jpg", 0, 100, "7", RECIPE)


def test_a_second_run_does_nothing() -> None:
    both = listing("a.jpg", "b.jpg")
    second = chosen(both, recorded(chosen(both).todo))
    assert (second.todo.num_rows, second.done) == (0, 2)


def test_a_second_run_does_what_has_come_since() -> None:
    first = chosen(listing("a.jpg"))
    second = chosen(listing("a.jpg", "b.jpg"), recorded(first.todo))
    assert names(second.todo) == ["b.jpg"]
    assert (second.done, second.replaced) == (1, 0)


@pytest.mark.parametrize("change", [{"size_bytes": 101}, {"mtime_ns": 8}, {"etag": "x"}])
def test_a_changed_master_is_done_again_under_another_id(change: dict[str, Any]) -> None:
    first = chosen(listing("a.jpg"))
    second = chosen(listing("a.jpg", **change), recorded(first.todo))
    assert names(second.todo) == ["a.jpg"]
    assert second.todo["earlier_id"].to_pylist() == first.todo["row_id"].to_pylist()
    assert second.todo["row_id"].to_pylist() != first.todo["row_id"].to_pylist()
    assert second.todo["attempt"].to_pylist() == [1]
    assert (second.replaced, second.touched.num_rows) == (1, 0)


@pytest.mark.parametrize("change", [{"mtime_ns": 8}, {"etag": "x"}, {"mtime_ns": None}])
def test_a_touched_master_of_the_same_content_is_done(change: dict[str, Any]) -> None:
    rows = recorded(chosen(listing("a.jpg")).todo)
    asked = []

    def same(pages: pa.Table) -> list[str]:
        asked.append(pages.column_names)
        return list(pages["row_id"].to_pylist())

    second = chosen(listing("a.jpg", **change), rows, compare=same)
    assert asked == [["row_id", "source_uri", "source_sha256"]]
    assert (second.todo.num_rows, second.done) == (0, 1)
    (row,) = second.touched.to_pylist()
    assert row["row_id"] == rows["row_id"][0].as_py()
    assert {name: row[name] for name in change} == change


def test_pages_that_are_never_opened_are_not_compared_either(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.jpg\n")
    first = chosen(listing("a.jpg"))
    rows = recorded(first.todo, status="skipped", error_class="excluded")

    def never(pages: pa.Table) -> list[str]:
        raise AssertionError(pages)

    touched = listing("a.jpg", mtime_ns=8)
    assert chosen(touched, rows, compare=never).todo.num_rows == 0
    off = {"exclude_list": str(tmp_path / "list.txt")}
    assert chosen(touched, recorded(first.todo), compare=never, **off).todo.num_rows == 0


def test_another_recipe_asks_for_nothing_by_itself() -> None:
    both = listing("a.jpg", "b.jpg")
    first = chosen(both)
    second = chosen(both, recorded(first.todo), "r2")
    assert (second.todo.num_rows, second.unmade) == (0, 2)
    third = chosen(both, recorded(first.todo), "r2", {"outdated": [RECIPE]})
    assert (names(third.todo), third.unmade) == (["a.jpg", "b.jpg"], 0)
    assert chosen(both, recorded(first.todo), "r2", {"outdated": ["r0"]}).todo.num_rows == 0


def test_a_redo_takes_what_it_has_not_done_yet() -> None:
    both = listing("a.jpg", "b.jpg")
    rows = recorded(chosen(both).todo)
    (first, _) = rows["row_id"].to_pylist()
    only = chosen(both, rows, wanted={"ids": [first]}, redo=True)
    assert only.todo["earlier_id"].to_pylist() == [first]
    assert chosen(both, rows, wanted={"since_us": 0}, redo=True).todo.num_rows == 0
    assert chosen(both, rows, wanted={"since_us": 1}, redo=True).todo.num_rows == 2


def test_a_page_whose_derivative_is_gone_is_done_again() -> None:
    both = listing("a.jpg", "b.jpg")
    rows = recorded(chosen(both).todo)
    again = chosen(both, rows, wanted={"gone": rows["row_id"].to_pylist()[1:]})
    assert names(again.todo) == ["b.jpg"]


def keyed(rows: pa.Table, key: str) -> pa.Table:
    return rows.append_column("key", pa.array([key] * rows.num_rows, pa.string()))


def test_names_of_other_pages_are_not_taken() -> None:
    rows = recorded(chosen(listing("other/a.jpg")).todo)
    for known in (
        {"wanted": {"earlier": {("file:///other/a.jpg", 0): "a.colorized.jpg"}}},
        {"manifest": keyed(rows, "a.colorized.jpg")},
    ):
        todo = chosen(listing("a.jpg"), not_moved=True, **known).todo
        assert todo["output_key"].to_pylist() == ["a.jpg.colorized.jpg"]
        assert todo["owns_key"].to_pylist() == [False]
    own = recorded(chosen(listing("a.jpg")).todo, status="failed")
    for manifest, earlier in (
        (keyed(own, "kept/a.colorized.jpg"), {}),
        (own, {("file:///in/a.jpg", 0): "kept/a.colorized.jpg"}),
    ):
        todo = chosen(listing("a.jpg"), manifest, wanted={"earlier": earlier}, redo=True).todo
        assert todo["output_key"].to_pylist() == ["kept/a.colorized.jpg"]
        assert todo["owns_key"].to_pylist() == [True]


def test_points_of_known_colour_are_kept_until_others_are_given(tmp_path: Path) -> None:
    path = tmp_path / "hints.csv"
    path.write_text("path,x,y,colour\na.jpg,1,2,#ff0000\n")
    both = listing("a.jpg", "b.jpg")
    first = chosen(both, hints=str(path))
    rows = recorded(first.todo)
    assert chosen(both, rows).todo.num_rows == 0
    again = chosen(both, rows, redo=True)
    assert again.todo["hints"].to_pylist() == first.todo["hints"].to_pylist() != ["", ""]
    path.write_text("path,x,y,colour\na.jpg,1,2,#00ff00\n")
    assert names(chosen(both, rows, hints=str(path)).todo) == ["a.jpg"]


@pytest.mark.parametrize(
    ("status", "error_class"),
    [("skipped", "already_colour"), ("failed", "unreadable"), ("ok", "")],
)
def test_a_page_with_a_row_of_another_kind_becomes_excluded_once(
    tmp_path: Path, status: str, error_class: str
) -> None:
    (tmp_path / "list.txt").write_text("a.jpg\n")
    both, off = listing("a.jpg", "b.jpg"), {"exclude_list": str(tmp_path / "list.txt")}
    rows = recorded(chosen(both).todo, status=status, error_class=error_class)
    second = chosen(both, rows, **off)
    assert names(second.excluded) == ["a.jpg"]
    left = rows.filter(pc.equal(rows["source_uri"], "file:///in/b.jpg"))
    now = recorded(second.excluded, status="skipped", error_class="excluded")
    third = chosen(both, pa.concat_tables([left, now]), **off)
    assert third.excluded.num_rows == 0


def test_pages_of_one_file_have_rows_of_their_own() -> None:
    ids = {hash_page("file:///a.tif", page, 1, 1, RECIPE) for page in range(3)}
    assert len(ids) == 3


def test_failed_pages_are_left_alone_unless_they_are_to_be_retried() -> None:
    both = listing("a.jpg", "b.jpg")
    first = chosen(both).todo
    rows = pa.concat_tables(
        [recorded(first.slice(0, 1), status="failed"), recorded(first.slice(1))]
    )
    assert chosen(both, rows).todo.num_rows == 0
    again = chosen(both, rows, retry_failed=True)
    assert names(again.todo) == ["a.jpg"]
    assert again.todo["attempt"].to_pylist() == [2]
    assert again.done == 1


def test_redo_does_everything_again_with_the_same_row_ids() -> None:
    both = listing("a.jpg", "b.jpg")
    first = chosen(both)
    again = chosen(both, recorded(first.todo), redo=True)
    assert again.todo["row_id"].to_pylist() == first.todo["row_id"].to_pylist()
    assert again.todo["attempt"].to_pylist() == [2, 2]
    assert again.done == 0


def test_a_limit_holds_pages_back_and_keeps_their_earlier_rows() -> None:
    three = listing("a.jpg", "b.jpg", "c.jpg")
    first = chosen(three, limit=2)
    assert (names(first.todo), first.held_back) == (["a.jpg", "b.jpg"], 1)
    second = chosen(three, recorded(first.todo), limit=2)
    assert (names(second.todo), second.done, second.held_back) == (["c.jpg"], 2, 0)
    other = chosen(three, recorded(chosen(three).todo), redo=True, limit=1)
    assert (names(other.todo), other.replaced, other.held_back) == (["a.jpg"], 1, 2)


@pytest.mark.parametrize("entry", ["a.jpg", "file:///in/a.jpg", "A.JPG"])
def test_the_exclude_list_takes_paths_uris_and_object_ids(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "exclude.txt"
    path.write_text(f"{entry}\nnobody.jpg\n", encoding="utf-8")
    both = listing("a.jpg", "b.jpg")
    settings = {"exclude_list": str(path), "allow_unmatched": True}
    first = chosen(both, **settings)
    assert (names(first.todo), names(first.excluded)) == (["b.jpg"], ["a.jpg"])
    assert any("line 2: 'nobody.jpg' names nothing" in note for note in first.notes)
    rows = pa.concat_tables(
        [recorded(first.todo), recorded(first.excluded, status="skipped", error_class="excluded")]
    )
    second = chosen(both, rows, **settings)
    assert (second.todo.num_rows, second.excluded.num_rows) == (0, 0)


def test_a_page_that_is_withdrawn_later_gets_a_new_row(tmp_path: Path) -> None:
    path = tmp_path / "exclude.txt"
    path.write_text("a.jpg\n", encoding="utf-8")
    first = chosen(listing("a.jpg"))
    second = chosen(listing("a.jpg"), recorded(first.todo), exclude_list=str(path))
    assert (second.todo.num_rows, names(second.excluded)) == (0, ["a.jpg"])


def test_a_page_that_is_no_longer_excluded_is_done_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "exclude.txt"
    path.write_text("a.jpg\n", encoding="utf-8")
    first = chosen(listing("a.jpg"), exclude_list=str(path))
    rows = recorded(first.excluded, status="skipped", error_class="excluded")
    second = chosen(listing("a.jpg"), rows)
    assert (second.todo.num_rows, second.excluded.num_rows) == (0, 0)
    assert any("1 pictures stay excluded" in note for note in second.notes)
    assert names(chosen(listing("a.jpg"), rows, include_again=True).todo) == ["a.jpg"]


def test_pages_skipped_for_another_reason_stay_done() -> None:
    first = chosen(listing("a.jpg"))
    rows = recorded(first.todo, status="skipped", error_class="already_colour")
    assert chosen(listing("a.jpg"), rows, retry_failed=True).todo.num_rows == 0


def test_a_fixity_list_goes_before_the_inventorys_own_value(tmp_path: Path) -> None:
    path = tmp_path / "sums.txt"
    path.write_text(f"{'a' * 64}  a.jpg\n{'b' * 64}  gone.jpg\n", encoding="utf-8")
    both = listing("a.jpg", "b.jpg", expected_digest=f"md5:{'c' * 32}")
    first = chosen(both, fixity=str(path), allow_unmatched=True)
    sums = first.todo["expected_digest"].to_pylist()
    assert sums == [f"sha256:{'a' * 64}", f"md5:{'c' * 32}"]
    assert any("line 2: 'gone.jpg' names nothing" in note for note in first.notes)
    with pytest.raises(ConfigError, match=r"line 2: 'gone\.jpg' names nothing"):
        chosen(both, fixity=str(path))


@pytest.mark.parametrize("setting", ["fixity", "exclude_list"])
def test_a_list_that_is_not_there_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        chosen(listing("a.jpg"), **{setting: "nowhere.txt"})


def test_names_collide_over_the_whole_listing_not_only_over_what_is_left() -> None:
    both = listing("a.jpg", "a.png")
    first = chosen(both, limit=1)
    second = chosen(both, keyed(recorded(first.todo), "a.jpg.colorized.jpg"))
    assert first.todo["output_key"].to_pylist() == ["a.jpg.colorized.jpg"]
    assert second.todo["output_key"].to_pylist() == ["a.png.colorized.jpg"]


def test_the_format_decides_the_ending() -> None:
    config = JobConfig(source="/in", output="/out", deliver=OutputConfig(format="tiff"))
    todo = select(listing("a.jpg"), keyed(EMPTY, ""), config, Wanted(recipe_sha256=RECIPE)).todo
    assert todo["output_key"].to_pylist() == ["a.colorized.tif"]


def test_everything_may_be_excluded(tmp_path: Path) -> None:
    path = tmp_path / "exclude.txt"
    path.write_text("a.jpg\nb.jpg\n", encoding="utf-8")
    first = chosen(listing("a.jpg", "b.jpg"), exclude_list=str(path))
    assert (first.todo.num_rows, first.excluded.num_rows, first.done) == (0, 2, 0)
