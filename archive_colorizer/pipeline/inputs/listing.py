"""List: every page that SOURCE names, as a table; nothing is opened but an inventory."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.inputs.filters import Filter
from archive_colorizer.pipeline.inputs.inventory import INVENTORIES, read_inventory
from archive_colorizer.pipeline.inputs.pages import (
    PAGES,
    page_of_entry,
    page_of_path,
    problem_page,
)
from archive_colorizer.pipeline.inputs.passed_over import PassedOver, PassedOverFiles, Row
from archive_colorizer.pipeline.inputs.walk import FILTERED, PICTURES, Walk, passed_over_notes
from archive_colorizer.pipeline.program_errors import describe, guarded
from archive_colorizer.pipeline.values import fitting
from archive_colorizer.storage import (
    DEFAULT_S3,
    Location,
    S3Settings,
    find_entry,
    parse_location,
)

CHUNK_ROWS: Final = 50_000
TOLD_EVERY: Final = 1_000
"""Files between two words of how many were seen."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The pages that SOURCE names."""

    table: pa.Table
    """Columns: those of PAGES."""
    ignored: int
    """Files that are not pictures by their extension, hidden, by-products, or filtered out."""
    notes: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    """A line for each folder that could not be listed: what is in it, nobody knows."""
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """The ignored files by kind: their ending, the by-product's name, or in words."""
    passed_over_names: Sequence[tuple[str, str]] = ()
    """(path below SOURCE, kind) of the first of them (`passed_over.MAX_NAMES`)."""
    filtered: pa.Table = field(default_factory=PAGES.empty_table)
    """Pages that --include and --exclude leave out; their names are taken all the same."""


def list_source(
    source: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    s3: S3Settings = DEFAULT_S3,
    tell: Callable[[int], None] | None = None,
) -> Listing:
    """List a folder, one picture, or a CSV or Parquet inventory.

    Args:
        source: what is listed.
        include: glob patterns; none means all.
        exclude: glob patterns.
        s3: the way to object stores.
        tell: is told now and then how many files were seen.

    Raises:
        LocationError: there is no SOURCE, it cannot be listed, or it names no picture.
        ConfigError: an inventory that cannot be understood; the row is named.
    """
    place, wanted = parse_location(source), Filter(include, exclude)
    walk = Walk(place, s3, wanted)
    rows = _list_s3(place, s3, walk) if place.is_s3 else _list_path(place, s3, walk)
    table, filtered, passed_over, twice = _collect(_count(rows, tell), wanted)
    counts = passed_over.counts
    if not table.num_rows:
        kinds = "; ".join([f"{counts.total():,} files ignored", *walk.unlisted[:1]])
        raise LocationError(f"{source}: no pictures there ({kinds})")
    notes = passed_over_notes(counts)
    if twice:
        notes += (f"{twice:,} pages are listed more than once",)
    return Listing(
        table, counts.total(), notes, tuple(walk.unlisted), dict(counts), passed_over.names,
        filtered,
    )  # fmt: skip


def _list_path(place: Location, s3: S3Settings, walk: Walk) -> Iterator[Row]:
    path = place.path
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise LocationError(f"{place.text}: cannot be read: {error.strerror}") from error
    if is_folder:
        return walk.rows()
    if not is_file:
        raise LocationError(f"{place.text}: no such folder, picture or inventory")
    if place.suffix in INVENTORIES:
        return read_inventory(place, s3)
    return iter([page_of_path(path, path.name)])


def _list_s3(place: Location, s3: S3Settings, walk: Walk) -> Iterator[Row]:
    """List a bucket: a key that ends like a picture or an inventory is one, others are prefixes."""
    if place.suffix in INVENTORIES:
        return read_inventory(place, s3)
    if place.suffix not in PICTURES:
        return walk.rows()
    try:
        entry = find_entry(place, s3)
    except OSError as error:
        raise LocationError(f"{place.text}: {error.strerror}") from error
    if entry is None:
        raise LocationError(f"{place.text}: no such picture")
    return iter([page_of_entry(entry, place.name)])


def _count(rows: Iterable[Row], tell: Callable[[int], None] | None) -> Iterator[Row]:
    """Pass rows on, and say how many there were so far."""
    for number, row in enumerate(rows, 1):
        if tell and number % TOLD_EVERY == 0:
            tell(number)
        yield row


def _collect(
    rows: Iterable[Row], wanted: Filter
) -> tuple[pa.Table, pa.Table, PassedOverFiles, int]:
    """Collect rows; a page that is listed twice is one.

    Returns:
        The pages, those that were filtered out, what was passed over, and how many
        pages were listed again.
    """
    pages, others = _Chunks(), _Chunks()
    seen: set[tuple[str, int]] = set()
    passed_over = PassedOverFiles()
    twice = 0
    for row in rows:
        if isinstance(row, PassedOver):
            passed_over.add(row.kind, row.key)
            continue
        nameless = row["problem"] and "#row-" in row["source_uri"]
        if not nameless and not wanted(row["relative_raw"]):
            passed_over.add(FILTERED, row["relative_raw"])
            others.add(row)
            continue
        key = (row["source_uri"], row["page"])
        if key in seen:
            twice += 1
            continue
        seen.add(key)
        pages.add(row)
    return pages.table(), others.table(), passed_over, twice


class _Chunks:
    """Rows of PAGES on their way into a table, so that few of them are Python objects at once."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == CHUNK_ROWS:
            self._close()

    def table(self) -> pa.Table:
        self._close()
        return pa.Table.from_batches(self._batches, PAGES)

    def _close(self) -> None:
        self._batches.append(_make_batch(self._rows))
        self._rows = []


def _make_batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Make a batch of rows; one that no table can hold has a problem, and the others go on."""
    batch = guarded(lambda: pa.RecordBatch.from_pylist(rows, PAGES))
    if not isinstance(batch, Exception):
        return batch
    return pa.RecordBatch.from_pylist([_mend(row) for row in rows], PAGES)


def _mend(row: dict[str, Any]) -> dict[str, Any]:
    for form in (row, fitting(row, PAGES)):
        error = guarded(partial(pa.RecordBatch.from_pylist, [form], PAGES))
        if not isinstance(error, Exception):
            return form
    return problem_page(str(row["source_uri"]), os.fsdecode(row["relative_raw"]), describe(error))


def add_relative(table: pa.Table) -> pa.Table:
    """Add `relative`, the relative path as text (bytes that are not UTF-8 replaced)."""
    text = [raw.decode(errors="replace") for raw in table["relative_raw"].to_pylist()]
    return table.append_column("relative", pa.array(text, pa.string()))


def total_bytes(table: pa.Table) -> int:
    """Add the sizes of all listed files."""
    return int(pc.sum(table["size_bytes"]).as_py() or 0)
