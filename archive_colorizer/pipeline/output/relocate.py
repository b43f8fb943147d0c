"""Relocate: masters, or OUTPUT itself, have moved; their rows follow, and keep their ids."""

import uuid
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.pilot.record import move_pilot
from archive_colorizer.storage import TEMPORARIES, Store, parse_location


def relocate(store: Store, old: str, new: str) -> tuple[int, int]:
    """Rewrite locations below one place to another; rows go to history as they were.

    Args:
        store: OUTPUT.
        old: folder, file:// URI or s3:// prefix where things were.
        new: where they are now.

    Returns:
        Counts of masters and of derivatives that are named anew.

    Raises:
        LocationError: no job is there, no row names the old place, or the new one is taken.
        LockedError: a run holds OUTPUT.
    """
    if not layout.read_job(store):
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    before, after = _prefix(old), _prefix(new)
    if before == after:
        raise LocationError(f"{old}: --from and --to are the same place")
    with Lock(store):
        layout.recover(store)
        job_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-relocate-{uuid.uuid4().hex[:8]}"
        rows = manifest.read(store, ["source_uri", "page", "derivative_uri"])
        masters = _count(rows["source_uri"], before)
        derivatives = _count(rows["derivative_uri"], before)
        if not masters and not derivatives:
            raise LocationError(f"{old}: no row of {store.uri} names anything there")
        _check_free(rows, before, after, new)
        manifest.rewrite(store, lambda table: _move(table, before, after), job_id)
        move_pilot(store, before, after)
        store.delete_tree(TEMPORARIES)
    return masters, derivatives


def _prefix(text: str) -> str:
    return parse_location(text).uri.rstrip("/") + "/"


def _count(uris: pa.ChunkedArray, before: str) -> int:
    return int(pc.sum(pc.starts_with(uris, before)).as_py() or 0)


def _check_free(rows: pa.Table, before: str, after: str, new: str) -> None:
    """Make sure that no page gets a second row.

    Raises:
        LocationError: pages at the new place have rows already.
    """
    pages = list(zip(rows["source_uri"].to_pylist(), rows["page"].to_pylist(), strict=True))
    staying = {page for page in pages if not page[0].startswith(before)}
    moved = {(after + uri.removeprefix(before), n) for uri, n in pages if uri.startswith(before)}
    taken = staying & moved
    if taken:
        raise LocationError(
            f"{new}: {len(taken):,} pictures there have a row already, such as {min(taken)[0]}"
        )


def _move(table: pa.Table, before: str, after: str) -> manifest.Rewrite:
    touched = pc.or_(
        pc.starts_with(table["source_uri"], before),
        pc.fill_null(pc.starts_with(table["derivative_uri"], before), False),
    )
    for name in ("source_uri", "derivative_uri"):
        place = table.column_names.index(name)
        moved = _replaced(table[name], before, after)
        table = table.set_column(place, SCHEMA.field(name), moved)
    place = table.column_names.index("source_path_raw")
    raw = pa.array(
        [parse_location(uri).raw for uri in table["source_uri"].to_pylist()], pa.binary()
    )
    return table.set_column(place, SCHEMA.field("source_path_raw"), raw), touched


def _replaced(uris: pa.ChunkedArray, before: str, after: str) -> pa.ChunkedArray:
    tails = pc.utf8_slice_codeunits(uris, len(before))
    return pc.if_else(
        pc.starts_with(uris, before), pc.binary_join_element_wise(after, tails, ""), uris
    )
