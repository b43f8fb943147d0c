"""List: every page that SOURCE names, as a table; nothing is opened.

Columns: those of LISTING. Strings are valid UTF-8; `relative_raw` holds the name's own bytes.
"""

import fnmatch
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.storage import open_store
from archive_colorizer.storage.local import path_of_uri, uri_of_path

PICTURES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .png .tif .tiff .webp .bmp .gif".split()  # noqa: SIM905 (reads better)
)
LISTING: Final = pa.schema(
    [
        ("source_uri", pa.string()),
        ("source_path_raw", pa.binary()),
        ("relative_raw", pa.binary()),
        ("page", pa.int32()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("etag", pa.string()),
        ("object_id", pa.string()),
        ("collection", pa.string()),
        ("sensitivity", pa.string()),
        ("class_id", pa.string()),
        ("expected_sha256", pa.string()),
        ("collection_json", pa.string()),
    ]
)
UNDERSTOOD: Final = ("object_id", "collection", "sensitivity", "class_id")
CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Listing:
    """What SOURCE names."""

    table: pa.Table
    ignored: int
    """Files that are not pictures by their extension, hidden, or filtered out."""
    notes: tuple[str, ...] = ()


def list_source(source: str, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Listing:
    """List a folder, one picture, or a CSV or Parquet inventory.

    Raises:
        LocationError: there is no SOURCE, or it names no picture.
        ConfigError: an inventory that cannot be understood; the row is named.
    """
    path = _local_path(source)
    wanted = _Filter(include, exclude)
    if path.is_dir():
        listing = _of_rows(_walk(source), wanted)
    elif path.suffix.lower() in {".csv", ".parquet"} and path.is_file():
        listing = _of_rows(_inventory(path), wanted)
    elif path.is_file():
        listing = _of_rows(iter([_row_of_path(path, os.fsencode(path.name))]), wanted)
    else:
        raise LocationError(f"{source}: no such folder, picture or inventory")
    if not listing.table.num_rows:
        raise LocationError(f"{source}: no pictures there ({listing.ignored:,} files ignored)")
    return listing


def _local_path(source: str) -> Path:
    if source.startswith("file://"):
        return path_of_uri(source)
    if "://" in source:
        raise LocationError(f"{source}: only local folders and inventories are supported yet")
    return Path(source)


class _Filter:
    """Glob patterns on the path relative to SOURCE; `*` crosses folders, case counts."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = [re.compile(fnmatch.translate(glob)) for glob in include]
        self._exclude = [re.compile(fnmatch.translate(glob)) for glob in exclude]

    def __call__(self, relative_raw: bytes) -> bool:
        name = os.fsdecode(relative_raw)
        if any(pattern.match(name) for pattern in self._exclude):
            return False
        return not self._include or any(pattern.match(name) for pattern in self._include)


def _of_rows(rows: Iterable[dict[str, Any] | None], wanted: _Filter) -> Listing:
    """Collect rows in chunks; a page that is listed twice is one page. None is an ignored file."""
    batches: list[pa.RecordBatch] = []
    chunk: list[dict[str, Any]] = []
    seen: set[tuple[str, int]] = set()
    counts: Counter[str] = Counter()
    for row in rows:
        if row is None or not wanted(row["relative_raw"]):
            counts["ignored"] += 1
            continue
        key = (row["source_uri"], row["page"])
        if key in seen:
            counts["twice"] += 1
            continue
        seen.add(key)
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            batches.append(pa.RecordBatch.from_pylist(chunk, LISTING))
            chunk = []
    batches.append(pa.RecordBatch.from_pylist(chunk, LISTING))
    notes = tuple(f"{counts[name]:,} {text}" for name, text in _NOTES.items() if counts[name])
    return Listing(pa.Table.from_batches(batches, LISTING), counts["ignored"], notes)


_NOTES: Final = {
    "ignored": "files were passed over: hidden, filtered out, or no picture by their ending",
    "twice": "pages are listed more than once",
}


def _walk(source: str) -> Iterator[dict[str, Any] | None]:
    try:
        for entry in open_store(source).list():
            name = PurePosixPath(entry.key)
            hidden = any(part.startswith(".") for part in name.parts)
            if hidden or name.suffix.lower() not in PICTURES:
                yield None
                continue
            yield _row(
                entry.uri, os.fsencode(entry.key), size=entry.size_bytes, mtime_ns=entry.mtime_ns
            )
    except OSError as error:
        name_of = os.fsencode(error.filename or source).decode(errors="replace")
        raise LocationError(f"{name_of}: cannot list it: {error.strerror}") from error


def _row(uri: str, relative_raw: bytes, *, size: int, mtime_ns: int | None) -> dict[str, Any]:
    return {
        "source_uri": uri,
        "source_path_raw": os.fsencode(path_of_uri(uri)),
        "relative_raw": relative_raw,
        "page": 0,
        "size_bytes": size,
        "mtime_ns": mtime_ns,
        "etag": None,
        "object_id": "",
        "collection": "",
        "sensitivity": "",
        "class_id": "",
        "expected_sha256": "",
        "collection_json": "{}",
    }


def _row_of_path(path: Path, relative_raw: bytes) -> dict[str, Any]:
    """A row for a named file; one that is not there stays listed, with size 0."""
    try:
        stat = path.stat()
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
    except OSError:
        size, mtime_ns = 0, 0
    return _row(uri_of_path(os.path.abspath(path)), relative_raw, size=size, mtime_ns=mtime_ns)  # noqa: PTH100


def _inventory(path: Path) -> Iterator[dict[str, Any]]:
    table = _read_inventory(path)
    if "uri" not in table.column_names:
        names = ", ".join(table.column_names)
        raise ConfigError(f"{path}: an inventory needs a column 'uri' (it has: {names})")
    first = 2 if path.suffix.lower() == ".csv" else 1
    number = 0
    for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
        for values in batch.to_pylist():
            yield _inventory_row(path, values, f"{path}: row {number + first}")
            number += 1


def _read_inventory(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        names = [name.strip().strip('"') for name in header.rstrip("\r\n").split(",")]
        types = dict.fromkeys(names, pa.string())
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
        return pa_csv.read_csv(path, convert_options=options)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot read the inventory: {text}") from error


def _inventory_row(path: Path, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    uri = str(values.get("uri") or "").strip()
    if not uri:
        raise ConfigError(f"{where}: the uri is empty")
    if "://" in uri and not uri.startswith("file://"):
        raise ConfigError(f"{where}: {uri}: only local files are supported yet")
    base = Path(os.path.abspath(path.parent))  # noqa: PTH100 (links are not resolved here)
    named = path_of_uri(uri) if uri.startswith("file://") else Path(uri)
    target = Path(os.path.normpath(base / named))
    if "\0" in str(target):
        raise ConfigError(f"{where}: the uri holds a NUL, which no file name can")
    row = _row_of_path(target, _relative(target, base))
    row["page"] = _page(values.get("page"), where)
    row["expected_sha256"] = sha256_text(values.get("sha256"), where)
    row |= {name: str(values.get(name) or "") for name in UNDERSTOOD}
    known = {"uri", "page", "sha256", *UNDERSTOOD}
    other = {name: value for name, value in values.items() if name not in known}
    row["collection_json"] = json.dumps(other, ensure_ascii=False, sort_keys=True, default=str)
    return row


def _relative(target: Path, base: Path) -> bytes:
    """The name under OUTPUT: relative to the inventory, or the whole path under "absolute"."""
    if target.is_relative_to(base):
        return os.fsencode(target.relative_to(base))
    return b"absolute" + os.fsencode(target)


def _page(value: object, where: str) -> int:
    text = str(value if value not in (None, "") else 0)
    if text != "0":
        raise ConfigError(f"{where}: page {text!r}: only page 0 is supported yet")
    return 0


def sha256_text(value: object, where: str) -> str:
    """A SHA-256 as 64 lower-case hex digits; nothing given stays empty.

    Raises:
        ConfigError: it is something else; `where` names the row.
    """
    text = str(value or "").strip().lower()
    if text and not re.fullmatch("[0-9a-f]{64}", text):
        raise ConfigError(f"{where}: {text[:80]!r} is not a SHA-256 (64 hex digits)")
    return text


def with_text(table: pa.Table) -> pa.Table:
    """Add `relative`, the relative path as text (bytes that are not UTF-8 replaced)."""
    text = [raw.decode(errors="replace") for raw in table["relative_raw"].to_pylist()]
    return table.append_column("relative", pa.array(text, pa.string()))


def total_bytes(table: pa.Table) -> int:
    """Size of everything listed."""
    return int(pc.sum(table["size_bytes"]).as_py() or 0)
