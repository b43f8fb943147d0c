"""The row that a derivative names, where the OUTPUT that it came from is at hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import JOB
from archive_colorizer.pipeline.output.withdrawal import mark_withdrawn
from archive_colorizer.storage import Store

COLUMNS: Final = (
    "row_id", "job_id", "status", "source_uri", "page", "source_sha256", "derivative_key",
    "derivative_sha256", "c2pa_state", "error_class",
)  # fmt: skip
WITHDRAWAL: Final = {
    "at": "withdrawn_at", "by": "withdrawn_by", "reason": "withdrawn_reason",
}  # fmt: skip


def find_output(path: Path) -> Path | None:
    """Find the OUTPUT that a file lies in; None where it lies in none."""
    folders = path.absolute().parents
    return next((one for one in folders if (one / JOB).is_file()), None)


def find_row(store: Store, row_id: str) -> Mapping[str, Any] | None:
    """Find a row by its id, in the manifest or its history.

    Returns:
        COLUMNS; `is_current`: whether the manifest itself has it; `withdrawn`: `at`, `by` and
        `reason`, where its page is withdrawn, else None. None where there is no such row.
    """
    for folder in (manifest.FOLDER, manifest.HISTORY):
        rows = manifest.read(store, COLUMNS, folder)
        rows = rows.filter(pc.equal(rows["row_id"], row_id))
        if rows.num_rows:
            row = rows.to_pylist()[-1]
            is_current = folder == manifest.FOLDER
            return {**row, "is_current": is_current, "withdrawn": _find_withdrawal(store, row)}
    return None


def _find_withdrawal(store: Store, row: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Find who withdrew the page of a row, when and why."""
    rows = manifest.read(store, ("source_uri", "page", "error_class", *WITHDRAWAL.values()))
    of_page = pc.and_(
        pc.equal(rows["source_uri"], row["source_uri"]), pc.equal(rows["page"], row["page"])
    )
    found = rows.filter(pc.and_(of_page, mark_withdrawn(rows))).to_pylist()
    if not found:
        return None
    said = {name: found[0][column] for name, column in WITHDRAWAL.items()}
    return said | {"at": said["at"].isoformat(timespec="seconds")}
