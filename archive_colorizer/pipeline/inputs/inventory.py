"""An inventory: a CSV or Parquet table that names the pages, in place of a folder.

A row that cannot be understood becomes a page with a `problem`, and stops no other. Only a table
that cannot be understood as a whole is refused.
"""

import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.inputs.exclude_and_fixity import (
    DIGEST_CHARS,
    plain_algorithm,
    read_digest,
)
from archive_colorizer.pipeline.inputs.names import path_of
from archive_colorizer.pipeline.inputs.pages import make_page, page_of_path
from archive_colorizer.pipeline.inputs.text_files import (
    distinct_names,
    is_utf8,
    open_text,
    read_csv,
    to_utf8,
)
from archive_colorizer.storage import Location, S3Settings, open_file, parse_location

INVENTORIES: Final = frozenset({".csv", ".parquet"})
UNDERSTOOD: Final = ("object_id", "collection", "sensitivity", "class_id")
"""Columns that are carried under their own names."""
KNOWN: Final = frozenset({"uri", "page", *UNDERSTOOD, *DIGEST_CHARS})
ANY_CASE: Final = frozenset({"uri", "sensitivity", *DIGEST_CHARS})
"""Columns that are known however their name is written: `URI`, `SHA-256`."""
BATCH_ROWS: Final = 10_000
MAX_SHOWN: Final = 200
"""Characters of a bad value that a message shows."""
MAX_PROBLEM: Final = 1000
"""Characters of a problem: more is cut out of its middle."""
INT64_MAX: Final = 2**63 - 1
INT32_MAX: Final = 2**31 - 1
ROOT: Final = parse_location("/")
Cells = Mapping[str, Any]
"""Values of a row by column; a CSV's are all text."""
RawRows = Iterable[tuple[int, Sequence[Any], str]]
"""Each row's number, its cells in order, and what is wrong with it."""


def read_inventory(source: Location, s3: S3Settings) -> Iterator[dict[str, Any]]:
    """Yield a row of PAGES for each row of an inventory.

    Rows with a problem that name a page come last: a sound row of the same page goes before them.

    Raises:
        ConfigError: it cannot be read, or has no column `uri`.
    """
    maker = _RowMaker(source)
    odd: list[dict[str, Any]] = []
    for number, cells, problem in _read_rows(source, s3):
        row = maker.make(number, cells, problem)
        if row["problem"]:
            odd.append(row)
        else:
            yield row
    yield from odd


