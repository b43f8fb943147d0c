"""Selection: the listed pages that are to be done now, in the light of the rows that OUTPUT has.

A page's row is found by where its master is (URI and page). It stands as long as the master has the
same content and nobody asks for the page to be done again: other settings or newer weights ask for
nothing by themselves (`pipeline.run` refuses them, or was told so). Where size and version (ETag or
time) of a master are as recorded its content is taken to be; else its SHA-256 is compared.
"""

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.fates import (
    Mask,
    Wanted,
    judge,
    make_mask,
    mark_in,
    versions_of,
)
from archive_colorizer.pipeline.inputs.listing import Listing, add_relative
from archive_colorizer.pipeline.inputs.lists import (
    add_fixity,
    add_hints,
    check_matched,
    mark_excluded,
    mark_sensitive,
)
from archive_colorizer.pipeline.inputs.moved import check_not_moved
from archive_colorizer.pipeline.inputs.names import ListedNames
from archive_colorizer.pipeline.inputs.naming import output_keys
from archive_colorizer.pipeline.inputs.several_pages import (
    count_pages,
    expand,
    known_pages,
    name_of_page,
)
from archive_colorizer.pipeline.inputs.text_files import read_lines

MANIFEST_COLUMNS: Final = (
    "row_id", "source_uri", "page", "job_id", "started_at", "status", "error_class", "attempt",
    "recipe_sha256", "source_sha256", "source_bytes", "source_mtime", "etag", "hints", "class_id",
    "derivative_uri", "derivative_key", "derivative_sha256", "derivative_bytes",
    "derivative_version", "marked_key", "marked_bytes", "access_key", "access_bytes",
)  # fmt: skip
"""Columns of the manifest that a run reads."""
ROW_COLUMNS: Final = (
    "row_id", "started_at", "status", "error_class", "attempt", "recipe_sha256", "source_sha256",
    "source_bytes", "source_mtime", "etag", "hints", "class_id", "source_uri",
)  # fmt: skip
"""Those that decide what becomes of a page."""
NAMING: Final = ("source_uri", "page", "relative_raw", "object_id")
"""Columns of a listing that decide a derivative's name."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The pages that a run does."""

    todo: pa.Table
    """Pages to be coloured; columns are the fields of PhotoRef."""
    excluded: pa.Table
    """Pages that are excluded and have no `excluded` row yet; the same columns."""
    listed: int
    done: int
    """Listed pages whose row stands."""
    held_back: int
    """Pages left for later by --limit."""
    replaced: int
    """Pages to be coloured that have a row now."""
    unmade: int
    """Finished pages that another recipe than this run's has made, and that stay."""
    sensitive: int
    """Pages that are excluded for their sensitivity."""
    touched: pa.Table
    """Pages whose master has another size or time on record, and the same content: `row_id`,
    `size_bytes`, `mtime_ns` and `etag`."""
    retired: frozenset[str]
    """Ids of failed rows whose page SOURCE does not hold any more."""
    notes: tuple[str, ...] = ()


def hash_page(
    uri: str, page: int, size: int, version: object, recipe_sha256: str, *extras: str
) -> str:
    """Compute the id for a new making of a page: a SHA-256 in hex, known before it is read.

    The row keeps it, whatever becomes of the master's place and time. `extras` are further inputs
    of the model for this picture, such as hints; empty ones change nothing.
    """
    parts = (uri, str(page), str(size), str(version), recipe_sha256, *filter(None, extras))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


Compare = Callable[[pa.Table], Collection[str]]
"""Takes pages (`row_id`, `source_uri`, `source_sha256`); gives the ids of those whose master still
has that SHA-256."""


