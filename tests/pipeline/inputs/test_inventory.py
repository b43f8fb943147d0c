"""Inventories, good and bad, in both forms."""

import csv as csv_module
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
    assert (row["expected_digest"], row["page"]) == (f"sha256:{SUM}", 0)
    assert json.loads(row["collection_json"]) == {"Jahr": "1911", "note": 'a, "b"'}


def test_nulls_in_a_parquet_inventory_are_empty(archive: Path) -> None:
    columns: dict[str, Any] = {"uri": ["one.jpg"], "object_id": [None], "sha256": [None]}
    (row,) = list_source(parquet(archive, {**columns, "page": [None]})).table.to_pylist()
    assert (row["object_id"], row["expected_digest"], row["page"]) == ("", "", 0)


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


ODD: list[tuple[dict[str, Any], str]] = [
    ({"uri": ""}, "the uri is empty"),
    ({"uri": "  "}, "the uri is empty"),
    ({"uri": "a.jpg", "page": "2"}, "page '2': only page 0 is supported"),
    ({"uri": "a.jpg", "page": "-1"}, "page '-1'"),
    ({"uri": "a.jpg", "page": "9" * 5000}, "page '999"),
    ({"uri": "a.jpg", "page": "recto"}, "page 'recto'"),
    ({"uri": "a.jpg", "sha256": "00"}, "'00' is not a SHA-256"),
    ({"uri": "a.jpg", "MD5": "g" * 32}, "is not a MD5"),
    ({"uri": "gs://bucket/a.jpg"}, "gs://bucket/a.jpg: gs:// is not supported"),
    ({"uri": "s3:///a.jpg"}, "must be s3://BUCKET"),
    ({"uri": "file://server/a.jpg"}, "is no file of this machine"),
    ({"uri": "s3://b/a.jpg", "size_bytes": "many"}, "size_bytes 'many'"),
    ({"uri": "s3://b/a.jpg", "size_bytes": "-7"}, "size_bytes '-7'"),
    ({"uri": "a.jpg", "size_bytes": "-7"}, "size_bytes -7"),
    ({"uri": "s3://b/a.jpg", "size_bytes": "9" * 30}, "size_bytes '999"),
    ({"uri": "file:///a%00.jpg"}, "NUL"),
    ({"uri": "a\0.jpg"}, "NUL"),
    ({"uri": "a.jpg", "caption": "a\0b"}, "NUL"),
    ({"uri": "a" * 5000 + "\nb://c"}, "is not supported"),
]


