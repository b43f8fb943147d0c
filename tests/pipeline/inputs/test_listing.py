import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.inputs import passed_over
from archive_colorizer.pipeline.inputs.listing import list_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    for name in ("b.JPG", "a/x.tif", "a/deep/y.png", "notes.txt", ".hidden.jpg", ".git/z.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"123")
    return root


def names(source: Path | str, **filters: list[str]) -> list[str]:
    table = list_source(str(source), **filters).table
    return [os.fsdecode(raw) for raw in table["relative_raw"].to_pylist()]


def test_a_folder_gives_its_pictures_at_any_depth_in_a_stable_order(folder: Path) -> None:
    assert names(folder) == ["a/deep/y.png", "a/x.tif", "b.JPG"]


def test_what_was_passed_over_is_said(folder: Path) -> None:
    assert list_source(str(folder)).notes == ("3 files passed over: 2 hidden, 1 .txt",)


def test_what_was_passed_over_is_named(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/caf\xe9.doc"
    Path(os.fsdecode(raw)).write_bytes(b"1")
    found = list_source(str(folder), include=["a/*"]).passed_over_names
    assert set(found) == {
        ("notes.txt", ".txt"), (".hidden.jpg", "hidden"), (".git/z.jpg", "hidden"),
        ("b.JPG", "filtered out"), ("caf\ufffd.doc", ".doc"),
    }  # fmt: skip


def test_names_end_where_they_would_be_too_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passed_over, "MAX_NAMES", 2)
    found = list_source(str(folder))
    assert (len(found.passed_over_names), found.ignored) == (2, 3)


def test_globs_choose_on_the_relative_path(folder: Path) -> None:
    assert names(folder, include=["a/*"]) == ["a/deep/y.png", "a/x.tif"]
    assert names(folder, exclude=["*.tif"]) == ["a/deep/y.png", "b.JPG"]
    assert names(folder, include=["a/*"], exclude=["*deep*"]) == ["a/x.tif"]


def test_a_link_back_to_a_folder_above_ends(folder: Path) -> None:
    (folder / "a" / "loop").symlink_to(folder)
    assert len(names(folder)) == 3


def test_one_picture_is_a_source(folder: Path) -> None:
    assert names(folder / "b.JPG") == ["b.JPG"]


def test_a_parquet_inventory_carries_its_columns(folder: Path, tmp_path: Path) -> None:
    columns = {"uri": ["in/b.JPG"], "object_id": ["7"], "year": [1911]}
    pq.write_table(pa.table(columns), tmp_path / "i.parquet")
    (row,) = list_source(str(tmp_path / "i.parquet")).table.to_pylist()
    assert (row["object_id"], row["size_bytes"]) == ("7", 3)
    assert json.loads(row["collection_json"]) == {"year": 1911}


def test_a_page_that_is_listed_twice_is_one_page(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("uri\nin/b.JPG\n./in/b.JPG\n")
    listing = list_source(str(tmp_path / "i.csv"))
    assert listing.table.num_rows == 1
    assert "more than once" in listing.notes[0]


def test_a_file_outside_the_inventorys_folder_stays_inside_output(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "i.csv").write_text("uri\n../x.jpg\n/etc/y.jpg\n")
    found = names(tmp_path / "lists" / "i.csv")
    assert all(name.startswith("absolute/") for name in found)
    assert not any(".." in name for name in found)


def test_nothing_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="no such folder"):
        list_source(str(tmp_path / "x"))
    with pytest.raises(LocationError, match=r"gs:// is not supported"):
        list_source("gs://bucket/prefix")