def select(
    listing: Listing,
    manifest: pa.Table,
    config: JobConfig,
    wanted: Wanted,
    compare: Compare = lambda pages: (),
) -> Selection:
    """Compare what is listed with what the manifest has.

    Args:
        listing: of SOURCE.
        manifest: its rows, with at least MANIFEST_COLUMNS and `key`, the key of the derivative that
            belongs to the page, or empty.
        config: `select` decides; lists that it names are read here.
        wanted: what was asked for.
        compare: looks at masters whose size or version is another than recorded.

    Raises:
        ConfigError: a list that cannot be understood, or that names what is not listed.
    """
    table, off, notes = _apply_lists(listing, config)
    sensitive = make_mask(mark_sensitive(table, config.select.sensitive)) & ~off
    table, off = _expand(table, off | sensitive, manifest, config)
    held = _find_rows([table, listing.filtered], manifest)
    elsewhere = manifest.filter(pa.array(_mark_elsewhere(held, manifest)))
    rows = manifest.select(ROW_COLUMNS).take(held[: table.num_rows])
    fates = judge(table, rows, off, config, wanted)
    same = _find_same(rows, fates["touched"], compare)
    fates["todo"] &= ~same
    table = table.set_column(
        table.column_names.index("hints"), "hints", _keep_hints(table["hints"], rows["hints"])
    )
    check_not_moved(table.filter(pa.array(fates["todo"] & ~fates["recorded"])), elsewhere, config)
    files = pa.concat_tables([each.select(NAMING) for each in (table, listing.filtered)])
    keys, owned = _choose_keys(files, manifest["key"].take(held), elsewhere, config, wanted)
    keys, owned = keys[: table.num_rows], owned[: table.num_rows]
    table = table.append_column("output_key", pa.array(keys, pa.string()))
    table = table.append_column("owns_key", pa.array(owned, pa.bool_()))
    table = table.append_column("earlier_id", pc.fill_null(rows["row_id"], ""))
    table = table.append_column("earlier_attempt", pc.fill_null(rows["attempt"], 0))
    todo = table.filter(pa.array(fates["todo"]))
    now = todo.slice(0, config.select.limit) if config.select.limit else todo
    known = manifest["row_id"]
    return Selection(
        todo=_add_ids(now, wanted, known),
        excluded=_add_ids(table.filter(pa.array(fates["exclude"])), wanted, known),
        listed=table.num_rows,
        done=int((fates["recorded"] & ~fates["todo"] & ~off).sum()),
        held_back=todo.num_rows - now.num_rows,
        replaced=int(pc.sum(pc.not_equal(now["earlier_id"], "")).as_py() or 0),
        unmade=int(fates["unmade"].sum()),
        sensitive=int(sensitive.sum()),
        touched=pa.table(
            [rows["row_id"], *(table[name] for name in ("size_bytes", "mtime_ns", "etag"))],
            ["row_id", "size_bytes", "mtime_ns", "etag"],
        ).filter(pa.array(same)),
        retired=_find_retired(listing, elsewhere),
        notes=(*listing.notes, *notes, *_describe(fates)),
    )


def _find_same(rows: pa.Table, touched: Mask, compare: Compare) -> Mask:
    """Mark touched pages whose content is what their row says."""
    if not touched.any():
        return touched
    pages = rows.select(["row_id", "source_uri", "source_sha256"])
    return touched & mark_in(rows["row_id"], compare(pages.filter(pa.array(touched))))


def read_ids(path: str, known: Collection[str], *, allow_unmatched: bool) -> frozenset[str]:
    """Read a list of row ids, one a line.

    Args:
        path: of the list.
        known: ids of the manifest and its history.
        allow_unmatched: go on where an id is not known.

    Raises:
        ConfigError: it cannot be read, or an id is not known.
    """
    ids = {number: line.strip() for number, line in enumerate(read_lines(path), start=1)}
    unmatched = [
        f"{path}: line {number}: {name[:80]!r} is the id of no row"
        for number, name in ids.items()
        if name and name not in known
    ]
    check_matched(unmatched, allowed=allow_unmatched)
    return frozenset(name for name in ids.values() if name)


def _apply_lists(listing: Listing, config: JobConfig) -> tuple[pa.Table, Mask, tuple[str, ...]]:
    """Apply the lists that were given, to all that SOURCE holds: a line may name what is left out.

    Returns:
        The listed pages with their hints and checksums, a mask of those on the exclude list, and
        notes.

    Raises:
        ConfigError: a list cannot be understood, or names what is not there.
    """
    chosen, s3 = config.select, config.run.s3
    table = add_relative(pa.concat_tables([listing.table, listing.filtered]))
    names = ListedNames(table)
    table, unmatched = add_hints(table, chosen.hints, names=names, s3=s3)
    table, more = add_fixity(table, chosen.fixity, names=names, s3=s3)
    excluded, others = mark_excluded(table, chosen.exclude_list, names=names, s3=s3)
    notes = check_matched((*unmatched, *more, *others), allowed=chosen.allow_unmatched)
    listed = listing.table.num_rows
    return table.slice(0, listed), make_mask(excluded)[:listed], notes


def _expand(
    table: pa.Table, off: Mask, manifest: pa.Table, config: JobConfig
) -> tuple[pa.Table, Mask]:
    """Add the further pages of files, without opening one that is excluded or was."""
    closed = off.copy()
    if not config.select.include_again:
        excluded = manifest.filter(pc.equal(manifest["error_class"], "excluded"))
        closed |= mark_in(table["source_uri"], set(excluded["source_uri"].to_pylist()))
    s3 = config.run.s3
    count = partial(count_pages, s3=s3) if config.select.pages == "all" else None
    marked = expand(table.append_column("off", pa.array(off)), closed, known_pages(manifest), count)
    return marked.drop_columns("off"), make_mask(marked["off"])


def _find_rows(tables: Sequence[pa.Table], manifest: pa.Table) -> pa.Array:
    """Find the row of each page; null where it has none."""
    pages = [_join_pages(table) for table in tables]
    held = pa.chunked_array([chunk for page in pages for chunk in page.chunks], pa.string())
    at = pc.index_in(held, value_set=_join_pages(manifest).combine_chunks())
    return at.combine_chunks()


def _mark_elsewhere(held: pa.Array, manifest: pa.Table) -> Mask:
    """Mark rows whose page SOURCE does not hold."""
    marks = np.ones(manifest.num_rows, bool)
    marks[held.drop_null().to_numpy()] = False
    return marks


