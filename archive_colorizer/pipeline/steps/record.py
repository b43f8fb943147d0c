"""Record: one manifest row for each page, whatever became of it."""

import errno
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.output.disk_reserve import release
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.manifest import to_parquet, write_part
from archive_colorizer.pipeline.output.rows import JobContext, outcome_table
from archive_colorizer.pipeline.output.thumbnails import write_thumbnails
from archive_colorizer.pipeline.program_errors import broken, guarded
from archive_colorizer.pipeline.records import Outcome, PhotoRef
from archive_colorizer.pipeline.steps.step import Stage, now_us, program_failure
from archive_colorizer.storage import Store, open_store


@dataclass(frozen=True, slots=True)
class Recorded:
    """The message to the driver about a page whose row is written."""

    row_id: str
    status: str
    error_class: str
    ms: dict[str, float | None]
    """Work on this page by step; None for what this page did not need."""
    error_message: str = ""
    trace: str = ""
    """Traceback of an error of the program, for the driver's log."""
    started_at_us: int = 0
    """When reading began; UTC, microseconds since the epoch."""


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
        """Write the rows of a batch: derivatives first, then their rows.

        Raises:
            LockedError: the run that sent the batch is over.
            LocationError: OUTPUT cannot be reached or written.
        """
        try:
            self._fence.check()
        except OSError as error:
            reason = error.strerror or error
            raise LocationError(f"{self._store.uri}: cannot be reached: {reason}") from error
        context = self._spec.context
        batch = write_thumbnails(self._store, batch, context.job_id)
        return [_recorded(one) for one in write_rows(self._store, batch, context)]


def write_rows(store: Store, batch: Sequence[Outcome], context: JobContext) -> list[Outcome]:
    """Write one manifest part; on a full disk, into the room that was kept for it.

    Returns:
        The outcomes as they were written: one whose row cannot be made has become an error of the
        program, with as much as can be written.

    Raises:
        LocationError: the part cannot be written even then.
        BrokenProgramError: no row can be made at all.
    """
    make = partial(outcome_table, context=context, node=socket.gethostname())
    done = guarded(lambda: _write(store, make(batch)))
    if not isinstance(done, Exception):
        return list(batch)
    outcomes = [_writable(outcome, make) for outcome in batch]
    _write(store, make(outcomes))
    return outcomes


def _write(store: Store, table: pa.Table) -> None:
    try:
        write_part(store, table)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT} and release(store):
            return _write(store, table)
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: the manifest cannot be written: {reason}") from error


def _writable(outcome: Outcome, make: "partial[pa.Table]") -> Outcome:
    """Find the fullest form of an outcome that a row can be made of."""

    def check(form: Outcome) -> None:
        to_parquet(make([form]))

    error = guarded(partial(check, outcome))
    if not isinstance(error, Exception):
        return outcome
    for form in _poorer(outcome, error):
        if not isinstance(guarded(partial(check, form)), Exception):
            return form
    raise broken(f"{outcome.ref.source_uri}: no row can be made of it", error)


def _poorer(outcome: Outcome, error: Exception) -> Iterator[Outcome]:
    """Yield the error of the program with less and less of what is known of the page."""
    ref = outcome.ref
    failed = program_failure(ref, error, outcome.started_at_us, outcome.facts, outcome.ms)
    yield failed
    yield replace(failed, facts=None, flags=())
    bare = PhotoRef(ref.row_id, ref.source_uri, ref.source_path_raw, ref.output_key, 0)
    yield replace(program_failure(bare, error, now_us()), ref=replace(bare, page=ref.page))
    yield program_failure(bare, error, now_us())


def _recorded(outcome: Outcome) -> Recorded:
    return Recorded(
        row_id=outcome.ref.row_id,
        status=str(outcome.status),
        error_class=outcome.error_class,
        ms=dict(outcome.ms),
        error_message=outcome.error_message,
        trace=outcome.trace,
        started_at_us=outcome.started_at_us,
    )
