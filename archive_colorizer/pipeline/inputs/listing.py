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
from archive_colorizer.storage import Entry, is_s3, open_store, open_uri
from archive_colorizer.storage.local import path_of, path_of_uri, uri_of_path
from archive_colorizer.storage.settings import parse_s3

PICTURES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .png .tif .tiff .webp .bmp .gif".split()  # noqa: SIM905 (reads better)
)
INVENTORIES: Final = frozenset({".csv", ".parquet"})
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
    wanted = _Filter(include, exclude)
    if is_s3(source):
        listing = _of_rows(_of_s3(source), wanted)
    else:
        listing = _of_rows(_of_path(path_of(source), source), wanted)
    if not listing.table.num_rows:
        raise LocationError(f"{source}: no pictures there ({listing.ignored:,} files ignored)")
    return listing


def _of_path(path: Path, source: str) -> Iterator[dict[str, Any] | None]:
    if path.is_dir():
        return _walk(source)
    if not path.is_file():
        raise LocationError(f"{source}: no such folder, picture or inventory")
    if path.suffix.lower() in INVENTORIES:
        return _inventory(str(path))
    return iter([_row_of_path(path, os.fsencode(path.name))])


def _of_s3(source: str) -> Iterator[dict[str, Any] | None]:
    """What ends like a picture or an inventory is one; everything else is a prefix."""
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in INVENTORIES:
        return _inventory(source)
    if suffix not in PICTURES:
        return _walk(source)
    from archive_colorizer.storage.s3 import entry_of

    try:
        entry = entry_of(source)
    except OSError as error:
        raise LocationError(f"{source}: {error.strerror}") from error
    if entry is None:
        raise LocationError(f"{source}: no such picture")
    return iter([_row_of_entry(entry, PurePosixPath(source).name)])


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
            yield _row_of_entry(entry, entry.key)
    except OSError as error:
        name_of = source if is_s3(source) else error.filename or source
        name_of = os.fsencode(name_of).decode(errors="replace")
        raise LocationError(f"{name_of}: cannot list it: {error.strerror}") from error


def _row_of_entry(entry: Entry, relative: str) -> dict[str, Any]:
    row = _row(entry.uri, os.fsencode(relative), size=entry.size_bytes, mtime_ns=entry.mtime_ns)
    if entry.etag:  # says more of an object than its time does
        row |= {"etag": entry.etag, "mtime_ns": None}
    return row


def _row(uri: str, relative_raw: bytes, *, size: int, mtime_ns: int | None) -> dict[str, Any]:
    path = parse_s3(uri)[1].encode() if is_s3(uri) else os.fsencode(path_of_uri(uri))
    return {
        "source_uri": uri,
        "source_path_raw": path,
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


def _inventory(source: str) -> Iterator[dict[str, Any]]:
    table = _read_inventory(source)
    if "uri" not in table.column_names:
        names = ", ".join(table.column_names)
        raise ConfigError(f"{source}: an inventory needs a column 'uri' (it has: {names})")
    first = 2 if source.lower().endswith(".csv") else 1
    number = 0
    for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
        for values in batch.to_pylist():
            yield _inventory_row(source, values, f"{source}: row {number + first}")
            number += 1


def _read_inventory(source: str) -> pa.Table:
    try:
        with open_uri(source) if is_s3(source) else Path(source).open("rb") as file:
            if source.lower().endswith(".parquet"):
                return pq.read_table(file)
            header = file.readline().decode("utf-8-sig")
            file.seek(0)
            names = [name.strip().strip('"') for name in header.rstrip("\r\n").split(",")]
            types = dict.fromkeys(names, pa.string())
            options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
            return pa_csv.read_csv(file, convert_options=options)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{source}: cannot read the inventory: {text}") from error


def _inventory_row(source: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    uri = str(values.get("uri") or "").strip()
    if not uri:
        raise ConfigError(f"{where}: the uri is empty")
    row = _named(source, uri, values, where)
    row["page"] = _page(values.get("page"), where)
    row["expected_sha256"] = sha256_text(values.get("sha256"), where)
    row |= {name: str(values.get(name) or "") for name in UNDERSTOOD}
    known = {"uri", "page", "sha256", *UNDERSTOOD}
    other = {name: value for name, value in values.items() if name not in known}
    row["collection_json"] = json.dumps(other, ensure_ascii=False, sort_keys=True, default=str)
    return row


def _named(source: str, uri: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The row of a uri: absolute, or relative to where the inventory lies."""
    if is_s3(source) and "://" not in uri:
        uri = f"{source.rpartition('/')[0]}/{uri.lstrip('/')}"
    if is_s3(uri):
        try:
            bucket, key = parse_s3(uri)
        except LocationError as error:
            raise ConfigError(f"{where}: {error}") from error
        base = f"{source.rpartition('/')[0]}/"
        relative = uri.removeprefix(base) if uri.startswith(base) else f"absolute/{bucket}/{key}"
        size = str(values.get("size_bytes") or 0)
        if not size.isascii() or not size.isdigit():
            raise ConfigError(f"{where}: size_bytes {size!r}: must be a whole number")
        row = _row(uri, relative.encode(), size=int(size), mtime_ns=None)
        return row | {"etag": str(values.get("etag") or "").strip('"') or None}
    if "://" in uri and not uri.startswith("file://"):
        raise ConfigError(f"{where}: {uri}: only local files and s3:// are supported")
    base_path = Path("/") if is_s3(source) else Path(os.path.abspath(Path(source).parent))  # noqa: PTH100
    named = path_of_uri(uri) if uri.startswith("file://") else Path(uri)
    target = Path(os.path.normpath(base_path / named))
    if "\0" in str(target):
        raise ConfigError(f"{where}: the uri holds a NUL, which no file name can")
    return _row_of_path(target, _relative(target, base_path))


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
