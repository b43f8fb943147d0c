"""The row that a derivative names, where the OUTPUT that it came from is at hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import JOB
from archive_colorizer.storage import Store

COLUMNS: Final = (
    "row_id", "job_id", "status", "source_uri", "page", "source_sha256", "derivative_key",
    "derivative_sha256", "c2pa_state",
)  # fmt: skip


def find_output(path: Path) -> Path | None:
    """Find the OUTPUT that a file lies in; None where it lies in none."""
    folders = path.absolute().parents
    return next((one for one in folders if (one / JOB).is_file()), None)


def find_row(store: Store, row_id: str) -> Mapping[str, Any] | None:
    """Find a row by its id, in the manifest or its history.

    Returns:
        COLUMNS, and `is_current`: whether the manifest itself has it. None where there is none.
    """
    for folder in (manifest.FOLDER, manifest.HISTORY):
        rows = manifest.read(store, COLUMNS, folder)
        rows = rows.filter(pc.equal(rows["row_id"], row_id))
        if rows.num_rows:
            return {**rows.to_pylist()[-1], "is_current": folder == manifest.FOLDER}
    return None
