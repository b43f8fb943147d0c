"""Standing of an OUTPUT before a run: what it remembers, its rows, and whose each derivative is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.derivatives import (
    Condition,
    Present,
    earlier_keys,
    find_present,
    inspect,
)
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.pins import Pins, read_pins
from archive_colorizer.storage import Store

Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run finds in OUTPUT."""

    job: Mapping[str, Any]
    pins: Pins | None
    rows: pa.Table
    """The manifest; its columns are those that were asked for."""
    condition: Condition
    """What has become of the derivatives."""
    keys: Mapping[Page, str]
    """Source URI and page -> key of the derivative that belongs to it."""


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
    keys = _find_owners(store, present, rows)
    condition = inspect(present, rows)
    gone = condition.gone | _find_robbed(rows, present, keys)
    return Standing(job, read_pins(job, store.uri), rows, replace(condition, gone=gone), keys)


def _find_owners(store: Store, present: Present, rows: pa.Table) -> dict[Page, str]:
    """Find the page of each derivative; what only history names belongs to its page, too."""
    owners = {key: page for page, key in earlier_keys(store, present)}
    order = pc.sort_indices(
        rows.select(["job_id", "started_at"]),
        sort_keys=[("job_id", "ascending"), ("started_at", "ascending")],
    )
    names = ["source_uri", "page", "derivative_key", "derivative_uri"]
    for row in rows.select(names).take(order).to_pylist():
        if key := present.key_of(row["derivative_key"], row["derivative_uri"]):
            owners[key] = (row["source_uri"], row["page"])
    return {page: key for key, page in owners.items()}


def _find_robbed(rows: pa.Table, present: Present, keys: Mapping[Page, str]) -> frozenset[str]:
    """Find rows whose derivative's name belongs to a later row: 0.2.0 let one replace the other."""
    names = ["row_id", "source_uri", "page", "derivative_key", "derivative_uri"]
    made = rows.filter(pc.equal(rows["status"], "ok")).select(names)
    return frozenset(
        row["row_id"]
        for row in made.to_pylist()
        if keys.get((row["source_uri"], row["page"]))
        != present.key_of(row["derivative_key"], row["derivative_uri"])
    )
