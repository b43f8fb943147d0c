"""The forms `csv` and `xlsx`: a table that people sort, filter and hand around."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from archive_colorizer.exports.office_cells import (
    COLUMNS,
    Cell,
    Link,
    cells_of,
    headers,
    widths,
)
from archive_colorizer.exports.shelf import Sink
from archive_colorizer.exports.task import CHUNK_BYTES, Task
from archive_colorizer.extras import require

MAX_ROWS: Final = 1_048_576
"""Rows of one sheet in Excel, the header among them."""
MAX_CHARS: Final = 32_767
"""Characters of one cell in Excel."""
MAX_LINK_CHARS: Final = 255
"""Characters of a text in a formula."""
_FORMULA: Final = ("=", "+", "-", "@")
"""A cell that begins so is taken for a formula by spreadsheets that read CSV."""
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def as_text(text: str) -> str:
    """Make a text that no spreadsheet takes for a formula; a quote mark before it says so."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text[:1].isspace() else text


def write_csv(task: Task) -> None:
    """Write `pictures.csv`: UTF-8 with a mark, which Excel needs to see, commas, all quoted."""

    def write(sink: Sink) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
        sink.write(b"\xef\xbb\xbf")
        writer.writerow(headers(task.options.language))
        for cells in _rows(task):
            writer.writerow([_plain(cell) for cell in cells])
            if text.tell() > CHUNK_BYTES:
                _drain(text, sink)
        _drain(text, sink)

    task.shelf.put("pictures.csv", "", write, steady=False)


def _drain(text: io.StringIO, sink: Sink) -> None:
    sink.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, Link):
        return as_text(cell.uri)
    return as_text(cell) if isinstance(cell, str) else cell


def write_xlsx(task: Task) -> None:
    """Write `pictures.xlsx`: as many sheets as Excel's rows need, each with header and filter."""
    require("xlsx", "--as xlsx")
    from openpyxl import Workbook  # an extra

    def write(sink: Sink) -> None:
        book = Workbook(write_only=True)
        rows = _rows(task)
        _fill_sheet(book, rows, task.options.language)
        for first in rows:  # those that the sheets before had no room for
            _fill_sheet(book, chain([first], rows), task.options.language)
        with tempfile.TemporaryFile() as file:
            book.save(file)
            file.seek(0)
            while data := file.read(CHUNK_BYTES):
                sink.write(data)

    task.shelf.put("pictures.xlsx", "", write, steady=False)


def _fill_sheet(book: Any, rows: Iterator[list[Cell]], language: str) -> None:  # noqa: ANN401
    """Fill one sheet, until there are no rows or no room."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(f"{len(book.worksheets) + 1}")
    sheet.freeze_panes = "B2"
    for number, width in enumerate(widths(), start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width

    def make(value: Cell, font: Font | None = None) -> Any:  # noqa: ANN401 (openpyxl's cell)
        if isinstance(value, Link):
            cell = WriteOnlyCell(sheet, _link(value))
            cell.data_type = "f" if cell.value.startswith("=HYPERLINK(") else "s"
            return cell
        if isinstance(value, str):
            cell = WriteOnlyCell(sheet, _NOT_XML.sub("\ufffd", value)[:MAX_CHARS])
            cell.data_type = "s"  # also what looks like a formula
        else:
            cell = WriteOnlyCell(sheet, value)
        if font:
            cell.font = font
        return cell

    titles = headers(language)
    bold = Font(bold=True)
    sheet.append([make(title, bold) for title in titles])
    count = 1
    while count < MAX_ROWS and (cells := next(rows, None)) is not None:
        sheet.append([make(cell) for cell in cells])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(titles))}{count}"


def _link(link: Link) -> str:
    """Write a formula that opens a place, or the place where it is too long for one."""
    uri, shown = (_NOT_XML.sub("\ufffd", one).replace('"', '""') for one in (link.uri, link.shown))
    if max(len(uri), len(shown)) > MAX_LINK_CHARS:
        return _NOT_XML.sub("\ufffd", link.uri)[:MAX_CHARS]
    return f'=HYPERLINK("{uri}","{shown}")'


def _rows(task: Task) -> Iterator[list[Cell]]:
    for picture in task.pictures(COLUMNS):
        yield cells_of(picture, task.store, task.options.language)
