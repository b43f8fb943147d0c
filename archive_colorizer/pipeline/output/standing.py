"""Standing of an OUTPUT before a run: what it remembers, its rows, and whose each derivative is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.derivatives import (
    Condition,
    earlier_keys,
    find_present,
    inspect,
)
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.pins import Pins, read_pins
from archive_colorizer.pipeline.records import Page
from archive_colorizer.storage import Store


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run finds in OUTPUT."""

    job: Mapping[str, Any]
    pins: Pins | None
    rows: pa.Table
    """The manifest: the columns that were asked for, and `key`, the derivative's that belongs to
    the page, or empty."""
    condition: Condition
    """What has become of the derivatives."""
    earlier: Mapping[Page, str]
    """Keys that only history names, by the page that they belong to."""


def read_standing(store: Store, columns: tuple[str, ...]) -> Standing:
    """Read the standing of an OUTPUT; there need be none yet.

    Args:
        store: OUTPUT.
        columns: of the manifest; among them those that `derivatives.inspect` needs.

    Raises:
        LocationError: job.json or OUTPUT cannot be read.
    """
    job = read_job(store)
    rows = manifest.read(store, columns)
    present = find_present(store, rows)
    keys = present.keys_of(rows)
    condition = inspect(present, rows, keys)
    robbed = _mark_robbed(rows, keys)
    gone = condition.gone | set(rows.filter(robbed)["row_id"].to_pylist())
    own = pc.if_else(robbed, "", keys)
    earlier = {page: key for key, page in earlier_keys(store, present).items()}
    if earlier:
        named = set(own.to_pylist())
        earlier = {page: key for page, key in earlier.items() if key not in named}
    return Standing(
        job, read_pins(job, store.uri), rows.append_column("key", own),
        replace(condition, gone=gone), earlier,
    )  # fmt: skip


def _mark_robbed(rows: pa.Table, keys: pa.ChunkedArray) -> pa.Array:
    """Mark rows whose derivative's name is a later row's, too: 0.2.0 let one replace the other."""
    marks = np.zeros(rows.num_rows, bool)
    named = keys.filter(pc.not_equal(keys, ""))
    if pc.count_distinct(named).as_py() < len(named):
        order = manifest.sort_by_age(rows).to_pylist()
        names = keys.to_pylist()
        owner = {names[row]: row for row in order}
        marks[[row for row in order if names[row] and owner[names[row]] != row]] = True
    return pa.array(marks)
