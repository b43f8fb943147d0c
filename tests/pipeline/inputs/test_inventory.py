"""Inventories, good and bad, in both forms."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.inputs.listing import list_source, total_bytes
from archive_colorizer.pipeline.inputs.pages import PAGES
from archive_colorizer.storage.location import uri_of_path

SUM = "ab" * 32


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("one.jpg", "two ü.png"):
        (tmp_path / name).write_bytes(b"12345")
    return tmp_path


def csv(folder: Path, text: str) -> str:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def parquet(folder: Path, columns: dict[str, Any]) -> str:
    path = folder / "list.parquet"
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_both_forms_say_the_same(archive: Path) -> None:
    columns = {"uri": ["one.jpg", "two ü.png"], "object_id": ["007", "8"], "collection": ["C", ""]}
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    from_csv = list_source(csv(archive, "\n".join(lines))).table
    from_parquet = list_source(parquet(archive, columns)).table
    assert from_csv.schema == from_parquet.schema == PAGES
    assert from_csv.equals(from_parquet)
    assert from_csv["object_id"].to_pylist() == ["007", "8"]
    assert total_bytes(from_csv) == 10


def test_understood_columns_have_their_place_and_the_others_are_carried(archive: Path) -> None:
    source = csv(
        archive,
        "\ufeffuri,sensitivity,class_id,sha256,page,Jahr,note\r\n"
        f'one.jpg,faces,12,{SUM.upper()},0,1911,"a, ""b"""\r\n',
    )
    (row,) = list_source(source).table.to_pylist()
    assert (row["sensitivity"], row["class_id"]) == ("faces", "12")
    assert (row["expected_sha256"], row["page"]) == (SUM, 0)
    assert json.loads(row["collection_json"]) == {"Jahr": "1911", "note": 'a, "b"'}


def test_nulls_in_a_parquet_inventory_are_empty(archive: Path) -> None:
    columns: dict[str, Any] = {"uri": ["one.jpg"], "object_id": [None], "sha256": [None]}
    (row,) = list_source(parquet(archive, {**columns, "page": [None]})).table.to_pylist()
    assert (row["object_id"], row["expected_sha256"], row["page"]) == ("", "", 0)


def test_a_uri_names_a_file_whose_name_is_not_utf8(archive: Path) -> None:
    path = os.fsencode(archive) + b"/Stra\xdfe.jpg"
    Path(os.fsdecode(path)).write_bytes(b"x")
    uri = uri_of_path(os.fsdecode(path))
    (row,) = list_source(csv(archive, f"uri\n{uri}\n")).table.to_pylist()
    assert (row["source_uri"], row["source_path_raw"]) == (uri, path)
    assert (row["relative_raw"], row["size_bytes"]) == (b"Stra\xdfe.jpg", 1)


def test_a_file_that_is_not_there_stays_listed(archive: Path) -> None:
    table = list_source(csv(archive, "uri\none.jpg\ngone.jpg\n")).table
    assert table["size_bytes"].to_pylist() == [5, 0]
    assert table["mtime_ns"].to_pylist()[1] == 0


def test_one_file_by_its_name_and_by_its_uri_is_one_page(archive: Path) -> None:
    uri = uri_of_path(archive / "one.jpg")
    listing = list_source(csv(archive, f"uri\none.jpg\n{uri}\none.jpg\n"))
    assert listing.table.num_rows == 1
    assert listing.notes == ("2 pages are listed more than once",)


def test_filters_are_for_inventories_too(archive: Path) -> None:
    source = csv(archive, "uri\none.jpg\ntwo ü.png\n")
    listing = list_source(source, include=["*.png", "*.jpg"], exclude=["one*"])
    assert listing.table["relative_raw"].to_pylist() == ["two ü.png".encode()]
    assert listing.ignored == 1


def test_filters_that_leave_nothing_are_refused(archive: Path) -> None:
    with pytest.raises(LocationError, match="no pictures there"):
        list_source(str(archive), include=["*.gif"])


def test_case_counts_in_filters(archive: Path) -> None:
    with pytest.raises(LocationError, match="no pictures there"):
        list_source(str(archive), include=["*.JPG"])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": ["a.jpg"]}, r"needs a column 'uri' \(it has: path\)"),
        ({"uri": ["a.jpg", None]}, "row 2: the uri is empty"),
        ({"uri": ["a.jpg"], "page": [2]}, "row 1: page '2'"),
        ({"uri": ["a.jpg"], "sha256": ["00"]}, "row 1: '00' is not a SHA-256"),
        ({"uri": ["gs://bucket/a.jpg"]}, "row 1: gs://bucket/a.jpg: gs:// is not supported"),
        ({"uri": ["s3:///a.jpg"]}, "must be s3://BUCKET"),
        ({"uri": ["s3://b/a.jpg"], "size_bytes": ["many"]}, "row 1: size_bytes 'many'"),
        ({"uri": ["a.jpg", "file:///a%00.jpg"]}, "row 2: .*NUL"),
        ({"uri": ["a.jpg", "a\0.jpg"]}, "row 2: .*NUL"),
    ],
)
def test_what_is_wrong_in_a_parquet_inventory_is_named_by_row(
    archive: Path, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        list_source(parquet(archive, columns))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
@pytest.mark.parametrize("data", [b"", b"uri\n\xff\xfe\n", b"PAR1 not really"])
def test_a_file_that_is_no_inventory_is_refused_in_one_line(
    archive: Path, name: str, data: bytes
) -> None:
    (archive / name).write_bytes(data)
    with pytest.raises(ConfigError, match=name) as caught:
        list_source(str(archive / name))
    assert "\n" not in str(caught.value)


def test_an_inventory_without_rows_names_no_picture(archive: Path) -> None:
    with pytest.raises(LocationError, match="no pictures there"):
        list_source(csv(archive, "uri\n"))
