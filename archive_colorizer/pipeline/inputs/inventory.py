"""An inventory: a CSV, XLSX or Parquet table that names the pages, in place of a folder.

A row that cannot be understood becomes a page with a `problem`, and stops no other. Only a table
that cannot be understood as a whole is refused.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.errors import ConfigError, LocationError, suggest
from archive_colorizer.pipeline.config import SelectConfig
from archive_colorizer.pipeline.inputs.exclude_and_fixity import (
    DIGEST_CHARS,
    plain_algorithm,
    read_digest,
)
from archive_colorizer.pipeline.inputs.names import path_of
from archive_colorizer.pipeline.inputs.pages import make_page
from archive_colorizer.pipeline.inputs.tables import TABLES, open_table
from archive_colorizer.pipeline.inputs.text_files import is_utf8, to_utf8
from archive_colorizer.pipeline.inputs.written_paths import WrittenPaths, read_path_map
from archive_colorizer.storage import Location, S3Settings, parse_location

INVENTORIES: Final = TABLES
UNDERSTOOD: Final = ("object_id", "collection", "sensitivity", "class_id")
"""Columns that are carried under their own names."""
KNOWN: Final = frozenset({"uri", "page", *UNDERSTOOD, *DIGEST_CHARS})
ANY_CASE: Final = frozenset({"uri", "sensitivity", *DIGEST_CHARS})
"""Columns that are known however their name is written: `URI`, `SHA-256`."""
TARGETS: Final = ("uri", "page", "size_bytes", "etag", *UNDERSTOOD, *DIGEST_CHARS)
"""Columns that another one may stand for."""
MAX_SHOWN: Final = 200
"""Characters of a bad value that a message shows."""
MAX_PROBLEM: Final = 1000
"""Characters of a problem: more is cut out of its middle."""
INT64_MAX: Final = 2**63 - 1
INT32_MAX: Final = 2**31 - 1
Cells = Mapping[str, Any]
"""Values of a row by column; a CSV's are all text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a user says of an inventory, beyond what it says itself."""

    columns: Sequence[tuple[str, str]] = ()
    """Pairs of one of TARGETS and the inventory's column that stands for it."""
    encoding: str = ""
    """Of a CSV; empty finds it."""
    sheet: str = ""
    """Of an XLSX; empty takes the first."""
    path_map: Sequence[tuple[str, str]] = ()
    """Pairs of a folder as the inventory writes it and what it is here."""


PLAIN: Final = Form()
"""The inventory says all itself."""


def make_form(select: SelectConfig) -> Form:
    """Make the form of what a job's settings say.

    Raises:
        ConfigError: one is not of the form TARGET=COLUMN or OLD=NEW, or names no such target.
    """
    columns = []
    for word in select.columns:
        target, sign, column = (part.strip() for part in word.partition("="))
        if not (target and sign and column):
            raise ConfigError(f"--column {word}: must be TARGET=COLUMN, such as uri=Dateiname")
        if target not in TARGETS:
            raise ConfigError(f"--column {word}: unknown target {target!r}"
                              f"{suggest(target, TARGETS)}")  # fmt: skip
        columns.append((target, column))
    try:
        "".encode(select.encoding or "utf-8")
    except LookupError as error:
        raise ConfigError(f"--encoding {select.encoding}: is not known") from error
    return Form(
        columns=tuple(columns), encoding=select.encoding, sheet=select.sheet,
        path_map=read_path_map(select.path_map),
    )  # fmt: skip


