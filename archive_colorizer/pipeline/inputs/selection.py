"""Selection: the listed pages that are to be done now, and the earlier rows that they replace."""

import hashlib
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.listing import Listing, add_relative
from archive_colorizer.pipeline.inputs.lists import (
    add_fixity,
    add_hints,
    check_matched,
    mark_excluded,
)
from archive_colorizer.pipeline.inputs.names import ListedNames
from archive_colorizer.pipeline.inputs.naming import output_keys

MANIFEST_COLUMNS: Final = (
    "row_id", "source_uri", "page", "status", "error_class", "attempt", "recipe_sha256"
)  # fmt: skip
"""Columns of the manifest that `select` needs."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The pages that a run does."""

    todo: pa.Table
    """Pages to be coloured; columns are the fields of PhotoRef."""
    excluded: pa.Table
    """Pages on the exclude list without an `excluded` row; the same columns."""
    superseded: pa.Array
    """Row ids of the manifest that go to history."""
    listed: int
    done: int
    """Listed pages that already have their row."""
    held_back: int
    """Pages left for later by --limit."""
    notes: tuple[str, ...] = ()


def hash_page(
    uri: str, page: int, size: int, version: object, recipe_sha256: str, *extras: str
) -> str:
    """Compute the row id of a page: a SHA-256 in hex, known before anything is read.

    `extras` are further inputs of the model for this picture, such as hints; empty ones change
    nothing.
    """
    parts = (uri, str(page), str(size), str(version), recipe_sha256, *filter(None, extras))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def add_row_ids(table: pa.Table, recipe_sha256: str, *, classes: bool) -> pa.Table:
    """Add `row_id` to a listing; `class_id` is part of it where the model has classes."""
    names = ("source_uri", "page", "size_bytes", "hints", "class_id")
    columns = [table[name].to_pylist() for name in names]
    versions = pc.coalesce(table["etag"], table["mtime_ns"].cast(pa.string())).to_pylist()
    ids = []
    for uri, page, size, points, label, version in zip(*columns, versions, strict=True):
        shown = f"class {label}" if classes and label else ""
        ids.append(hash_page(uri, page, size, version, recipe_sha256, points, shown))
    return table.append_column("row_id", pa.array(ids, pa.string()))


def select(
    listing: Listing,
    manifest: pa.Table,
    config: JobConfig,
    recipe_sha256: str,
    *,
    classes: bool = False,
) -> Selection:
    """Compare what is listed with what the manifest has.

    Args:
        listing: of SOURCE.
        manifest: with at least MANIFEST_COLUMNS.
        config: `select` decides; lists that it names are read here.
        recipe_sha256: of this run.
        classes: the model gets each picture's class, so that another class is another row.

    Raises:
        ConfigError: an exclude or fixity list that cannot be understood.
    """
    table = add_relative(listing.table)
    names = ListedNames(table)
    table, unmatched = add_hints(table, config.select.hints, names=names, s3=config.run.s3)
    table = add_row_ids(table, recipe_sha256, classes=classes)
    table, more = add_fixity(table, config.select.fixity, names=names, s3=config.run.s3)
    unmatched += more
    keys = output_keys(
        table["relative_raw"].to_pylist(), config.deliver.suffix, config.deliver.format
    )
    table = table.append_column("output_key", pa.array(keys, pa.string()))
    table = _add_attempt(table, manifest)
    done = _mark_done(table, manifest, config)
    excluded, more = mark_excluded(table, config.select.exclude_list, names=names, s3=config.run.s3)
    notes = check_matched(unmatched + more, allowed=config.select.allow_unmatched)
    todo = table.filter(pc.invert(pc.or_(done, excluded)))
    now = todo.slice(0, config.select.limit) if config.select.limit else todo
    off = table.filter(pc.and_(excluded, pc.invert(_mark_recorded_as_excluded(table, manifest))))
    return Selection(
        todo=now,
        excluded=off,
        superseded=_find_superseded(manifest, pa.concat_tables([now, off])),
        listed=table.num_rows,
        done=pc.sum(pc.and_(done, pc.invert(excluded))).as_py() or 0,
        held_back=todo.num_rows - now.num_rows,
        notes=listing.notes + notes,
    )


def _join_page_keys(table: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise(table["source_uri"], table["page"].cast(pa.string()), "#")


def _mark_done(table: pa.Table, manifest: pa.Table, config: JobConfig) -> pa.Array:
    """Mark pages whose row is there, unless they are wanted again or are no longer excluded."""
    if config.select.redo:
        return pa.array([False] * table.num_rows, pa.bool_())
    rows = manifest.filter(pc.not_equal(pc.fill_null(manifest["error_class"], ""), "excluded"))
    if config.select.retry_failed:
        rows = rows.filter(pc.not_equal(rows["status"], "failed"))
    return pc.is_in(table["row_id"], value_set=rows["row_id"].combine_chunks())


def _add_attempt(table: pa.Table, manifest: pa.Table) -> pa.Table:
    """Number the attempts at one row id."""
    earlier = pc.index_in(table["row_id"], value_set=manifest["row_id"].combine_chunks())
    attempts = pc.take(manifest["attempt"], earlier)
    return table.append_column("attempt", pc.add(pc.fill_null(attempts, 0), 1))


def _mark_recorded_as_excluded(table: pa.Table, manifest: pa.Table) -> pa.Array:
    """Mark pages that have their row for being excluded; a row for another reason is replaced."""
    rows = manifest.filter(pc.equal(manifest["error_class"], "excluded"))
    return pc.is_in(table["row_id"], value_set=rows["row_id"].combine_chunks())


def _find_superseded(manifest: pa.Table, doing: pa.Table) -> pa.Array:
    """Find the ids of rows whose pages get a new row."""
    again = pc.is_in(_join_page_keys(manifest), value_set=_join_page_keys(doing).combine_chunks())
    return manifest.filter(again)["row_id"].combine_chunks()
