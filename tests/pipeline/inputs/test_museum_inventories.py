"""Inventories as museums have them: any encoding, delimiter, sheet, column names and paths."""

import csv as csv_module
import json
import os
import random
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.config import SelectConfig
from archive_colorizer.pipeline.inputs.inventory import PLAIN, make_form
from archive_colorizer.pipeline.inputs.listing import Listing, list_sources
from archive_colorizer.storage.location import uri_of_path

GERMAN = [("Straße am Schloßplatz", "007"), ("Mädchen, Königsallee", "0001"), ("Größe", "12")]
KOREAN = [("경복궁 근정전", "007"), ("유리건판, 조선총독부", "0001"), ("창덕궁", "12")]
HEADER = ("Titel", "uri", "object_id")
NAMES = {",": ",", ";": ";", "\t": "tabs", "|": "|"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("0.tif", "1.tif", "2.tif"):
        (tmp_path / name).write_bytes(b"12345")
    return tmp_path


def listed(path: Path, **select: Any) -> Listing:
    return list_sources((str(path),), form=make_form(SelectConfig(**select)))


def write_csv(
    path: Path, texts: list[tuple[str, str]], delimiter: str, encoding: str, start: str = ""
) -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        file.write(start)
        writer = csv_module.writer(file, delimiter=delimiter)
        writer.writerow(HEADER)
        writer.writerows((text, f"{n}.tif", number) for n, (text, number) in enumerate(texts))
    return path


def titles(listing: Listing) -> list[tuple[str, str]]:
    rows = listing.table.to_pylist()
    assert [row["problem"] for row in rows] == [""] * len(rows)
    assert [row["size_bytes"] for row in rows] == [5] * len(rows)
    return [(json.loads(row["collection_json"])["Titel"], row["object_id"]) for row in rows]


@pytest.mark.parametrize("delimiter", list(NAMES))
@pytest.mark.parametrize(
    ("encoding", "shown", "texts"),
    [
        ("cp1252", "cp1252", GERMAN),
        ("cp949", "cp949", KOREAN),
        ("mac_roman", "mac-roman", [*GERMAN, ("Ansichten, Übersicht für Fräulein Möller", "1")]),
        ("utf-8", "utf-8", KOREAN),
        ("utf-16", "utf-16", KOREAN),
        ("utf-16-le", "utf-16", KOREAN),
        ("utf-16-be", "utf-16", GERMAN),
        ("utf-16-le", "utf-16", GERMAN),
    ],
)
def test_encoding_and_delimiter_are_found_and_said(
    archive: Path, delimiter: str, encoding: str, shown: str, texts: list[tuple[str, str]]
) -> None:
    (archive / "3.tif").write_bytes(b"12345")
    listing = listed(write_csv(archive / "inventory.csv", texts, delimiter, encoding))
    assert titles(listing) == texts
    note = f"inventory.csv: read as {shown}, separated by {NAMES[delimiter]}"
    plain = (shown, delimiter) == ("utf-8", ",")
    assert listing.notes == (() if plain else (note,))


@pytest.mark.parametrize(
    "text", ["18 × 24 cm", "12° N, 3½ × 4", "© Müller", "50 €", "„Alt“ – neu…", "Ø 7 cm", "ÄÖÜ"]
)
def test_a_few_signs_are_taken_for_what_windows_saves(archive: Path, text: str) -> None:
    path = write_csv(archive / "inventory.csv", [(text, "1")], ";", "cp1252")
    assert titles(listed(path)) == [(text, "1")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16-le"])
def test_a_sep_line_says_the_delimiter_and_is_no_row(archive: Path, encoding: str) -> None:
    path = write_csv(archive / "inventory.csv", GERMAN, ";", encoding, start="sep=;\r\n")
    assert titles(listed(path)) == GERMAN
    path = write_csv(archive / "inventory.csv", GERMAN, "^", encoding, start='"Sep=^"\n')
    assert titles(listed(path)) == GERMAN
    path.write_text("sep=^\nuri^object_id\n0.tif^1\n^2\n", encoding=encoding)
    problem = listed(path).table.to_pylist()[1]["problem"]
    assert problem == f"{path}: row 3: the uri is empty"


def test_a_tsv_is_an_inventory(archive: Path) -> None:
    assert titles(listed(write_csv(archive / "list.tsv", GERMAN, "\t", "utf-8"))) == GERMAN


def test_the_first_odd_byte_may_come_after_megabytes(archive: Path) -> None:
    path = archive / "inventory.csv"
    lines = ["uri;note", *("0.tif;" + "plain " * 20 for _ in range(20_000)), "1.tif;Müller"]
    path.write_text("\n".join(lines), encoding="cp1252")
    rows = listed(path).table.to_pylist()
    assert [json.loads(row["collection_json"])["note"] for row in rows][-1] == "Müller"


def test_a_byte_of_another_encoding_is_its_rows_problem_with_line_and_byte(archive: Path) -> None:
    """Most lines decide; a quoted line end makes the line another number than the row."""
    path = archive / "inventory.csv"
    first = 'uri,note\n0.tif,"two\nlines, Müller"\n1.tif,Größe\n'.encode()
    path.write_bytes(first + b"2.tif,Stra\xdfe\n")
    *sound, odd = listed(path).table.to_pylist()
    assert [row["problem"] for row in sound] == ["", ""]
    said = "row 4: line 5: byte 0xDF is not UTF-8 (save the list as UTF-8)"
    assert odd["problem"] == f"{path}: {said}"


def test_an_encoding_that_nobody_knows_is_each_rows_problem(archive: Path) -> None:
    path = archive / "inventory.csv"
    path.write_bytes(
        b"uri,note\n0.tif,plain\n1.tif,\x81\xab\xff\xfe\x80\xa6\n2.tif,\x8d\xfe\xbf\xb0\n"
    )
    sound, first, second = listed(path).table.to_pylist()
    assert sound["problem"] == ""
    assert "row 3: line 3: byte 0x81 is not UTF-8" in first["problem"]
    assert "row 4: line 4: byte 0x8D is not UTF-8" in second["problem"]


def test_an_encoding_that_is_not_among_those_is_named(archive: Path) -> None:
    polish = [("Łódź, ulica Święty Krzyż", "1"), ("Gdańsk", "2")]
    path = write_csv(archive / "inventory.csv", polish, ";", "cp1250")
    assert titles(listed(path)) != polish
    assert titles(listed(path, encoding="cp1250")) == polish
    for name in ("cp12500", "base64"):
        with pytest.raises(ConfigError, match=f"--encoding {name}: is not known"):
            listed(path, encoding=name)
    (row, _) = listed(path, encoding="utf-8").table.to_pylist()
    assert "row 2: line 2: byte 0xA3 is not UTF-8" in row["problem"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_kind_in_cp949(archive: Path, end: str) -> None:
    text = end.join(["Titel;uri;object_id", *(f"{t};{n}.tif;{i}" for n, (t, i) in
                                              enumerate(KOREAN))])  # fmt: skip
    (archive / "inventory.csv").write_bytes(text.encode("cp949"))
    assert titles(listed(archive / "inventory.csv")) == KOREAN


# --- columns of other names


def test_columns_stand_for_those_that_are_understood(archive: Path) -> None:
    path = archive / "inventory.csv"
    path.write_text(
        "Inv.-Nr.;Dateiname;Sperre;MD5 (Master);uri\n"
        f"1923/45;0.tif;closed;{'A' * 32};http://museum/1\n",
        encoding="cp1252",
    )
    listing = listed(
        path,
        columns=("uri=Dateiname", "object_id=inv.-nr.", "sensitivity=Sperre", "md5=MD5 (Master)"),
    )
    (row,) = listing.table.to_pylist()
    assert row["source_uri"] == uri_of_path(archive / "0.tif")
    assert (row["object_id"], row["sensitivity"]) == ("1923/45", "closed")
    assert row["expected_digest"] == f"md5:{'a' * 32}"
    assert json.loads(row["collection_json"]) == {"uri (2)": "http://museum/1"}


def test_one_column_may_stand_for_two(archive: Path) -> None:
    path = archive / "inventory.parquet"
    pq.write_table(pa.table({"Datei": ["0.tif", "1.tif"]}), path)
    listing = listed(path, columns=("uri=Datei", "object_id=Datei"))
    assert listing.table["object_id"].to_pylist() == ["0.tif", "1.tif"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("uri=Datei",), "no column 'Datei' for uri (it has: Nummer, Dateiname, Größe)"),
        ((), "needs a column 'uri', or --column uri=NAME (it has: Nummer, Dateiname, Größe)"),
        (("url=Dateiname",), "--column url=Dateiname: unknown target 'url': did you mean 'uri'?"),
        (("Dateiname",), "--column Dateiname: must be TARGET=COLUMN"),
    ],
)
def test_a_column_that_is_not_there_is_one_line_with_those_that_are(
    archive: Path, columns: tuple[str, ...], words: str
) -> None:
    path = archive / "inventory.csv"
    path.write_text("Nummer;Dateiname;Größe\n1;0.tif;2\n", encoding="cp1252")
    with pytest.raises(ConfigError) as caught:
        listed(path, columns=columns)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# --- XLSX


def write_sheets(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_an_xlsx_is_an_inventory(archive: Path) -> None:
    path = write_sheets(
        archive / "inventory.xlsx",
        {
            "Erfassung": [
                [], ["uri", "object_id", "Titel", "Jahr", None],
                ["0.tif", "0001", "Straße", 1911, None], [],
                ["1.tif", 7, "유리건판", 1.5, "left over"], [None, "x", "no file", None],
            ],
            "Notizen": [["other"]],
        },
    )  # fmt: skip
    listing = listed(path)
    rows = listing.table.to_pylist()
    assert [row["object_id"] for row in rows] == ["0001", "7", "x"]
    assert json.loads(rows[0]["collection_json"]) == {
        "Jahr": 1911, "Titel": "Straße",
    }  # fmt: skip
    assert rows[1]["problem"] == f"{path}: row 5: has 5 cells, the header has 4"
    assert rows[2]["problem"] == f"{path}: row 6: the uri is empty"
    assert listing.notes[:1] == ("inventory.xlsx: sheet 'Erfassung' of 2 (--sheet)",)


def test_numbers_keep_the_zeros_that_the_sheet_shows(archive: Path) -> None:
    path = archive / "inventory.xlsx"
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Datei", "object_id"])
    sheet.append(["0.tif", 12])
    sheet["B2"].number_format = "00000"
    book.save(path)
    (row,) = listed(path, columns=("uri=Datei",)).table.to_pylist()
    assert row["object_id"] == "00012"


def test_a_sheet_is_named(archive: Path) -> None:
    path = write_sheets(
        archive / "inventory.xlsx", {"A": [["x"]], "Fotos": [["uri"], ["1.tif"], ["2.tif"]]}
    )
    listing = listed(path, sheet="Fotos")
    assert listing.table.num_rows == 2
    assert listing.notes == ()
    with pytest.raises(ConfigError, match=r"no sheet 'Foto' \(there are: A, Fotos\)"):
        listed(path, sheet="Foto")
    write_csv(archive / "inventory.csv", GERMAN, ",", "utf-8")
    with pytest.raises(ConfigError, match="has no sheets"):
        listed(archive / "inventory.csv", sheet="Fotos")


def test_a_mangled_xlsx_is_one_line_or_is_read(archive: Path) -> None:
    """Whatever openpyxl raises for it: 100 files with changed signs in one of their parts."""
    path = write_sheets(archive / "inventory.xlsx", {"A": [["uri"], *[["0.tif"]] * 9]})
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    rng = random.Random(0)  # noqa: S311
    refused = []
    for _ in range(100):
        name = rng.choice(sorted(parts))
        data = bytearray(parts[name])
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.choice(b'<>"/ 0Aa=')
        with zipfile.ZipFile(path, "w") as file:
            for each, whole in parts.items():
                file.writestr(each, bytes(data) if each == name else whole)
        try:
            listed(path)
        except (ConfigError, LocationError) as error:
            refused.append(str(error))
    assert 10 < len(refused) < 90
    assert all("inventory.xlsx: " in said and "\n" not in said for said in refused)


@pytest.mark.parametrize("kind", ["empty", "text", "zip", "cut", "no rows"])
def test_a_file_that_is_no_xlsx_is_one_line(archive: Path, kind: str) -> None:
    path = write_sheets(archive / "inventory.xlsx", {"A": [["uri"], *[["0.tif"]] * 500]})
    whole = path.read_bytes()
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a.txt", "x")
    elif kind == "no rows":
        write_sheets(path, {"A": []})
    else:
        path.write_bytes({"empty": b"", "text": b"uri\n0.tif\n", "cut": whole[:-300]}[kind])
    with pytest.raises(ConfigError, match=r"inventory\.xlsx") as caught:
        listed(path)
    assert "\n" not in str(caught.value)


def test_without_the_extra_an_xlsx_is_refused_in_one_line(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sheets(archive / "inventory.xlsx", {"A": [["uri"], ["0.tif"]]})
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ConfigError, match=r"pip install 'archive-colorizer\[xlsx\]'"):
        listed(path)


# --- paths of other machines


def problems(listing: Listing) -> list[str]:
    return [row["problem"] for row in listing.table.to_pylist()]


def test_backslashes_are_found_and_so_are_names_that_have_them(archive: Path) -> None:
    (archive / "box" / "a").mkdir(parents=True)
    (archive / "box" / "a" / "1.tif").write_bytes(b"12345")
    (archive / "odd\\name.tif").write_bytes(b"123")
    path = archive / "inventory.csv"
    path.write_text("uri\nbox\\a\\1.tif\nodd\\name.tif\nbox\\gone.tif\n")
    listing = listed(path)
    assert listing.table["size_bytes"].to_pylist() == [5, 3, 0]
    names = [raw.decode() for raw in listing.table["relative_raw"].to_pylist()]
    assert names == ["box/a/1.tif", "odd\\name.tif", "box/gone.tif"]


@pytest.mark.parametrize(
    ("written", "mapped"),
    [
        (r"C:\scans\box\1.tif", r"C:\scans={}"),
        (r"c:\Scans\box\1.tif", r"C:\scans\={}/"),
        ("C:/scans/box/1.tif", "c:/scans={}"),
        ("file:///C:/scans/box/1.tif", "C:={}/.."),
        (r"\\nas\photos\box\1.tif", r"\\NAS\photos={}"),
        ("/Volumes/Photos/box/1.tif", "/Volumes/Photos={}"),
    ],
)
def test_paths_of_other_machines_are_mapped(tmp_path: Path, written: str, mapped: str) -> None:
    (tmp_path / "scans" / "box").mkdir(parents=True)
    (tmp_path / "scans" / "box" / "1.tif").write_bytes(b"12345")
    path = tmp_path / "inventory.csv"
    path.write_text(f"uri;note\n{written};x\n")
    (row,) = listed(path, path_map=(mapped.format(tmp_path / "scans"),)).table.to_pylist()
    assert row["problem"] == ""
    assert row["source_uri"] == uri_of_path(tmp_path / "scans" / "box" / "1.tif")
    assert row["relative_raw"] == b"scans/box/1.tif"


def test_a_map_takes_whole_folders_and_the_longest(archive: Path) -> None:
    path = archive / "inventory.csv"
    path.write_text("uri\nC:\\a\\0.tif\nC:\\ab\\1.tif\nC:\\a\\b\\2.tif\n")
    maps = (f"C:\\a={archive}/x", f"C:\\ab={archive}", f"C:\\a\\b={archive}/y")
    uris = listed(path, path_map=maps).table["source_uri"].to_pylist()
    assert uris == [uri_of_path(archive / name) for name in ("x/0.tif", "1.tif", "y/2.tif")]


def test_a_map_may_name_a_folder_of_the_working_directory(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive / "lists").mkdir()
    path = archive / "lists" / "inventory.csv"
    path.write_text("uri\nC:\\a\\0.tif\n")
    monkeypatch.chdir(archive)
    assert listed(path, path_map=("C:\\a=.",)).table["size_bytes"].to_pylist() == [5]


def test_a_windows_path_that_nothing_maps_says_so(archive: Path) -> None:
    path = archive / "inventory.csv"
    path.write_text("uri\nD:\\scans\\1.tif\n0.tif\n\\\\nas\\x\\1.tif\n")
    said = problems(listed(path))
    assert said[0] == ""
    assert "row 2: D:\\scans\\1.tif: is a path of Windows (--path-map 'C:\\scans=" in said[1]
    assert "row 4: \\\\nas\\x\\1.tif: is a path of Windows" in said[2]
    with pytest.raises(ConfigError, match="must be OLD=NEW"):
        listed(path, path_map=("C:\\scans",))


def test_other_normal_forms_and_the_lists_own_bytes_are_found(archive: Path) -> None:
    """A Mac decomposes umlauts; an old server's names have the bytes of the list."""
    (archive / unicodedata.normalize("NFD", "Übersicht.tif")).write_bytes(b"12345")
    Path(os.fsdecode(os.fsencode(archive) + "/Straße.tif".encode("cp1252"))).write_bytes(b"123")
    path = archive / "inventory.csv"
    path.write_text("uri;note\nÜbersicht.tif;Größe\nStraße.tif;Maß\n", encoding="cp1252")
    assert listed(path).table["size_bytes"].to_pylist() == [5, 3]


def test_a_plain_inventory_has_a_plain_form() -> None:
    assert make_form(SelectConfig()) == PLAIN