def read_inventory(
    source: Location,
    s3: S3Settings,
    form: Form = PLAIN,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """Yield a row of PAGES for each row of an inventory.

    Rows with a problem that name a page come last: a sound row of the same page goes before them.

    Args:
        source: the table.
        s3: the way to object stores.
        form: what the user says of it.
        say: is told what was found out about its encoding, delimiter or sheet.

    Raises:
        ConfigError: it cannot be read, or lacks `uri` or a column that `form` names.
    """
    maker = _RowMaker(source, form)
    odd: list[dict[str, Any]] = []
    for number, cells, problem in _read_rows(source, s3, form, maker, say):
        row = maker.make(number, cells, problem)
        if row["problem"]:
            odd.append(row)
        else:
            yield row
    yield from odd


def _read_rows(
    source: Location, s3: S3Settings, form: Form, maker: "_RowMaker", say: Callable[[str], None]
) -> Iterator[tuple[int, Cells, str]]:
    """Give each row's number, its cells, and what is wrong with the row as such."""
    wanted = {"uri", *(column for _, column in form.columns)}
    try:
        with open_table(source, s3, wanted, form.sheet, form.encoding) as table:
            names, further = _place_columns(table.names, form.columns, source.text)
            if table.note:
                say(table.note)
            maker.encoding = table.encoding
            for number, cells, problem in table.rows:
                values = dict(zip(names, cells, strict=False))
                for target, place in further:
                    values[target] = cells[place] if place < len(cells) else None
                yield number, values, problem
    except (OSError, UnicodeError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{source.text}: cannot read the inventory: {text}") from error


def _place_columns(
    header: Sequence[str], columns: Sequence[tuple[str, str]], where: str
) -> tuple[Sequence[str], Sequence[tuple[str, int]]]:
    """Give columns the names by which they are known.

    Returns:
        The names, and the targets of columns that stand for more than one, with their places.

    Raises:
        ConfigError: a column that is not there.
    """
    names, further = list(header), []
    targets = dict(columns)
    for place, name in enumerate(header):
        plain = plain_algorithm(name)
        if name in targets:  # another column stands for it: this one is one of the others
            names[place] = next(n for i in range(2, 99) if (n := f"{name} ({i})") not in header)
        elif plain in ANY_CASE and plain not in names and plain not in targets:
            names[place] = plain
    given: set[int] = set()
    for target, column in targets.items():
        place = _find_column(header, column)
        if place < 0:
            raise ConfigError(f"{where}: no column {column!r} for {target} (it has: "
                              f"{_join(header)})")  # fmt: skip
        if place in given:
            further.append((target, place))
        else:
            names[place] = target
            given.add(place)
    if "uri" not in names and "uri" not in dict(further):
        raise ConfigError(
            f"{where}: an inventory needs a column 'uri', or --column uri=NAME (it has: "
            f"{_join(header)})"
        )
    return names, further


def _find_column(header: Sequence[str], column: str) -> int:
    """Find a column's place, as written before other cases; -1 where it is not there."""
    for fold in (str, str.casefold):
        names = [fold(name) for name in header]
        if fold(column) in names:
            return names.index(fold(column))
    return -1


def _join(names: Sequence[str]) -> str:
    return ", ".join(names)[:MAX_SHOWN]


class _RowMaker:
    """Makes rows of PAGES of an inventory's rows."""

    def __init__(self, source: Location, form: Form) -> None:
        self._source = source
        self._folder = source.parent
        self._paths = WrittenPaths(self._folder, form.path_map)
        self.encoding = "utf-8"

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
            uri = self._paths.translate(uri)
            named = parse_location(uri) if "://" in uri else None
            place = named or self._folder.join(uri)
            if place.is_s3:
                return self._locate_object(place, cells)
            size = _whole(cells.get("size_bytes"))
            if size is not None and not 0 <= size <= INT64_MAX:
                raise ConfigError(f"size_bytes {size}: is no size")
            return self._paths.find(uri, self.encoding)
        except (ConfigError, LocationError) as error:
            raise ConfigError(f"{where}: {error}") from error

    def _locate_object(self, place: Location, cells: Cells) -> dict[str, Any]:
        if not is_utf8(place.key):
            raise ConfigError("is not UTF-8 (save the list as UTF-8)")
        relative = place.name_below(self._folder)
        if relative is None:
            relative = f"absolute/{place.bucket}/{place.key}"
        size = _whole(cells.get("size_bytes"))
        if size is None or not 0 <= size <= INT64_MAX:
            shown = _text(cells.get("size_bytes"))
            raise ConfigError(f"size_bytes {shown[:MAX_SHOWN]!r}: must be a whole number")
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