@pytest.mark.parametrize(("cells", "words"), ODD)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_odd_row_is_its_own_page_and_stops_no_other(
    archive: Path, cells: dict[str, str], words: str, form: str
) -> None:
    columns = list(dict.fromkeys(["uri", *cells]))
    good = dict.fromkeys(columns, "")
    rows = [good | {"uri": "one.jpg"}, good | cells, good | {"uri": "two ü.png"}]
    if form == "csv":
        with (archive / "list.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv_module.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        source, number = str(archive / "list.csv"), 3
    else:
        source, number = parquet(archive, {one: [row[one] for row in rows] for one in columns}), 2
    table = list_source(source).table
    sound = [row["source_uri"] for row in table.to_pylist() if not row["problem"]]
    assert sound == [uri_of_path(archive / name) for name in ("one.jpg", "two ü.png")]
    (odd,) = [row for row in table.to_pylist() if row["problem"]]
    assert odd["problem"].startswith(f"{source}: row {number}: ")
    assert words in odd["problem"]
    assert odd["problem"].isprintable()
    assert len(odd["problem"]) < 1100
    if "s3://b" not in odd["source_uri"]:
        assert odd["source_uri"] in (
            uri_of_path(archive / "a.jpg"),
            f"{uri_of_path(source)}#row-{number}",
        )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a.jpg", "has 1 cells, the header has 3"),
        (b"a.jpg,1,2,3", "has 4 cells, the header has 3"),
        (b"Stra\xdfe.jpg,1,2", "line 4: byte 0xDF is not UTF-8"),
        (b"a.jpg,\xff,2", "line 4: byte 0xFF is not UTF-8"),
        (b"s3://b/\xff.jpg,1,2", "line 4: byte 0xFF is not UTF-8"),
        (b'a.jpg,"never closed,2', "has a quote that is not closed"),
        (b'"a.jpg,1,2', "has a quote that is not closed"),
        (b"\0\0\0\0,\0,\0", "NUL"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_odd_line_of_a_csv_is_its_own_page(
    archive: Path, line: bytes, words: str, end: bytes
) -> None:
    lines = [b"uri,object_id,caption", b'one.jpg,1,"two', 'línes"'.encode(), line, b"", b""]
    more = ['two%d.jpg,2,"ä, b"'.encode() % n for n in range(2000)]
    (archive / "list.csv").write_bytes(end.join([*lines[:-1], *more]))
    rows = list_source(str(archive / "list.csv")).table.to_pylist()
    assert len(rows) == 2002
    (odd,) = [row for row in rows if row["problem"]]
    assert "list.csv: row 3: " in odd["problem"]
    assert words in odd["problem"]
    assert [row["object_id"] for row in rows[:2]] == ["1", "2"]


@pytest.mark.parametrize(
    "line",
    [
        b'a.jpg,1,"a "quoted" word"',
        b'a.jpg,1,12" x 15" print',
        b'"a.jpg" ,1,x',
        b"a.jpg,1,x,,,",
        b'a.jpg,1,"' + b"long " * 2_000_000 + b'"',
    ],
)
def test_what_can_be_understood_is_taken(archive: Path, line: bytes) -> None:
    (archive / "list.csv").write_bytes(b"uri,object_id,caption\n" + line + b"\none.jpg,2,y\n")
    rows = list_source(str(archive / "list.csv")).table.to_pylist()
    assert [(row["object_id"], row["problem"]) for row in rows] == [("1", ""), ("2", "")]
    assert rows[0]["source_uri"] == uri_of_path(archive / "a.jpg")


def test_a_sound_row_goes_before_an_odd_one_of_the_same_page(archive: Path) -> None:
    source = csv(archive, f"uri,page,sha256\none.jpg,,xyz\none.jpg,,{SUM}\none.jpg,3,\n")
    first, second = list_source(source).table.to_pylist()
    assert (first["problem"], first["expected_digest"]) == ("", f"sha256:{SUM}")
    assert (second["page"], second["problem"]) == (
        3,
        f"{source}: row 4: page '3': only page 0 is supported yet",
    )


def test_captions_of_many_lines_and_odd_headers_keep_their_text(archive: Path) -> None:
    """apache/arrow#39857: quoted line ends over a megabyte, and a comma in a column's name."""
    with (archive / "list.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv_module.writer(file)
        writer.writerow(["uri", "object_id", "Title, full", "a b", "caption", "", "caption"])
        for n in range(9000):
            caption = f'Street,\nVerso: "{n}".\n\nGift; {"x" * (n % 97)}'
            writer.writerow([f"{n}.jpg", f"{n:06d}", f"{n:04d}", "0001", caption, "1e5", "last"])
    assert (archive / "list.csv").stat().st_size > 1 << 20
    table = list_source(str(archive / "list.csv")).table
    assert table["object_id"].to_pylist() == [f"{n:06d}" for n in range(9000)]
    assert set(table["problem"].to_pylist()) == {""}
    assert json.loads(table["collection_json"][7].as_py()) == {
        "Title, full": "0007", "a b": "0001", "caption": 'Street,\nVerso: "7".\n\nGift; xxxxxxx',
        "column 6": "1e5", "caption (2)": "last",
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_save_is_read(archive: Path, delimiter: str, encoding: str) -> None:
    rows = [["Titel", "URI", "Sensitivity", "MD5"], ['"a, b; c"', "two ü.png", "closed", "A" * 32]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (archive / "list.csv").write_bytes(f"\r\n{text}".encode(encoding))
    (row,) = list_source(str(archive / "list.csv")).table.to_pylist()
    assert row["source_uri"] == uri_of_path(archive / "two ü.png")
    assert (row["sensitivity"], row["expected_digest"]) == ("closed", f"md5:{'a' * 32}")
    assert json.loads(row["collection_json"]) == {"Titel": "a, b; c"}


def test_columns_of_any_type_are_read(archive: Path) -> None:
    """As programs write it: gaps, bytes, dates beyond the calendar, what is not finite."""
    columns: dict[str, Any] = {
        "uri": pa.array([b"one.jpg", b"two \xc3\xbc.png", b"\xff.jpg", None]).cast(pa.binary()),
        "object_id": pa.array([7, None, 8, 9], pa.float64()),
        "page": pa.array([0, None, 0, 0], pa.float64()),
        "collection": pa.array(["A", "A", None, "B"]).dictionary_encode(),
        "class_id": pa.array([0, 1, 2, 3], pa.uint8()),
        "sha256": pa.array([bytes.fromhex(SUM), None, None, None], pa.binary()),
        "taken": pa.array([2**62, -(2**62), 0, None], pa.timestamp("us")),
        "score": pa.array([float("nan"), float("inf"), 1.5, None]),
        "tags": pa.array([["a", "b"], [], None, ["c"]]),
        "place": pa.array([{"lat": float("nan")}, None, None, None]),
        "raw": pa.array([b"\xff", b"ok", None, b""]),
    }
    rows = list_source(parquet(archive, columns)).table.to_pylist()
    assert [row["source_uri"].rpartition("/")[2] for row in rows] == [
        "one.jpg", "two%20%C3%BC.png", "%FF.jpg", "list.parquet#row-4",
    ]  # fmt: skip
    assert [bool(row["problem"]) for row in rows] == [False, False, False, True]
    assert [row["object_id"] for row in rows] == ["7", "", "8", "9"]
    assert [row["class_id"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0]["expected_digest"] == f"sha256:{SUM}"
    other = [json.loads(row["collection_json"]) for row in rows]
    assert other[1]["score"] == "inf"
    assert other[2]["score"] == 1.5
    assert other[3]["tags"] == ["c"]


def test_text_of_a_parquet_that_is_not_utf8_is_one_rows_problem(archive: Path) -> None:
    raw = pa.array([b"one.jpg", b"\xff.jpg", b"two \xc3\xbc.png"])
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    rows = list_source(parquet(archive, {"uri": text})).table.to_pylist()
    assert [row["problem"].rpartition(": ")[2] for row in rows] == [
        "", "", "is not UTF-8 (save the list as UTF-8)",
    ]  # fmt: skip


def test_a_quote_that_is_never_closed_does_not_take_in_the_rest(archive: Path) -> None:
    """Nor does it cost a search of the whole rest for each."""
    lines = ["uri,caption", *(f'{n}.jpg,"open' for n in range(3000)), "one.jpg,x"]
    rows = list_source(csv(archive, "\n".join(lines))).table.to_pylist()
    assert len(rows) == 3001
    assert [row["source_uri"] for row in rows if not row["problem"]] == [
        uri_of_path(archive / "one.jpg")
    ]


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
@pytest.mark.parametrize("data", [b"", b"\n\n", b"url\n\xff\xfe\n", b"PAR1 not really"])
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
