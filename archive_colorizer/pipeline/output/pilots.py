"""The pilot of an OUTPUT: what its sample says of the whole, and the work of its runs."""

import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.pilot.extrapolate import (
    COLUMNS,
    Extrapolation,
    add_times,
    extrapolate,
    select_sample,
)
from archive_colorizer.pipeline.pilot.record import Pilot, Work, read_pilot, write_pilot
from archive_colorizer.storage import Store


def read_extrapolation(store: Store) -> Extrapolation | None:
    """Read what an OUTPUT's sample says of the whole; None where there is none, or all is done.

    Raises:
        LocationError: the record or the manifest cannot be read.
    """
    pilot = read_pilot(store)
    return extrapolate(pilot, manifest.read(store, COLUMNS)) if pilot else None


def note_work(store: Store, pilot: Pilot, job_id: str, seconds: float) -> None:
    """Note the wall time of a run on a sample, beside its work.

    Args:
        store: OUTPUT.
        pilot: the sample.
        job_id: of the run.
        seconds: its wall time, from the first picture's beginning to the last row.
    """
    rows, _ = select_sample(pilot, manifest.read(store, (*COLUMNS, "job_id")))
    work = add_times(rows.filter(pc.equal(rows["job_id"], job_id))).sum()
    write_pilot(store, pilot.with_run(Work(job_id, seconds, float(work))))
