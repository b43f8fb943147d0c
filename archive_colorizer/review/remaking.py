"""One picture made again at full size with other points: a run over its row alone.

It takes the lease, the steps and the local engine of `colorize`. job.json stays as it is, for it
tells of the whole job.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import (
    ConfigError,
    LocationError,
    MissingPhotoError,
    PhotoError,
)
from archive_colorizer.models.catalog import has_classes
from archive_colorizer.pipeline.engines import local
from archive_colorizer.pipeline.inputs.pages import page_of_entry, page_of_path
from archive_colorizer.pipeline.inputs.selection import hash_page
from archive_colorizer.pipeline.job_spec import JobSpec, make_spec
from archive_colorizer.pipeline.output import derivatives, disk_reserve, layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.output.thumbnails import remove_unnamed
from archive_colorizer.pipeline.program_errors import ProgramErrors
from archive_colorizer.pipeline.records import Page, PhotoRef, Status
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.registry import kept
from archive_colorizer.review.parts import PartFiles
from archive_colorizer.review.row_recipe import read_recipe, use_one_thread
from archive_colorizer.storage import (
    TEMPORARIES,
    S3Settings,
    Store,
    find_entry,
    parse_location,
)

FOUND: Final = ("size_bytes", "mtime_ns", "etag")
KEPT: Final = (
    "source_uri", "page", "object_id", "collection", "sensitivity", "class_id", "collection_json",
)  # fmt: skip
"""Columns of a row that its next one has, too."""


def remake(
    store: Store, s3: S3Settings, run: Mapping[str, object], page: Page, hints: str
) -> Mapping[str, Any]:
    """Make the derivative of a page again, with these points and no others.

    Args:
        store: OUTPUT.
        s3: the way to object stores.
        run: as of `read_recipe`.
        page: its source URI and number.
        hints: as `pin_record.write_hints` gives them; empty for none.

    Returns:
        The page's new row; the one that it had, where that has these points already.

    Raises:
        LockedError: another run holds OUTPUT.
        UsageError: as `read_recipe`; the page has no row or no derivative (it was withdrawn,
            perhaps), or its master is another file by now.
        PhotoError: it failed; the row and the derivative of before stand.
    """
    layout.prepare(store)
    with Lock(store) as lock:
        layout.recover(store)
        row = _find_row(store, s3, page)
        if row["status"] != Status.OK:
            raise ConfigError(f"{page[0]}: has no derivative by now ({row['error_class']})")
        if (row["hints"] or "") == hints:
            return row
        recipe = read_recipe(row, store, s3, run)
        spec = make_spec(recipe.config, recipe.models, lock.owner)
        ref = _make_ref(row, hints, spec, s3)
        try:
            _keep(store, row, spec)
            disk_reserve.keep(store)
            recorded = _run(spec, ref, lock)
            if recorded.status != Status.OK:
                manifest.retire(store, {ref.row_id}, spec.context.job_id)
                raise PhotoError(recorded.error_message)
            manifest.settle(store, spec.context.job_id)
            store.delete_tree(disk_reserve.FOLDER)  # room for compaction
            manifest.compact(store)
            remove_unnamed(store)
            return _find_row(store, s3, page)
        finally:
            store.delete_tree(TEMPORARIES)


def _find_row(store: Store, s3: S3Settings, page: Page) -> Mapping[str, Any]:
    """Find the row of a page, all columns.

    Raises:
        LocationError: OUTPUT has none.
    """
    files = PartFiles(store, s3)
    places = manifest.read(store, ["row_id", "source_uri", "page"])
    uri, number = page
    mine = pc.and_(pc.equal(places["source_uri"], uri), pc.equal(places["page"], number))
    for row_id in places.filter(mine)["row_id"].to_pylist():
        for part in files.list():
            at = pc.index(files.read(part.key, ["row_id"])["row_id"], row_id).as_py()
            if at >= 0:
                return files.read_row(part.key, at, SCHEMA.names)
    raise LocationError(f"{uri}: has no row in OUTPUT any more")


def _run(spec: JobSpec, ref: PhotoRef, lock: Lock) -> Recorded:
    use_one_thread()
    (batch,) = local.run(spec, pa.Table.from_pylist([asdict(ref)]))
    lock.check()
    ProgramErrors(0).add(batch)  # they go into the log
    return batch[0]


def _make_ref(row: Mapping[str, Any], hints: str, spec: JobSpec, s3: S3Settings) -> PhotoRef:
    """Make the reference of a row's page as it is now.

    Raises:
        MissingPhotoError: the master is not there.
        ConfigError: it is another file by now.
    """
    uri = row["source_uri"]
    place = parse_location(uri)
    if place.is_s3:
        entry = find_entry(place, s3)
        page = page_of_entry(entry, "") if entry else None
    else:
        page = page_of_path(place.path, "")
    if not (page and page["size_bytes"]):
        raise MissingPhotoError(f"{uri}: the master is not there")
    if page["size_bytes"] != row["source_bytes"]:
        raise ConfigError(f"{uri}: the master is another file by now: colorize takes it first")
    label = row["class_id"] or ""
    shown = f"class {label}" if label and has_classes(spec.model.card.config) else ""
    version = page["etag"] or page["mtime_ns"]
    row_id = hash_page(
        uri, row["page"], page["size_bytes"], version, spec.context.recipe_sha256, hints, shown
    )
    return PhotoRef(
        row_id=row_id, hints=hints, earlier_id=row["row_id"], output_key=row["derivative_key"],
        owns_key=True, relative=row["source_path"] or "",
        source_path_raw=row["source_path_raw"] or place.raw,
        **{name: page[name] for name in FOUND},
        **{name: row[name] for name in KEPT if row[name] is not None},
    )  # fmt: skip


def _keep(store: Store, row: Mapping[str, Any], spec: JobSpec) -> None:
    """Keep the weights; and the derivative of before, where somebody has worked on it."""
    if spec.config.run.keep_model == "on":
        for model in filter(None, (spec.model, spec.enlarger)):
            kept.keep(store, model)
    schema = pa.schema([SCHEMA.field(name) for name in derivatives.COLUMNS])
    rows = pa.Table.from_pylist([row], schema)
    keys = ("derivative_key", *derivatives.RENDITION_KEYS)
    names = filter(None, (row[key] for key in keys))
    files = [entry for entry in map(store.find, names) if entry]
    present = derivatives.Present(
        store,
        pa.table(
            {
                "key": pa.array([one.key for one in files], pa.string()),
                "size_bytes": pa.array([one.size_bytes for one in files], pa.int64()),
                "version": pa.array([derivatives.version_of(one) for one in files], pa.string()),
            }
        ),
    )
    found = derivatives.inspect(present, rows, present.keys_of(rows))
    changed = found.changed.get(row["row_id"], ())
    derivatives.keep_changed(store, changed, spec.context.job_id)
