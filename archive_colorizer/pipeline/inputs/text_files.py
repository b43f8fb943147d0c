"""Text that people and their programs write: its encoding, its lines, its cells.

UTF-8 or UTF-16, with or without a mark; for tables whose text is kept, also what `encodings` finds.
A byte that is none of it stays as a surrogate escape: file names may hold such.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.inputs.encodings import find_utf16
from archive_colorizer.storage import DEFAULT_S3, S3Settings, open_file, parse_location

DELIMITERS: Final = (",", ";", "\t", "|")
SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""First line by which a spreadsheet is told the delimiter; it shows no such row."""
SURROGATE: Final = re.compile("[\ud800-\udfff]")
MAX_CELL_CHARS: Final = 64 << 20
"""A cell may hold a long text; a quote that is never closed must not hold a whole table."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV."""

    number: int
    """As a spreadsheet numbers it: the header is row 1."""
    cells: Sequence[str]
    problem: str = ""
    """Why the cells are not to be trusted; empty where nothing is wrong."""
    line: int = 0
    """Its first line in the file, from 1: a quoted cell may have several."""


@dataclass(frozen=True, slots=True)
class Csv:
    """A CSV whose header was read."""

    names: Sequence[str]
    """Of the columns, distinct and never empty."""
    rows: Iterable[Row] = field(repr=False)
    delimiter: str = ","


@contextmanager
def reading_list(path: str) -> Iterator[None]:
    """Make what cannot be read a ConfigError of one line that names the file."""
    try:
        yield
    except (OSError, UnicodeError, LocationError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{path}: cannot read the list: {' '.join(text.split())}") from error


def open_list(path: str, s3: S3Settings = DEFAULT_S3) -> io.TextIOWrapper:
    """Open a list that a user gave: a path, a file:// or an s3:// URI.

    Raises:
        OSError: it is not there, or may not be read.
        LocationError: another scheme.
    """
    return open_text(open_file(parse_location(path), s3))


def open_text(file: BinaryIO, encoding: str = "") -> io.TextIOWrapper:
    """Open bytes as text; line ends stay as they are.

    Args:
        file: at its start.
        encoding: empty takes UTF-16 where the bytes show it, else UTF-8.
    """
    encoding = encoding or find_utf16(file) or "utf-8"
    return io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")


def read_lines(path: str, s3: S3Settings = DEFAULT_S3) -> Sequence[str]:
    """Read the lines of a list, without their ends: a line feed, with a carriage return or not.

    Raises:
        ConfigError: it cannot be read.
    """
    with reading_list(path), open_list(path, s3) as file:
        lines = file.read().split("\n")
    if len(lines) == 1:
        lines = lines[0].split("\r")
    return [line.removesuffix("\r") for line in lines]


def is_utf8(text: str) -> bool:
    """Tell whether a text was UTF-8, that is, holds no surrogate."""
    return text.isascii() or not SURROGATE.search(text)


def to_utf8(text: str) -> str:
    """Put a mark in the place of each byte that is not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def read_csv(lines: Iterable[str], wanted: Collection[str]) -> Csv:
    """Read a CSV with a header, streaming.

    Args:
        lines: with their ends.
        wanted: names of columns, lower-case. The delimiter is what a line `sep=` says; else the one
            by which the header has the most of them, then the one by which it has most columns.

    Returns:
        Names of columns, rows and the delimiter. A row with a stray quote, or with more or fewer
        cells than the header, is one with a problem, and stops no other.
    """
    csv.field_size_limit(MAX_CELL_CHARS)
    source = _Lines(iter(lines))
    blank, delimiter, first = 0, "", ""
    for first in source:
        told = SEPARATOR_LINE.fullmatch(first)
        if told and not delimiter:
            delimiter = told[1]
        elif first.strip():
            break
        else:
            blank += 1
    if not delimiter:
        delimiter = max(DELIMITERS, key=lambda one: _rate(first, one, wanted))
    source.go_back_to(first)
    records = _records(source, delimiter)
    header = next(records)[0]
    names = distinct_names(header)
    return Csv(names, _rows(records, len(names), blank + 2), delimiter)


def distinct_names(header: Iterable[str]) -> Sequence[str]:
    """Make names of columns distinct, and name those that have none."""
    names: dict[str, None] = {}
    for number, cell in enumerate(header, start=1):
        name = bare = to_utf8(cell.strip()) or f"column {number}"
        count = 1
        while name in names:
            count += 1
            name = f"{bare} ({count})"
        names[name] = None
    return tuple(names)


def _rate(line: str, delimiter: str, wanted: Collection[str]) -> tuple[int, int]:
    """Rate a delimiter by the columns that a header has by it: those wanted, then all."""
    cells = _cells_of(line, delimiter)
    return sum(cell.strip().lower() in wanted for cell in cells), len(cells)


def _cells_of(line: str, delimiter: str) -> list[str]:
    """Read one line by itself, whatever its quotes are."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _rows(
    records: Iterator[tuple[Sequence[str], str, int]], width: int, first_number: int
) -> Iterator[Row]:
    for number, (cells, problem, line) in enumerate(records, start=first_number):
        if not cells:
            continue
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]  # a spreadsheet's empty columns
        if not problem and len(cells) != width:
            problem = f"has {len(cells)} cells, the header has {width}"
        yield Row(number, cells, problem, line)


def _records(source: "_Lines", delimiter: str) -> Iterator[tuple[Sequence[str], str, int]]:
    """Give the cells of each record, what is wrong with its quotes, and its first line's number.

    A quote that is not closed would take in all that follows: then its first line alone is the
    record, and the next begins with the line after it.
    """
    while True:
        try:
            for cells in csv.reader(source, delimiter=delimiter, strict=True):
                yield cells, "", source.number - len(source.taken) + 1
                source.taken.clear()
        except csv.Error:
            line = source.go_back()
            closed = line.count('"') % 2 == 0 and len(line) <= MAX_CELL_CHARS
            said = "" if closed else "has a quote that is not closed"
            yield _cells_of(line, delimiter), said, source.number
        else:
            return


class _Lines:
    """Lines that can be taken again from the second of a record on."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0
        """Of the last line that was taken, from 1."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self.number += 1
        return line

    def go_back(self) -> str:
        """Take back all lines but the first since the last record; give the first."""
        first, *rest = self.taken
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        self.taken.clear()
        return first

    def go_back_to(self, line: str) -> None:
        """Take the last line back, and forget those before it."""
        self._again.append(line)
        self.number -= 1
        self.taken.clear()
