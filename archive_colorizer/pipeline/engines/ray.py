"""The Ray engine: the same steps on Ray Data, with pools of actors, streaming, bounded memory."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pyarrow as pa
import ray

from archive_colorizer.allocator import Allocator
from archive_colorizer.cluster import join_cluster, load_ray_data
from archive_colorizer.errors import ArchiveColorizerError
from archive_colorizer.pipeline.config import RunConfig
from archive_colorizer.pipeline.costs import loads
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
from archive_colorizer.pipeline.inputs.listing import total_bytes
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.plan import Pool, Resources, plan
from archive_colorizer.pipeline.program_errors import broken, guarded
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import Step, set_up
from archive_colorizer.storage import open_store

RETRIES_A_PICTURE: Final = 2
SPARE_RETRIES: Final = 8
SPARE_RESTARTS: Final = 32
"""A worker that dies is replaced and its batch done again, but not for ever: twice for each picture
of a batch that kills workers (`quarantine`), and some for machines that go away."""
BLOCKS_PER_ACTOR: Final = 4
MAX_BLOCK_BATCHES: Final = 4
MOST_LOADING: Final = 64
"""Processes that load libraries before they are actors; on a cluster they may be anywhere."""


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
        apart: as `job.steps` takes it.
    """

    def __init__(
        self, spec: JobSpec, first: int, last: int, threads: int, *, apart: bool = False
    ) -> None:
        import cv2

        self._allocator = Allocator()
        cv2.setNumThreads(threads)
        way = steps(spec, apart=apart)
        if any(step.kind == "gpu" for step in way[first:last]):
            import torch  # seconds, which workers without a network do not need

            torch.set_num_threads(threads)
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
        resources = available(config)
        if not resources.gpus:  # a GPU's worker must not begin without its GPU
            _load_in_workers(resources.workers or resources.cpus)
        load_ray_data(verbose=config.verbose)
        yield resources


def _load_in_workers(count: int) -> None:
    """Let processes load what actors need: the actors, which come later, take them over."""
    load = ray.remote(num_cpus=1, max_retries=0)(_load_libraries)
    for _ in range(min(count, MOST_LOADING)):
        load.remote()


def _load_libraries() -> None:
    import archive_colorizer.inference.colorizer
    import archive_colorizer.pipeline.steps.deliver  # noqa: F401


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


def run(
    spec: JobSpec,
    todo: pa.Table,
    resources: Resources,
    measured: Mapping[str, float] | None = None,
) -> Iterator[list[Recorded]]:
    """Take every page of `todo` (columns: the fields of PhotoRef) through the steps.

    Args:
        spec: of the job.
        todo: pages to be done.
        resources: of the cluster.
        measured: what the steps took in OUTPUT's last run, as `costs.loads` takes it.

    Yields what was recorded, block by block, in the order of completion.

    Raises:
        ArchiveColorizerError: it stopped a worker.
    """
    from ray.data import ActorPoolStrategy, from_arrow  # slow to load: `cluster` has done so

    apart = resources.gpus > 0
    way = steps(spec, apart=apart)
    mean_bytes = total_bytes(todo) / max(1, todo.num_rows)
    form, upscale = spec.config.deliver.format, spec.config.color.upscale
    pools = plan(resources, loads(way, mean_bytes, form, upscale, measured))
    data = from_arrow(_cut_blocks(todo, pools))
    for pool in pools:
        data = data.map_batches(
            StageWorker,
            fn_constructor_args=(spec, pool.steps.start, pool.steps.stop, 1),
            fn_constructor_kwargs={"apart": apart},
            batch_size=pool.batch_size,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(min_size=pool.actors, max_size=pool.actors),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus or None,
            resources=dict(pool.custom) or None,
            ray_remote_args_fn=partial(_bound_retries, pool.batch_size),
        )
    for table in data.iter_batches(batch_size=None, batch_format="pyarrow"):
        raise_stop(table)
        yield unpack_recorded(table)


def _bound_retries(batch_size: int) -> dict[str, Any]:
    retries = RETRIES_A_PICTURE * batch_size
    return {
        "max_restarts": retries + SPARE_RESTARTS,
        "max_task_retries": retries + SPARE_RETRIES,
    }


def _cut_blocks(todo: pa.Table, pools: Sequence[Pool]) -> list[pa.Table]:
    """Cut blocks of whole batches: few enough to cost little, enough to keep every actor busy."""
    size = pools[0].batch_size
    batches = -(-todo.num_rows // size)
    wanted = batches // (max(pool.actors for pool in pools) * BLOCKS_PER_ACTOR)
    rows = size * min(MAX_BLOCK_BATCHES, max(1, wanted))
    return [todo.slice(start, rows).combine_chunks() for start in range(0, todo.num_rows, rows)]
