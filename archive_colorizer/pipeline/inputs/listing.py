"""List: every page that the sources name, as a table; nothing is opened but an inventory."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError, LocationError, NoPicturesError
from archive_colorizer.pipeline.inputs.filters import Filter
from archive_colorizer.pipeline.inputs.inventory import (
    INVENTORIES,
    PLAIN,
    Form,
    read_inventory,
)
from archive_colorizer.pipeline.inputs.pages import (
    PAGES,
    make_page,
    page_of_entry,
    page_of_path,
    problem_page,
)
from archive_colorizer.pipeline.inputs.passed_over import PassedOver, PassedOverFiles, Row
from archive_colorizer.pipeline.inputs.sources import Source, find_sources
from archive_colorizer.pipeline.inputs.walk import (
    FILTERED,
    PICTURES,
    Walk,
    find_kind,
    passed_over_notes,
)
from archive_colorizer.pipeline.inputs.written_paths import WrittenPaths
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
SHOWN: Final = 3
"""Sources that a message names."""
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
    whole: tuple[str, ...] = ()
    """URIs of the folders and inventories that were listed, with all that is below them."""


def list_source(
    source: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    s3: S3Settings = DEFAULT_S3,
    tell: Callable[[int], None] | None = None,
) -> Listing:
    """List a folder, one picture, or an inventory, as `list_sources` does."""
    return list_sources((source,), include, exclude, s3=s3, tell=tell)


def list_sources(
    sources: Sequence[str],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    s3: S3Settings = DEFAULT_S3,
    form: Form = PLAIN,
    tell: Callable[[int], None] | None = None,
) -> Listing:
    """List folders, pictures, inventories, globs, and with `-` what standard input names.

    Args:
        sources: as they were written; a page that two of them name is one page.
        include: glob patterns on the pages' names: only these.
        exclude: glob patterns on the pages' names: not these.
        s3: the way to object stores.
        form: what the user says of inventories.
        tell: is told now and then how many files were seen.

    Raises:
        LocationError: there is no such source, it cannot be listed, or no picture is there.
        ConfigError: an inventory that cannot be understood; the row is named.
    """
    wanted = Filter(include, exclude)
    lister = _Lister(s3, wanted, form)
    table, filtered, passed_over, twice = _collect(_count(lister.rows(sources), tell), wanted)
    counts = passed_over.counts
    if not table.num_rows:
        kinds = "; ".join([f"{counts.total():,} files ignored", *lister.unlisted[:1]])
        raise NoPicturesError(f"{' '.join(sources[:SHOWN])}: no pictures there ({kinds})")
    notes = (*lister.notes, *passed_over_notes(counts))
    if twice:
        notes += (f"{twice:,} pages are listed more than once",)
    return Listing(
        table, counts.total(), notes, tuple(lister.unlisted), dict(counts), passed_over.names,
        filtered, tuple(lister.whole),
    )  # fmt: skip


class _Lister:
    """Lists sources one after the other."""

    def __init__(self, s3: S3Settings, wanted: Filter, form: Form) -> None:
        self._s3, self._wanted, self._form = s3, wanted, form
        self._paths = WrittenPaths(parse_location("."), form.path_map)
        self.unlisted: list[str] = []
        self.notes: list[str] = []
        self.whole: list[str] = []
        """URIs of the folders and inventories that were listed whole."""

    def rows(self, sources: Sequence[str]) -> Iterator[Row]:
        """Yield a row of PAGES for each page, and the name of its kind for any other file."""
        for source in find_sources(sources):
            if source.may_be_missing:  # a list names it: mapped as the paths of inventories are
                text = self._paths.translate(source.place.text)
                source = replace(source, place=parse_location(text))
            yield from (self._list_s3 if source.place.is_s3 else self._list_path)(source)

    def _read_inventory(self, place: Location) -> Iterator[dict[str, Any]]:
        self.whole.append(place.uri)
        return read_inventory(place, self._s3, self._form, self.notes.append)

    def _list_path(self, source: Source) -> Iterator[Row]:
        place = source.place
        path = place.path
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise LocationError(f"{place.text}: cannot be read: {reason}") from error
        if is_folder:
            yield from self._walk(source)
        elif source.may_be_missing:
            try:
                yield self._paths.find(place.key, "utf-8")
            except ConfigError as error:
                yield problem_page(place.uri, _name_below(source), str(error))
        elif not is_file:
            raise LocationError(f"{place.text}: no such folder, picture or inventory")
        elif _is_inventory(source):
            yield from self._read_inventory(place)
        else:
            kind = find_kind(path.name) if source.is_found else None
            name = _name_below(source) or path.name
            yield PassedOver(kind, name) if kind else page_of_path(path, name)

    def _list_s3(self, source: Source) -> Iterator[Row]:
        """List a bucket: keys that end like a picture or inventory are one, others prefixes."""
        place = source.place
        if _is_inventory(source):
            yield from self._read_inventory(place)
            return
        if place.suffix not in PICTURES:
            yield from self._walk(source)
            return
        try:
            entry = find_entry(place, self._s3)
        except OSError as error:
            raise LocationError(f"{place.text}: {error.strerror}") from error
        name = _name_below(source) or place.name
        if entry is not None:
            yield page_of_entry(entry, name)
        elif source.may_be_missing:
            yield make_page(place.uri, name, size=0, mtime_ns=None)
        else:
            raise LocationError(f"{place.text}: no such picture")

    def _walk(self, source: Source) -> Iterator[Row]:
        self.whole.append(source.place.uri)
        name = _name_below(source)
        walk = Walk(source.place, self._s3, self._wanted, f"{name}/" if name else "")
        yield from walk.rows()
        self.unlisted += walk.unlisted


def _is_inventory(source: Source) -> bool:
    return source.place.suffix in INVENTORIES and not (source.is_found or source.may_be_missing)


def _name_below(source: Source) -> str:
    """Give a place's name below the folder that its pages are named after; empty for none."""
    place, base = source.place, source.base
    if base is None:
        return ""
    if place.is_s3:
        return f"absolute/{place.bucket}/{place.key}".rstrip("/")
    path = base.join(place.key)
    name = path.name_below(base)
    return f"absolute{path.key}" if name is None else "" if name == "." else name


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
