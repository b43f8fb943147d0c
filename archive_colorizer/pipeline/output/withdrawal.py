"""Withdrawn pages: their tombstones, and what OUTPUT still holds of what they showed.

A tombstone is the page's row without all that told of its derivative. It is written first: from
then on nothing names the files, and whoever clears OUTPUT later finds them through history.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.imaging.thumbnails import blank_cells, find_shown
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.derivatives import (
    RENDITION_KEYS,
    Present,
    find_present,
    named_keys,
    page_id,
    read_labels,
)
from archive_colorizer.pipeline.output.schema import OF_DERIVATIVE, SCHEMA
from archive_colorizer.storage import Store

WITHDRAWN: Final = "withdrawn"
MAPS: Final = ("doubt_map", "glare_map")
"""Columns of history that are pictures of what was withdrawn."""
CURRENT: Final = (
    "row_id", "source_uri", "page", "error_class", "derivative_uri", "derivative_key",
    *RENDITION_KEYS, "thumbnail_key",
)  # fmt: skip
PAST: Final = (
    "row_id", "source_uri", "page", "derivative_uri", "derivative_key", *RENDITION_KEYS,
    "thumbnail_key", "thumbnail_index",
)  # fmt: skip
CHANGED: Final = "changed"
"""Folder of history with copies of derivatives that somebody had worked on."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Who takes back, when and why."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Remnants:
    """What OUTPUT still holds of withdrawn pages."""

    files: tuple[str, ...] = ()
    """Keys of derivatives, renditions, kept earlier versions, and sheets that show nothing else."""
    cells: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Key of a sheet of thumbnails that others are on, too -> places."""
    maps: int = 0
    """Rows of history with a map of doubt or glare."""


def mark_withdrawn(rows: pa.Table) -> pa.ChunkedArray:
    """Mark the tombstones among rows with `error_class`."""
    return pc.fill_null(pc.equal(rows["error_class"], WITHDRAWN), False)


def join_pages(rows: pa.Table) -> pa.ChunkedArray:
    """Name each row's page: its URI and number."""
    return pc.binary_join_element_wise(rows["source_uri"], rows["page"].cast(pa.string()), "#")


def withdrawn_ids(store: Store) -> frozenset[str]:
    """Collect the ids of withdrawn pages' rows, those of their earlier derivatives too.

    What was made of OUTPUT elsewhere (an export) and has one of these ids is to go there as well.

    Raises:
        LocationError: the manifest cannot be read.
    """
    return frozenset(_find_lineage(store, manifest.read(store, CURRENT)).ids)


@dataclass(frozen=True, slots=True)
class _Lineage:
    """Rows of withdrawn pages, those of before their masters moved, too."""

    ids: set[str]
    pages: set[str]

    def mark(self, rows: pa.Table) -> pa.ChunkedArray:
        """Mark those rows among others, with `row_id`, `source_uri` and `page`."""
        columns = ((rows["row_id"], self.ids), (join_pages(rows), self.pages))
        return pc.or_(
            *(pc.is_in(one, value_set=pa.array(sorted(of), pa.string())) for one, of in columns)
        )


def _find_lineage(store: Store, rows: pa.Table) -> _Lineage:
    """Find all rows of withdrawn pages, by their pages and by their ids: `relocate` keeps these.

    Args:
        store: OUTPUT.
        rows: the manifest, with CURRENT.
    """
    stones = mark_withdrawn(rows)
    found = rows.filter(stones)
    lineage = _Lineage(set(found["row_id"].to_pylist()), set(join_pages(found).to_pylist()))
    if not lineage.ids:
        return lineage
    others = set(join_pages(rows.filter(pc.invert(stones))).to_pylist())
    past = manifest.read(store, ("row_id", "source_uri", "page"), manifest.HISTORY)
    known = 0
    while known < len(lineage.ids) + len(lineage.pages):
        known = len(lineage.ids) + len(lineage.pages)
        found = past.filter(lineage.mark(past))
        lineage.ids.update(found["row_id"].to_pylist())
        lineage.pages.update(set(join_pages(found).to_pylist()) - others)
    return lineage


def bury(store: Store, pages: Collection[str], said: Withdrawal, job_id: str) -> int:
    """Make tombstones of pages' rows; the rows go to history as they were.

    Args:
        store: OUTPUT.
        pages: as `join_pages` names them.
        said: who, when and why.
        job_id: of this withdrawal, for history.

    Returns:
        How many rows were made tombstones: those that are tombstones already stay.
    """
    wanted = pa.array(sorted(pages), pa.string())

    def change(table: pa.Table) -> manifest.Rewrite:
        mask = pc.and_(
            pc.is_in(join_pages(table), value_set=wanted), pc.invert(mark_withdrawn(table))
        )
        stones = _make_tombstones(table.filter(mask), said)
        return pa.concat_tables([table.filter(pc.invert(mask)), stones]), mask

    return manifest.rewrite(store, change, job_id)


