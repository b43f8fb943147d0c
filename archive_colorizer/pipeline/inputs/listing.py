"""List: every page that SOURCE names, as a table; nothing is opened but an inventory."""

import fnmatch
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.formats import ENDINGS
from archive_colorizer.pipeline.inputs.inventory import INVENTORIES, read_inventory
from archive_colorizer.pipeline.inputs.pages import PAGES, page_of_entry, page_of_path
from archive_colorizer.storage import (
    DEFAULT_S3,
    Location,
    S3Settings,
    find_entry,
    open_store,
    parse_location,
)

PICTURES: Final = ENDINGS
CHUNK_ROWS: Final = 50_000
NOTES: Final = {
    "ignored": "files were passed over: hidden, filtered out, or no picture by their ending",
    "twice": "pages are listed more than once",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """The pages that SOURCE names."""

    table: pa.Table
    """Columns: those of PAGES."""
    ignored: int
    """Files that are not pictures by their extension, hidden, or filtered out."""
    notes: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    filtered: pa.Table = field(default_factory=PAGES.empty_table)


def list_source(
    source: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    s3: S3Settings = DEFAULT_S3,
) -> Listing:
    """List a folder, one picture, or a CSV or Parquet inventory.

    Raises:
        LocationError: there is no SOURCE, or it names no picture.
        ConfigError: an inventory that cannot be understood; the row is named.
    """
    place = parse_location(source)
    rows = _list_s3(place, s3) if place.is_s3 else _list_path(place, s3)
    listing = _collect(rows, _Filter(include, exclude))
    if not listing.table.num_rows:
        raise LocationError(f"{source}: no pictures there ({listing.ignored:,} files ignored)")
    return listing


def _list_path(place: Location, s3: S3Settings) -> Iterator[dict[str, Any] | None]:
    path = place.path
    if path.is_dir():
        return _walk(place, s3)
    if not path.is_file():
        raise LocationError(f"{place.text}: no such folder, picture or inventory")
    if place.suffix in INVENTORIES:
        return read_inventory(place, s3)
    return iter([page_of_path(path, path.name)])


def _list_s3(place: Location, s3: S3Settings) -> Iterator[dict[str, Any] | None]:
    """List a bucket: a key that ends like a picture or an inventory is one, others are prefixes."""
    if place.suffix in INVENTORIES:
        return read_inventory(place, s3)
    if place.suffix not in PICTURES:
        return _walk(place, s3)
    try:
        entry = find_entry(place, s3)
    except OSError as error:
        raise LocationError(f"{place.text}: {error.strerror}") from error
    if entry is None:
        raise LocationError(f"{place.text}: no such picture")
    return iter([page_of_entry(entry, place.name)])


class _Filter:
    """Glob patterns on the path relative to SOURCE; `*` crosses folders, case matters."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = [re.compile(fnmatch.translate(glob)) for glob in include]
        self._exclude = [re.compile(fnmatch.translate(glob)) for glob in exclude]

    def __call__(self, relative_raw: bytes) -> bool:
        name = os.fsdecode(relative_raw)
        if any(pattern.match(name) for pattern in self._exclude):
            return False
        return not self._include or any(pattern.match(name) for pattern in self._include)


def _collect(rows: Iterable[dict[str, Any] | None], wanted: _Filter) -> Listing:
    """Collect rows in chunks; a page that is listed twice is one. None is an ignored file."""
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
            batches.append(pa.RecordBatch.from_pylist(chunk, PAGES))
            chunk = []
    batches.append(pa.RecordBatch.from_pylist(chunk, PAGES))
    notes = tuple(f"{counts[name]:,} {text}" for name, text in NOTES.items() if counts[name])
    return Listing(pa.Table.from_batches(batches, PAGES), counts["ignored"], notes)


def _walk(place: Location, s3: S3Settings) -> Iterator[dict[str, Any] | None]:
    try:
        for entry in open_store(place, s3).list():
            name = PurePosixPath(entry.key)
            hidden = any(part.startswith(".") for part in name.parts)
            if hidden or name.suffix.lower() not in PICTURES:
                yield None
                continue
            yield page_of_entry(entry, entry.key)
    except OSError as error:
        at = place.text if place.is_s3 else error.filename or place.text
        at = os.fsencode(at).decode(errors="replace")
        raise LocationError(f"{at}: cannot list it: {error.strerror}") from error


def add_relative(table: pa.Table) -> pa.Table:
    """Add `relative`, the relative path as text (bytes that are not UTF-8 replaced)."""
    text = [raw.decode(errors="replace") for raw in table["relative_raw"].to_pylist()]
    return table.append_column("relative", pa.array(text, pa.string()))


def total_bytes(table: pa.Table) -> int:
    """Add the sizes of all listed files."""
    return int(pc.sum(table["size_bytes"]).as_py() or 0)
