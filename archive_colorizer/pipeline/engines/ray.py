"""The same steps on Ray Data: pools of actors, streaming, bounded memory."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
import ray.exceptions
from ray.data import ActorPoolStrategy

from archive_colorizer import errors
from archive_colorizer.cluster import join_cluster
from archive_colorizer.errors import UsageError
from archive_colorizer.pipeline.config import RunConfig
from archive_colorizer.pipeline.engines.metrics import JobMetrics
from archive_colorizer.pipeline.engines.quarantine import Careful
from archive_colorizer.pipeline.engines.transport import (
    pack,
    pack_recorded,
    unpack,
    unpack_recorded,
)
from archive_colorizer.pipeline.job import JobSpec, Pool, Resources, plan, set_up, steps
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.storage import open_store

MAX_RESTARTS: Final = 64
MAX_TASK_RETRIES: Final = 40
"""A worker that dies is replaced and its batch done again, but not for ever: twice for each picture
of a batch that kills workers (`quarantine`), and some for machines that go away."""
BLOCKS_PER_ACTOR: Final = 4
MAX_BLOCK_BATCHES: Final = 4


class StageWorker:
    """Runs some consecutive steps on batches, as an actor."""

    def __init__(self, spec: JobSpec, first: int, last: int, threads: int) -> None:
        import cv2
        import torch

        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        set_up(spec.config)
        way = steps(spec)
        self._steps = way[first:last]
        self._is_end = last == len(way)
        for step in self._steps:
            step.setup()
        self._metrics = JobMetrics()
        self._careful = Careful(self._steps, open_store(spec.output), first)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Take a batch through this worker's steps."""
        records = self._careful(unpack(table))
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
    """The cluster's resources, as the plan wants them."""
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
    """
    pools = plan(resources, [step.kind for step in steps(spec)])
    data = ray.data.from_arrow(_blocks(todo, pools[0]))
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
            ray_remote_args_fn=_bounded_retries,
        )
    try:
        for table in data.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield unpack_recorded(table)
    except ray.exceptions.RayError as error:
        raise _ours(error) or error from error


def _ours(error: BaseException) -> UsageError | None:
    """What the user can mend, if that is what stopped a worker.

    Ray Data wraps what a worker raises and the cause is lost on the way; the text has it.
    """
    for name, text in re.findall(
        r"^archive_colorizer\.errors\.(\w+): (.*)$", str(error), re.MULTILINE
    ):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, UsageError):
            return kind(text)
    return None


def _bounded_retries() -> dict[str, Any]:
    return {"max_restarts": MAX_RESTARTS, "max_task_retries": MAX_TASK_RETRIES}


def _blocks(todo: pa.Table, pool: Pool) -> list[pa.Table]:
    """Blocks of whole batches: few enough to cost little, enough to keep every actor busy."""
    batches = -(-todo.num_rows // pool.batch_size)
    wanted = batches // (pool.actors * BLOCKS_PER_ACTOR)
    rows = pool.batch_size * min(MAX_BLOCK_BATCHES, max(1, wanted))
    return [todo.slice(start, rows).combine_chunks() for start in range(0, todo.num_rows, rows)]