def _read_rows(source: Location, s3: S3Settings) -> Iterator[tuple[int, Cells, str]]:
    """Give each row's number, its cells, and what is wrong with the row as such."""
    try:
        with open_file(source, s3) as file, _open_table(source, file) as opened:
            is_csv = isinstance(opened, io.TextIOWrapper)
            names, rows = _read_csv(opened) if is_csv else _read_parquet(opened)
            if "uri" not in names:
                has = ", ".join(names)[:MAX_SHOWN]
                raise ConfigError(
                    f"{source.text}: an inventory needs a column 'uri' (it has: {has})"
                )
            for number, cells, problem in rows:
                yield number, dict(zip(names, cells, strict=False)), problem
    except (OSError, UnicodeError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{source.text}: cannot read the inventory: {text}") from error


def _open_table(source: Location, file: BinaryIO) -> Any:  # noqa: ANN401 (pyarrow is untyped)
    return pq.ParquetFile(file) if source.suffix == ".parquet" else open_text(file)


def _read_csv(lines: Iterator[str]) -> tuple[Sequence[str], RawRows]:
    table = read_csv(lines, {"uri"})
    return _meant(table.names), ((row.number, row.cells, row.problem) for row in table.rows)


def _read_parquet(table: pq.ParquetFile) -> tuple[Sequence[str], RawRows]:
    names = _meant(distinct_names(table.schema_arrow.names))
    rows = (
        cells
        for batch in table.iter_batches(BATCH_ROWS)
        for cells in zip(*map(_values_of, batch.columns), strict=True)
    )
    return names, ((number, cells, "") for number, cells in enumerate(rows, start=1))


def _meant(header: Sequence[str]) -> Sequence[str]:
    """Give known columns their names where they are written otherwise."""
    names = list(header)
    for place, name in enumerate(header):
        plain = plain_algorithm(name)
        if plain in ANY_CASE and plain not in names:
            names[place] = plain
    return names


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


class _RowMaker:
    """Makes rows of PAGES of an inventory's rows."""

    def __init__(self, source: Location) -> None:
        self._source = source
        self._folder = source.parent

    def make(self, number: int, cells: Cells, problem: str) -> dict[str, Any]:
        """Make a row; whatever is wrong with it is its `problem`."""
        where = f"{self._source.text}: row {number}"
        said = f"{where}: {problem}" if problem else ""
        try:
            row = self._locate(cells, where)
        except ConfigError as error:
            name = f"#row-{number}"
            row = make_page(
                self._source.uri + name, self._source.name + name, size=0, mtime_ns=None
            )
            said = said or str(error)
        try:
            row |= {name: _text(cells.get(name)) for name in UNDERSTOOD}
            other = {name: value for name, value in cells.items() if name not in KNOWN}
            row["collection_json"] = _to_json(other)
            _check_text(cells, where)
            _set_page(row, cells.get("page"), where)
            row["expected_digest"] = read_digest(_digests_in(cells), where)
        except ConfigError as error:
            said = said or str(error)
        row["problem"] = _one_line(said)
        return row

    def _locate(self, cells: Cells, where: str) -> dict[str, Any]:
        """Make the row of a uri: absolute, or relative to the inventory's folder."""
        uri = _uri_of(cells.get("uri"), where)
        try:
            named = parse_location(uri) if "://" in uri else None
        except LocationError as error:
            raise ConfigError(f"{where}: {error}") from error
        place = named or self._folder.join(uri)
        if place.is_s3:
            return self._locate_object(place, cells, where)
        size = _whole(cells.get("size_bytes"))
        if size is not None and not 0 <= size <= INT64_MAX:
            raise ConfigError(f"{where}: size_bytes {size}: is no size")
        base = ROOT if self._folder.is_s3 else self._folder
        place = base.join(uri)
        path = place.path
        return page_of_path(path, place.name_below(base) or f"absolute{path}")

    def _locate_object(self, place: Location, cells: Cells, where: str) -> dict[str, Any]:
        if not is_utf8(place.key):
            raise ConfigError(f"{where}: is not UTF-8 (save the list as UTF-8)")
        relative = place.name_below(self._folder)
        if relative is None:
            relative = f"absolute/{place.bucket}/{place.key}"
        size = _whole(cells.get("size_bytes"))
        if size is None or not 0 <= size <= INT64_MAX:
            shown = _text(cells.get("size_bytes"))
            raise ConfigError(f"{where}: size_bytes {shown[:MAX_SHOWN]!r}: must be a whole number")
        row = make_page(place.uri, relative, size=size, mtime_ns=None)
        return row | {"etag": _text(cells.get("etag")).strip('"') or None}


def _uri_of(value: object, where: str) -> str:
    if not (value is None or isinstance(value, str | bytes | int)):
        raise ConfigError(f"{where}: the uri is no text: {str(value)[:MAX_SHOWN]!r}")
    uri = ("" if value is None else _decode(value)).strip()
    if not uri:
        raise ConfigError(f"{where}: the uri is empty")
    path = path_of(uri)
    if "\0" in path:
        raise ConfigError(f"{where}: the uri holds a NUL, which no file name can")
    if path == uri and uri.lower().startswith("file:/"):
        raise ConfigError(f"{where}: {uri[:MAX_SHOWN]}: is no file of this machine")
    return path


def _check_text(cells: Cells, where: str) -> None:
    text = "".join(value for value in cells.values() if isinstance(value, str))
    if "\0" in text:
        raise ConfigError(f"{where}: holds a NUL")
    if not is_utf8(text):
        raise ConfigError(f"{where}: is not UTF-8 (save the list as UTF-8)")


def _set_page(row: dict[str, Any], value: object, where: str) -> None:
    page = _whole(value)
    if page is not None and 0 <= page <= INT32_MAX:
        row["page"] = page  # a bad one, too: it is another page than page 0
    if page != 0:
        shown = _text(value)[:MAX_SHOWN]
        raise ConfigError(f"{where}: page {shown!r}: only page 0 is supported yet")


def _digests_in(cells: Cells) -> Mapping[str, object]:
    """Give the checksums of a row as text; a table may hold their bytes."""
    return {
        name: value.hex() if isinstance(value, bytes) and 2 * len(value) == chars else _text(value)
        for name, chars in DIGEST_CHARS.items()
        if (value := cells.get(name)) is not None
    }


def _whole(value: object) -> int | None:
    """Read a whole number; nothing is 0, and None is no number."""
    if value is None or isinstance(value, bool):
        return None if isinstance(value, bool) else 0
    text = _text(value).strip()
    digits = text.removeprefix("-")
    if not text:
        return 0
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 99 else None


def _decode(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def _text(value: object) -> str:
    """Give a value as text: nothing is empty, and 7.0 is 7, for a column with gaps has no int."""
    if isinstance(value, str):
        return to_utf8(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return to_utf8(_decode(value))


def _to_json(values: Mapping[str, Any]) -> str:
    values = {name: _finite(value) for name, value in values.items()}
    try:
        text = json.dumps(
            values, ensure_ascii=False, sort_keys=True, default=_decode, allow_nan=False
        )
    except (TypeError, ValueError):  # what is not finite, or no key, deep inside
        texts = {name: _text(value) for name, value in values.items()}
        text = json.dumps(texts, ensure_ascii=False, sort_keys=True)
    return to_utf8(text)


def _finite(value: object) -> object:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def _one_line(text: str) -> str:
    line = " ".join(to_utf8(text).replace("\0", "\\0").split())
    if len(line) <= MAX_PROBLEM:
        return line
    half = MAX_PROBLEM // 2
    return f"{line[:half]}...{line[-half:]}"
