"""Record: one manifest row for each page, whatever became of it."""

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.output.disk_reserve import release
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.manifest import write_part
from archive_colorizer.pipeline.output.rows import JobContext, outcome_table
from archive_colorizer.pipeline.records import Outcome
from archive_colorizer.pipeline.steps.step import Stage
from archive_colorizer.storage import Store, open_store


@dataclass(frozen=True, slots=True)
class Recorded:
    """The message to the driver about a page whose row is written."""

    row_id: str
    status: str
    error_class: str
    ms: dict[str, float | None]
    """Work on this page by step; None for what this page did not need."""


class Record(Stage[Outcome, Recorded]):
    """Outcome -> Recorded; the rows of a batch are one manifest part."""

    name = "record"
    takes_outcomes = True

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        """Open OUTPUT."""
        self._store = open_store(self._spec.output, self._spec.config.run.s3)
        self._fence = Fence(self._store, self._spec.owner)

    def __call__(self, batch: Sequence[Outcome]) -> list[Recorded]:
        """Write the rows of a batch: derivatives first, then their rows."""
        self._fence.check()
        write_rows(self._store, batch, self._spec.context)
        return [_recorded(outcome) for outcome in batch]


def write_rows(store: Store, batch: Sequence[Outcome], context: JobContext) -> None:
    """Write one manifest part; on a full disk, into the room that was kept for it.

    Raises:
        LocationError: the part cannot be written even then.
    """
    table = outcome_table(batch, context, socket.gethostname())
    try:
        write_part(store, table)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT} and release(store):
            return write_rows(store, batch, context)
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: the manifest cannot be written: {reason}") from error


def _recorded(outcome: Outcome) -> Recorded:
    return Recorded(
        row_id=outcome.ref.row_id,
        status=str(outcome.status),
        error_class=outcome.error_class,
        ms=dict(outcome.ms),
    )
