"""Tables as museums have them: CSV of any make, XLSX and Parquet, as names of columns and rows.

What was found out about a table rather than said by it is its `note`.
"""

import io
import os
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, BinaryIO, Final
from zipfile import BadZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from archive_colorizer.errors import ConfigError
from archive_colorizer.extras import require
from archive_colorizer.pipeline.inputs.encodings import find_encoding
from archive_colorizer.pipeline.inputs.text_files import (
    SURROGATE,
    Row,
    distinct_names,
    is_utf8,
    open_text,
    read_csv,
)
from archive_colorizer.storage import Location, S3Settings, open_file

BATCH_ROWS: Final = 10_000
SHEETS: Final = frozenset({".xlsx", ".xlsm"})
TABLES: Final = frozenset({".csv", ".tsv", ".parquet", *SHEETS})
"""Endings of tables."""
SHOWN: Final[Mapping[str, str]] = {
    "utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16", "mac_roman": "mac-roman",
    "\t": "tabs",
}  # fmt: skip
BROKEN_SHEETS: Final = (
    AttributeError, BadZipFile, EOFError, LookupError, RuntimeError, SyntaxError, TypeError,
    ValueError, zlib.error,
)  # fmt: skip
"""What openpyxl, zipfile and the XML reader raise for files that are no sheets, or cut."""
RawRow = tuple[int, Sequence[Any], str]
"""A row's number, its cells in order, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Table:
    """An open table."""

    names: Sequence[str]
    """Of the columns, distinct and never empty."""
    rows: Iterable[RawRow] = field(repr=False)
    note: str = ""
    """What was found out, one line; empty where nothing needs to be said."""
    encoding: str = "utf-8"
    """Codec of its text."""


@contextmanager
def open_table(
    place: Location, s3: S3Settings, wanted: Iterable[str], sheet: str = "", encoding: str = ""
) -> Iterator[Table]:
    """Open a table by its ending.

    Args:
        place: of the file.
        s3: the way to object stores.
        wanted: names of columns that tell the delimiter of a CSV.
        sheet: of an XLSX; empty takes the first.
        encoding: of a CSV; empty finds it.

    Raises:
        ConfigError: it is no table, has no such sheet, or needs an extra that is not installed.
        OSError: it cannot be read.
        UnicodeError: its text cannot be decoded.
        ArrowException: it is no Parquet.
    """
    if sheet and place.suffix not in SHEETS:
        raise ConfigError(f"{place.text}: has no sheets (--sheet is for .xlsx)")
    with open_file(place, s3) as file:
        if place.suffix == ".parquet":
            with pq.ParquetFile(file) as opened:
                yield _read_parquet(opened)
        elif place.suffix in SHEETS:
            yield _read_sheet(place, file, sheet)
        else:
            encoding = encoding or find_encoding(file)
            with open_text(file, encoding) as lines:
                yield _read_text(place, lines, encoding, {name.lower() for name in wanted})


def _read_text(
    place: Location, lines: io.TextIOWrapper, encoding: str, wanted: Collection[str]
) -> Table:
    table = read_csv(lines, wanted)
    shown = SHOWN.get(encoding, encoding)
    note = ""
    if (shown, table.delimiter) != ("utf-8", ","):
        separated = SHOWN.get(table.delimiter, table.delimiter)
        note = f"{place.name}: read as {shown}, separated by {separated}"
    rows = (_check_text(row, shown) for row in table.rows)
    return Table(table.names, rows, note, encoding)


def _check_text(row: Row, encoding: str) -> RawRow:
    """Name the line and the byte that the encoding does not have."""
    problem = row.problem
    if not problem and not is_utf8("".join(row.cells)):
        (byte,) = os.fsencode(SURROGATE.findall("".join(row.cells))[0])[:1]
        problem = (
            f"line {row.line}: byte 0x{byte:02X} is not {encoding.upper()} (save the list as UTF-8)"
        )
    return row.number, row.cells, problem


def _read_parquet(table: pq.ParquetFile) -> Table:
    rows = (
        cells
        for batch in table.iter_batches(BATCH_ROWS)
        for cells in zip(*map(_values_of, batch.columns), strict=True)
    )
    numbered = ((number, cells, "") for number, cells in enumerate(rows, start=1))
    return Table(distinct_names(table.schema_arrow.names), numbered)


def _values_of(column: pa.Array) -> list[Any]:
    """Give a column's values; those that Python cannot hold as what they are, as text."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        raw = column.cast(pa.binary() if pa.types.is_string(column.type) else pa.large_binary())
        values = [None if one is None else os.fsdecode(one) for one in raw.to_pylist()]
    except (ValueError, OverflowError, pa.ArrowException):  # a date in the year 20000
        values = column.cast(pa.string()).to_pylist()
    return values


def _read_sheet(place: Location, file: BinaryIO, name: str) -> Table:
    require("xlsx", f"{place.text}: a spreadsheet")
    from openpyxl import load_workbook

    warnings.filterwarnings("ignore", module=r"openpyxl\.")  # what it leaves out is no data
    with _reading_sheet(place):
        book = load_workbook(file, read_only=True, data_only=True)
        there = [sheet.title for sheet in book.worksheets]
    if not there or name not in ("", *there):
        raise ConfigError(f"{place.text}: no sheet {name!r} (there are: {', '.join(there)})")
    sheet = book[name or there[0]]
    rows = ((number, cells) for number, cells in _sheet_rows(place, sheet) if cells)
    names = distinct_names("" if one is None else str(one) for one in next(rows, (0, []))[1])
    note = f"{place.name}: sheet {sheet.title!r} of {len(there)} (--sheet)"
    return Table(
        names, (_fit(*row, len(names)) for row in rows), "" if name or len(there) < 2 else note
    )


@contextmanager
def _reading_sheet(place: Location) -> Iterator[None]:
    try:
        yield
    except BROKEN_SHEETS as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"{place.text}: cannot be read as .xlsx: {said}") from error


def _sheet_rows(place: Location, sheet: Any) -> Iterator[tuple[int, list[Any]]]:  # noqa: ANN401
    """Yield each row's number, and its cells without the empty ones at its end."""
    with _reading_sheet(place):
        sheet.reset_dimensions()  # programs write wrong ones
        for number, row in enumerate(sheet.iter_rows(), start=1):
            cells = [_cell_value(cell) for cell in row]
            while cells and cells[-1] in (None, ""):
                cells.pop()
            yield number, cells


def _fit(number: int, cells: Sequence[Any], width: int) -> RawRow:
    problem = f"has {len(cells)} cells, the header has {width}" if len(cells) > width else ""
    return number, (*cells, *[None] * (width - len(cells))), problem


def _cell_value(cell: Any) -> Any:  # noqa: ANN401 (openpyxl has no types)
    """Give a cell's value as the sheet shows it: leading zeros of a number stay."""
    value = cell.value
    if isinstance(value, int) and not isinstance(value, bool):
        shape = cell.number_format
        if len(shape) > 1 and set(shape) == {"0"}:
            return f"{value:0{len(shape)}d}"
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    return value
