"""Made rows of a manifest: whatever a test does not say is null or plain."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage import Store


def made_row(name: str, **values: Any) -> dict[str, Any]:
    """The row of the page of a file below /in."""
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    own = {
        "row_id": f"id {name}", "source_uri": f"file:///in/{name}", "source_path": name, "page": 0,
        "status": "ok", "job_id": "j", "recipe_sha256": "r", "error_class": "", "flags": [],
        "error_message": "", "object_id": "", "collection": "", "tone_class": "neutral",
        "review_needed": False, "started_at": 1_000_000, "derivative_key": f"{name}.colorized.jpg",
    }  # fmt: skip
    return row | own | values


def failed(name: str, error_class: str = "truncated", **values: Any) -> dict[str, Any]:
    """The row of a page that failed."""
    message = f"file:///in/{name}: the pixels end"
    fault = {"status": "failed", "error_class": error_class, "error_message": message}
    return made_row(name, derivative_key=None, **(fault | values))


def skipped(name: str, tone: str) -> dict[str, Any]:
    """The row of a page that is in colour."""
    return failed(name, "already_colour", status="skipped", tone_class=tone)


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the manifest."""
    return pa.Table.from_pylist(list(rows), SCHEMA)


def table_of(count: int, **columns: Sequence[Any]) -> pa.Table:
    """Many rows by their columns; others are null."""
    return pa.table(
        [
            pa.array(columns[one.name], one.type) if one.name in columns
            else pa.nulls(count, one.type)
            for one in SCHEMA
        ],
        schema=SCHEMA,
    )  # fmt: skip


def write_job(store: Store, *rows: Mapping[str, Any], **job: Any) -> None:
    """An OUTPUT with job.json and these rows."""
    said = {"job_id": "j", "recipe_sha256": "r", "listed": len(rows)}
    layout.write_job(store, said | job)
    if rows:
        manifest.write_part(store, table(rows))