def _join_pages(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["source_uri"], table["page"].cast(pa.string()), "#")


def _keep_hints(listed: pa.ChunkedArray, recorded: pa.ChunkedArray) -> pa.ChunkedArray:
    """Keep the points that a page had, where none are given now."""
    return pc.if_else(pc.equal(listed, ""), pc.fill_null(recorded, ""), listed)


def _choose_keys(
    pages: pa.Table,
    owned: pa.ChunkedArray,
    elsewhere: pa.Table,
    config: JobConfig,
    wanted: Wanted,
) -> tuple[list[str], list[bool]]:
    """Choose the derivatives' names, over all that SOURCE holds and against every row.

    Args:
        pages: columns NAMING.
        owned: key that each of them has by its row.
        elsewhere: rows of other pages.
        config: of the job.
        wanted: has the keys that only history names.

    Returns:
        Of each page its key, and whether a row says already that it is the page's.
    """
    uris, numbers = pages["source_uri"].to_pylist(), pages["page"].to_pylist()
    others = dict(wanted.earlier)
    earlier = [others.pop(page, "") for page in zip(uris, numbers, strict=True)]
    own = [key or old for key, old in zip(owned.to_pylist(), earlier, strict=True)]
    keys = output_keys(
        list(map(name_of_page, pages["relative_raw"].to_pylist(), numbers)),
        config.deliver.suffix, config.deliver.format,
        uris=uris, owned=own, taken=[*others.values(), *elsewhere["key"].to_pylist()],
        stems=_make_stems(pages) if config.deliver.name_by == "object_id" else (),
    )  # fmt: skip
    return keys, [key == one for key, one in zip(keys, own, strict=True)]


def _make_stems(pages: pa.Table) -> list[str]:
    """Give the names of pages after their object ids; empty where they have none."""
    pairs = zip(pages["object_id"].to_pylist(), pages["page"].to_pylist(), strict=True)
    return [f"{one}.p{page + 1}" if one.strip() and page else one.strip() for one, page in pairs]


def _find_retired(listing: Listing, elsewhere: pa.Table) -> frozenset[str]:
    """Find failed rows below a SOURCE whose page is gone, odd rows of an inventory too.

    Rows of finished pages stay: their masters may have been weeded. Where a folder could not be
    listed nobody knows.
    """
    if listing.unlisted:
        return frozenset()
    listed = [table["source_uri"].combine_chunks() for table in (listing.table, listing.filtered)]
    held = pc.is_in(elsewhere["source_uri"], value_set=pa.concat_arrays(listed))
    elsewhere = elsewhere.filter(pc.invert(held))  # another page of a file that is there stays
    below = pa.array([False] * elsewhere.num_rows, pa.bool_())
    for uri in listing.whole:
        for start in (f"{uri.rstrip('/')}/", f"{uri.rstrip('/')}#row-"):
            below = pc.or_(below, pc.starts_with(elsewhere["source_uri"], start))
    failed = pc.equal(elsewhere["status"], "failed")
    return frozenset(elsewhere.filter(pc.and_(below, failed))["row_id"].to_pylist())


def _add_ids(table: pa.Table, wanted: Wanted, known: pa.ChunkedArray) -> pa.Table:
    """Add `row_id`, and `attempt`, which counts the tries at one id.

    Args:
        table: pages that get a row.
        wanted: has the recipe.
        known: ids of the manifest: one that stands for another page is not given again.
    """
    names = ("source_uri", "page", "size_bytes", "hints", "class_id")
    columns = [table[name].to_pylist() for name in names]
    ids = []
    for uri, page, size, points, label, version in zip(
        *columns, versions_of(table).to_pylist(), strict=True
    ):
        shown = f"class {label}" if wanted.classes and label else ""
        ids.append(hash_page(uri, page, size, version, wanted.recipe_sha256, points, shown))
    made = pa.array(ids, pa.string())
    same = pc.fill_null(pc.equal(table["earlier_id"], made), False)
    taken = pc.and_(pc.is_in(made, value_set=known.combine_chunks()), pc.invert(same))
    for row in np.flatnonzero(make_mask(taken)).tolist():  # a master has moved away from there
        ids[row] = hashlib.sha256(f"{ids[row]} {uuid.uuid4()}".encode()).hexdigest()
    attempts = pc.if_else(same, pc.add(table["earlier_attempt"], 1), 1)
    table = table.append_column("row_id", pa.array(ids, pa.string()))
    return table.append_column("attempt", attempts.cast(pa.int32()))


def _describe(fates: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what stays as it is though somebody may expect otherwise."""
    said = {
        "still_excluded": "pictures stay excluded (--include-again takes them up)",
        "still_withdrawn": "pictures stay withdrawn (--include-withdrawn takes them up)",
        "weeded": "masters are not there any more; their rows stay",
    }
    counts = {name: int(fates[name].sum()) for name in said}
    return tuple(f"{counts[name]:,} {text}" for name, text in said.items() if counts[name])