def _make_tombstones(rows: pa.Table, said: Withdrawal) -> pa.Table:
    count = rows.num_rows
    values = {
        "status": "skipped", "error_class": WITHDRAWN, "review_needed": False, "flags": [],
        "steps": [], "withdrawn_at": said.at, "withdrawn_by": said.by,
        "withdrawn_reason": said.reason,
        "error_message": f"withdrawn on {said.at:%Y-%m-%d} by {said.by}: {said.reason}",
    }  # fmt: skip
    for name in (*OF_DERIVATIVE, *MAPS, *values):
        of_kind = SCHEMA.field(name)
        column = pa.array([values.get(name)] * count, of_kind.type)
        rows = rows.set_column(rows.column_names.index(name), of_kind, column)
    return rows


def find_remnants(store: Store) -> Remnants:
    """Find what OUTPUT still holds of withdrawn pages; nothing where a withdrawal is complete.

    Raises:
        LocationError: the manifest cannot be read, or OUTPUT not be listed.
        OSError: a file cannot be read.
    """
    rows = manifest.read(store, CURRENT)
    lineage = _find_lineage(store, rows)
    if not lineage.ids:
        return Remnants()
    past = manifest.read(store, PAST, manifest.HISTORY)
    past = past.filter(lineage.mark(past))
    present = find_present(store, rows)
    sheets = set(rows["thumbnail_key"].drop_null().to_pylist())
    unnamed, cells = _find_thumbnails(store, past, sheets)
    files = (*_find_files(store, present, past, named_keys(present, rows)), *unnamed)
    return Remnants(tuple(sorted(files)), cells, _count_maps(store, lineage))


def _find_files(
    store: Store, present: Present, past: pa.Table, named: Collection[str]
) -> Iterator[str]:
    """Yield the files that only rows of withdrawn pages name, and kept copies of such."""
    owner: dict[str, set[str]] = {}
    for row, key in zip(past.to_pylist(), present.keys_of(past).to_pylist(), strict=True):
        ids = {page_id(row["source_uri"], row["page"]), row["row_id"]}
        for one in (key, *(row[name] for name in RENDITION_KEYS)):
            if one:
                owner.setdefault(one, set()).update(ids)
    there = set(present.files["key"].to_pylist())
    for key, ids in owner.items():
        if key in there and key not in named and _is_theirs(store, key, ids):
            yield key
    for entry in store.list(manifest.HISTORY):
        _, kept, key = entry.key.partition(f"/{CHANGED}/")
        if kept and key in owner and _is_theirs(store, entry.key, owner[key]):
            yield entry.key


def _is_theirs(store: Store, key: str, ids: Collection[str]) -> bool:
    """Whether a file is of these pages: by its labels, or, where somebody took them, its name."""
    labels = read_labels(store, key)
    return not labels or labels.get("pageId") in ids or labels["rowId"] in ids


def _find_thumbnails(
    store: Store, past: pa.Table, sheets: Collection[str]
) -> tuple[list[str], dict[str, frozenset[int]]]:
    """Find sheets that show withdrawn pages alone, and places on those that show others, too."""
    places: dict[str, set[int]] = {}
    pairs = zip(past["thumbnail_key"].to_pylist(), past["thumbnail_index"].to_pylist(), strict=True)
    for key, place in pairs:
        if key is not None and store.exists(key):
            places.setdefault(key, set()).add(place)
    unnamed = [key for key in places if key not in sheets]
    shown = {key: find_shown(store.read(key), places[key]) for key in places if key in sheets}
    return unnamed, {key: found for key, found in shown.items() if found}


def _count_maps(store: Store, lineage: _Lineage) -> int:
    past = manifest.read(store, ("row_id", "source_uri", "page", *MAPS), manifest.HISTORY)
    return int(pc.sum(_mark_mapped(past, lineage)).as_py() or 0)


def _mark_mapped(past: pa.Table, lineage: _Lineage) -> pa.ChunkedArray:
    return pc.and_(pc.or_(*(pc.is_valid(past[name]) for name in MAPS)), lineage.mark(past))


def clear(store: Store, found: Remnants) -> None:
    """Take away what is left of withdrawn pages; only by the run that holds OUTPUT.

    Raises:
        OSError: a file cannot be deleted or written.
    """
    for key in found.files:
        store.delete(key)
    for key, places in found.cells.items():
        store.write_atomic(key, blank_cells(store.read(key), places))
    if found.maps:
        lineage = _find_lineage(store, manifest.read(store, CURRENT))

        def change(table: pa.Table) -> manifest.Rewrite:
            mask = _mark_mapped(table, lineage)
            for name in MAPS:
                of_kind = SCHEMA.field(name)
                nothing = pa.nulls(table.num_rows, of_kind.type)
                column = pc.if_else(mask, nothing, table[name])
                table = table.set_column(table.column_names.index(name), of_kind, column)
            return table, mask

        manifest.rewrite(store, change, folder=manifest.HISTORY)
