"""Rows brought up to date where they stand: the page is the same, what is around it has changed."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage import Store


def note_versions(store: Store, versions: Mapping[str, str]) -> None:
    """Note the new version of derivatives that were touched and have the same bytes.

    Args:
        store: OUTPUT.
        versions: row id -> version.
    """
    _note(store, {row_id: {"derivative_version": one} for row_id, one in versions.items()})


def note_masters(store: Store, touched: pa.Table) -> None:
    """Note size and version of masters that were touched and have the same bytes.

    Args:
        store: OUTPUT.
        touched: `row_id`, `size_bytes`, `mtime_ns` and `etag` of each.
    """
    _note(
        store,
        {
            row["row_id"]: {
                "source_bytes": row["size_bytes"],
                "source_mtime": row["mtime_ns"],
                "etag": row["etag"],
            }
            for row in touched.to_pylist()
        },
    )


def _note(store: Store, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Put values (row id -> column -> value) into rows."""
    if not values:
        return
    columns = next(iter(values.values())).keys()
    ids = pa.array(list(values), pa.string())
    new = {
        name: pa.array([one[name] for one in values.values()], SCHEMA.field(name).type)
        for name in columns
    }

    def change(table: pa.Table) -> manifest.Rewrite:
        at = pc.index_in(table["row_id"], value_set=ids)
        mask = pc.is_valid(at)
        for name in columns:
            place = table.column_names.index(name)
            column = pc.if_else(mask, new[name].take(at), table[name])
            table = table.set_column(place, SCHEMA.field(name), column)
        return table, mask

    manifest.rewrite(store, change)
