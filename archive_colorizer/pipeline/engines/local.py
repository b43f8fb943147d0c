"""A plain loop over the same steps: quick tests, and the baseline for the engine's overhead."""

from collections.abc import Iterator

import pyarrow as pa

from archive_colorizer.allocator import Allocator
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import run_batch, set_up


def run(spec: JobSpec, todo: pa.Table) -> Iterator[list[Recorded]]:
    """Take every page of `todo` (columns: the fields of PhotoRef) through the steps, in order.

    Yields what was recorded, batch by batch.
    """
    way = steps(spec)
    allocator = Allocator()
    set_up(way)
    size = spec.config.run.batch_size
    for start in range(0, todo.num_rows, size):
        yield run_batch(way, refs_of(todo.slice(start, size)))
        allocator.batch_done()
