"""The Ray engine: the same steps on Ray Data, with pools of actors, streaming, bounded memory."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy

from archive_colorizer.allocator import Allocator
from archive_colorizer.cluster import join_cluster
from archive_colorizer.errors import ArchiveColorizerError
from archive_colorizer.pipeline.config import RunConfig
from archive_colorizer.pipeline.engines.metrics import JobMetrics
from archive_colorizer.pipeline.engines.quarantine import Quarantine
from archive_colorizer.pipeline.engines.transport import (
    pack,
    pack_recorded,
    pack_stop,
    raise_stop,
    unpack,
    unpack_recorded,
)
from archive_colorizer.pipeline.job import Pool, Resources, plan, steps
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.program_errors import broken, guarded
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import Step, set_up
from archive_colorizer.storage import open_store

MAX_RESTARTS: Final = 64
MAX_TASK_RETRIES: Final = 40
"""A worker that dies is replaced and its batch done again, but not for ever: twice for each picture
of a batch that kills workers (`quarantine`), and some for machines that go away."""
BLOCKS_PER_ACTOR: Final = 4
MAX_BLOCK_BATCHES: Final = 4


class StageWorker:
    """Runs some consecutive steps on batches, as an actor.

    An error that ends the job does not leave it as an exception: Ray would replace the actor and
    try again, and the error would come out as a text. It is handed on as a value (`transport`)
    instead. The same holds for whatever is raised outside of a page, as the program's fault.

    Args:
        spec: of the job.
        first: number of the first step.
        last: number of the step after the last one.
        threads: of torch and OpenCV.
    """

    def __init__(self, spec: JobSpec, first: int, last: int, threads: int) -> None:
        import cv2
        import torch

        self._allocator = Allocator()
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        way = steps(spec)
        self._is_end = last == len(way)
        self._stopped_by: ArchiveColorizerError | None = None
        self._or_stop("a worker cannot start", lambda: self._start(spec, way[first:last], first))

    def _start(self, spec: JobSpec, way: Sequence[Step], first: int) -> None:
        set_up(way)
        self._quarantine = Quarantine(way, open_store(spec.output, spec.config.run.s3), first)
        self._metrics = JobMetrics()

    def __call__(self, table: pa.Table) -> pa.Table:
        """Take a batch through this worker's steps; once stopped, it does no more work."""
        if not self._stopped_by:
            done = self._or_stop("a worker failed", lambda: self._carry_out(table))
        if self._stopped_by:
            return pack_stop(self._stopped_by, at_end=self._is_end)
        return done

    def _or_stop(self, what: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Do some work; an error of it stops this worker."""
        try:
            done = guarded(work)
        except ArchiveColorizerError as error:
            self._stopped_by = error
            return None
        if isinstance(done, Exception):
            self._stopped_by = broken(what, done)
        return done

    def _carry_out(self, table: pa.Table) -> pa.Table:
        raise_stop(table)
        records = self._quarantine(unpack(table))
        self._allocator.batch_done()
        if not self._is_end:
            return pack(records)
        self._metrics.count(records)
        return pack_recorded(records)


@contextlib.contextmanager
def cluster(config: RunConfig) -> Iterator[Resources]:
    """Join or start Ray for the length of the block, and say what it offers.

    Raises:
        LocationError: nothing answers at `config.address`.
    """
    with join_cluster(config.address, verbose=config.verbose):
        yield available(config)


def available(config: RunConfig) -> Resources:
    """Ask the cluster for its resources, as the plan wants them."""
    total = ray.cluster_resources()
    return Resources(
        cpus=max(1, int(total.get("CPU", 1))),
        gpus=int(total.get(config.gpu_resource, 0)),
        gpu_resource=config.gpu_resource,
        workers=config.workers,
        batch_size=config.batch_size,
    )


def run(spec: JobSpec, todo: pa.Table, resources: Resources) -> Iterator[list[Recorded]]:
    """Take every page of `todo` (columns: the fields of PhotoRef) through the steps.

    Yields what was recorded, block by block, in the order of completion.

    Raises:
        ArchiveColorizerError: it stopped a worker.
    """
    pools = plan(resources, [step.kind for step in steps(spec)])
    data = ray.data.from_arrow(_cut_blocks(todo, pools[0]))
    for pool in pools:
        data = data.map_batches(
            StageWorker,
            fn_constructor_args=(spec, pool.steps.start, pool.steps.stop, 1),
            batch_size=pool.batch_size,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(min_size=pool.actors, max_size=pool.actors),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus or None,
            resources=dict(pool.custom) or None,
            ray_remote_args_fn=_bound_retries,
        )
    for table in data.iter_batches(batch_size=None, batch_format="pyarrow"):
        raise_stop(table)
        yield unpack_recorded(table)


def _bound_retries() -> dict[str, Any]:
    return {"max_restarts": MAX_RESTARTS, "max_task_retries": MAX_TASK_RETRIES}


def _cut_blocks(todo: pa.Table, pool: Pool) -> list[pa.Table]:
    """Cut blocks of whole batches: few enough to cost little, enough to keep every actor busy."""
    batches = -(-todo.num_rows // pool.batch_size)
    wanted = batches // (pool.actors * BLOCKS_PER_ACTOR)
    rows = pool.batch_size * min(MAX_BLOCK_BATCHES, max(1, wanted))
    return [todo.slice(start, rows).combine_chunks() for start in range(0, todo.num_rows, rows)]
