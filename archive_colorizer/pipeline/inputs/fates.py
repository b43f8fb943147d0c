"""Fates of listed pages: what is to become of each, in the light of the row that it has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.records import CLOSED, Page

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run was told to do with pages that have a row, and what it found of them."""

    recipe_sha256: str
    """Of this run."""
    redo: bool = False
    """Do finished pages again."""
    ids: Collection[str] | None = None
    """With `redo`, only these rows."""
    since_us: int | None = None
    """Rows from then on belong to this redo already; UTC, microseconds."""
    outdated: Collection[str] = ()
    """Digests of recipes whose pages are to be done with this run's."""
    classes: bool = False
    """Whether the model gets each picture's class, so that another class is another picture."""
    gone: Collection[str] = ()
    """Ids of rows whose derivative is missing or changed."""
    earlier: Mapping[Page, str] = field(default_factory=dict)
    """Source URI and page -> key of a derivative that belongs to it, though no row names it."""


def make_mask(values: pa.Array | pa.ChunkedArray) -> Mask:
    """Make a numpy mask of a boolean column; null is False."""
    found: Mask = np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), bool)
    return found


def judge(
    table: pa.Table, rows: pa.Table, off: Mask, config: JobConfig, wanted: Wanted
) -> dict[str, Mask]:
    """Judge each page by its row.

    Returns:
        Masks: `recorded` (has a row), `todo`, `exclude` (gets the row of an excluded page),
        `touched` (to be done unless the content is the same), `unmade` (finished by another recipe,
        and not to be done), `still_excluded`, `still_withdrawn` and `weeded`.
    """
    recorded = make_mask(pc.is_valid(rows["row_id"]))
    excluded = make_mask(pc.equal(rows["error_class"], "excluded"))
    closed = mark_in(rows["error_class"], CLOSED)
    withdrawn = closed & ~excluded
    failed = make_mask(pc.equal(rows["status"], "failed"))
    finished = recorded & ~closed & ~failed
    missing = _mark_missing(table)
    version = pc.fill_null(pc.equal(versions_of(table), _row_versions(rows)), False)
    unsized = make_mask(pc.equal(table["size_bytes"], 0)) & make_mask(pc.is_null(table["mtime_ns"]))
    sized = make_mask(pc.equal(table["size_bytes"], rows["source_bytes"])) | unsized
    other = make_mask(pc.not_equal(rows["recipe_sha256"], wanted.recipe_sha256))
    asked = (
        _mark_redo(rows, wanted)
        | (other & mark_in(rows["recipe_sha256"], wanted.outdated))
        | (failed & config.select.retry_failed)
        | mark_in(rows["row_id"], wanted.gone)
        | _mark_other_inputs(table, rows, wanted)
        | ~(sized | missing)
    )
    touched = sized & ~make_mask(version) & ~missing
    again = recorded & ~closed & (asked | touched)
    again |= excluded & config.select.include_again
    again |= withdrawn & config.select.include_withdrawn
    weeded = finished & missing
    todo = ~off & (~recorded | again) & ~weeded
    return {
        "recorded": recorded,
        "todo": todo,
        "exclude": off & ~closed,
        "touched": todo
        & touched
        & ~asked
        & ~closed
        & make_mask(pc.is_valid(rows["source_sha256"])),
        "unmade": finished & other & ~todo & ~off,
        "still_excluded": excluded & ~off & ~todo,
        "still_withdrawn": withdrawn & ~off & ~todo,
        "weeded": weeded & ~off,
    }


def _mark_missing(table: pa.Table) -> Mask:
    """Mark files of this machine that an inventory or a link names and that are not there."""
    here = make_mask(pc.starts_with(table["source_uri"], "file://"))
    empty = make_mask(pc.equal(table["size_bytes"], 0))
    return here & empty & make_mask(pc.equal(pc.fill_null(table["mtime_ns"], 0), 0))


def versions_of(table: pa.Table) -> pa.ChunkedArray:
    """Give what the listing says of each file's version: its ETag, or its time in ns."""
    time = table["mtime_ns"].cast(pa.string())
    return pc.fill_null(pc.coalesce(table["etag"], time), "None")


def _row_versions(rows: pa.Table) -> pa.ChunkedArray:
    time = rows["source_mtime"].cast(pa.int64()).cast(pa.string())
    return pc.fill_null(pc.coalesce(rows["etag"], time), "None")


def _mark_redo(rows: pa.Table, wanted: Wanted) -> Mask:
    if not wanted.redo:
        return np.zeros(rows.num_rows, bool)
    marks = np.ones(rows.num_rows, bool)
    if wanted.ids is not None:
        marks &= mark_in(rows["row_id"], wanted.ids)
    if wanted.since_us is not None:
        marks &= ~make_mask(pc.greater_equal(rows["started_at"].cast(pa.int64()), wanted.since_us))
    return marks


def mark_in(column: pa.ChunkedArray, values: Collection[str]) -> Mask:
    """Mark the cells that are one of some values."""
    return make_mask(pc.is_in(column, value_set=pa.array(sorted(values), pa.string())))


def _mark_other_inputs(table: pa.Table, rows: pa.Table, wanted: Wanted) -> Mask:
    """Mark pages whose hints or class are others than those that their row was made with."""
    hinted = make_mask(pc.not_equal(table["hints"], ""))
    marks = hinted & make_mask(pc.not_equal(table["hints"], pc.fill_null(rows["hints"], "")))
    if wanted.classes:
        marks |= make_mask(pc.not_equal(table["class_id"], pc.fill_null(rows["class_id"], "")))
    return marks
