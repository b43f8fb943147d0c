"""Tables for people: readable, sortable, and no text in them is a formula."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from exported import Archive, Export
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from archive_colorizer.exports import office
from archive_colorizer.exports.office import as_text


def read_csv(dest: Path) -> list[dict[str, str]]:
    data = (dest / "pictures.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_every_picture_has_its_line_in_words(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("csv")
    lines = read_csv(tmp_path / "dest")
    assert len(lines) == len(archive.rows()) == 15
    by_path = {line["Path"]: line for line in lines}
    cut = by_path["cut.jpg"]
    assert (cut["Status"], cut["Coloured picture"]) == ("failed", "")
    assert cut["Reason"] == "the file ends before its pixels do"
    blue = by_path["100%.jpg"]
    assert (blue["Verdict"], blue["Reviewers"]) == ("rejected", "anna")
    assert blue["Reasons of the verdict"] == "sky, water or foliage has wrong colours"
    assert by_path["한국 사진.jpg"]["Verdict"] == "disputed"
    assert by_path["a photo.jpg"]["Reviewers"] == "anna; bo"
    assert [line["Page"] for line in lines if line["Path"] == "album.tif"] == ["1", "2", "3"]
    assert by_path["a photo.jpg"]["Coloured picture"].startswith("file://")


def test_korean_headers_and_words(give: Export, tmp_path: Path) -> None:
    give("csv", language="ko")
    lines = read_csv(tmp_path / "dest")
    cut = next(line for line in lines if line["경로"] == "cut.jpg")
    assert (cut["상태"], cut["사유"]) == ("실패", "파일이 중간에 끊겨 있습니다")


def test_no_cell_of_the_csv_is_a_formula(give: Export, tmp_path: Path) -> None:
    give("csv")
    cells = [cell for line in read_csv(tmp_path / "dest") for cell in line.values()]
    assert "'=1+1.png" in cells
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.text(max_size=20))
def test_a_text_is_a_text_and_can_be_read_again(text: str) -> None:
    safe = as_text(text)
    assert safe.removeprefix("'") == text or safe == text
    assert not safe.startswith(("=", "+", "-", "@", " ", "\t", "\r", "\n"))


def test_the_workbook_has_header_filter_widths_links_and_no_formula_of_others(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("xlsx")
    path = tmp_path / "dest" / "pictures.xlsx"
    (sheet,) = load_workbook(path).worksheets
    assert sheet.max_row == 1 + len(archive.rows())
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == f"A1:AA{sheet.max_row}"
    assert sheet.column_dimensions["A"].width == 40
    assert sheet["A1"].font.bold
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    texts = {cell.value for cell in cells if cell.data_type == "s"}
    assert {"=1+1.png", "=cmd|' /C calc'!A0"} <= texts
    formulas = [cell.value for cell in cells if cell.data_type == "f"]
    assert all(text.startswith('=HYPERLINK("file://') for text in formulas)
    assert len(formulas) == len(archive.rows()) + len(archive.ok())
    with zipfile.ZipFile(path) as book:  # as Excel sees it: strings are strings
        assert b"<f>=cmd" not in book.read("xl/worksheets/sheet1.xml")


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(
    archive: Archive, give: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "MAX_ROWS", 6)
    give("xlsx")
    sheets = load_workbook(tmp_path / "dest" / "pictures.xlsx").worksheets
    assert [sheet.max_row for sheet in sheets] == [6, 6, 6]
    assert [sheet["A1"].value for sheet in sheets] == ["Path"] * 3
    paths = [row[0].value for sheet in sheets for row in sheet.iter_rows(min_row=2)]
    assert len(paths) == len(archive.rows())
    assert paths == sorted(paths)
