"""The plan: which workers run which steps, a pure function of the machine and the steps' costs.

Without GPUs one pool of workers runs every step. With GPUs each run of steps of one kind is a pool.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from archive_colorizer.pipeline.steps.step import Kind

GPU_BATCHES: Final = 2
"""Model batches that one call of a GPU's worker takes: they overlap (`inference.lanes`)."""
SHARES: Final = 1000
"""A core is shared out in parts of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The resources that an engine may use; on a cluster the sums over all nodes."""

    cpus: int
    gpus: int = 0
    gpu_resource: str = "GPU"
    """Name of the Ray resource that stands for a GPU."""
    workers: int = 0
    """CPU actors wanted; 0 leaves it to the plan."""
    batch_size: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a plan must know of a step."""

    kind: Kind
    ms: float = 1.0
    """Work on one picture, milliseconds."""
    alone: bool = False
    """It has pixels at full size in hand: pictures come to it one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Equal actors that run some consecutive steps."""

    steps: slice
    actors: int
    cpus: float
    """CPU share that one actor asks for."""
    custom: Mapping[str, float] = field(default_factory=dict)
    """Further Ray resources that one actor asks for."""
    gpus: float = 0.0
    batch_size: int = 16


def consecutive_kinds(kinds: Sequence[Kind]) -> tuple[slice, ...]:
    """Cut a list into the longest runs of equal kind: cpu cpu gpu cpu -> 0:2, 2:3, 3:4."""
    edges = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
    return tuple(slice(a, b) for a, b in pairwise(edges))


def plan(resources: Resources, loads: Sequence[Load]) -> tuple[Pool, ...]:
    """Lay steps on pools of actors.

    Without GPUs one pool runs every step, one actor a core: three stages on two cores cost two to
    three times as much a picture as one. With GPUs each run of equal kind is a pool. Every pool on
    GPUs has an actor a GPU, and several such pools share it. The CPU pools share the cores so that
    the slowest of them is as quick as can be, by what their steps cost.

    Where a step takes pictures one by one, all do: what enlarges costs a hundred times what a batch
    saves, and sixteen enlarged pictures have no room in a worker.
    """
    if resources.gpus < 1 or all(load.kind != "gpu" for load in loads):
        actors = resources.workers or max(1, resources.cpus)
        whole = slice(0, len(loads))
        return (Pool(steps=whole, actors=actors, cpus=1, batch_size=resources.batch_size),)
    runs = consecutive_kinds([load.kind for load in loads])
    on_gpus = [loads[run.start].kind == "gpu" for run in runs]
    costs = [
        sum(load.ms for load in loads[run])
        for run, on_gpu in zip(runs, on_gpus, strict=True) if not on_gpu
    ]  # fmt: skip
    gpu_actors = resources.gpus * sum(on_gpus)
    spare = max(len(costs), resources.workers or resources.cpus - gpu_actors)
    gpu_cpus = 1.0 if resources.cpus >= spare + gpu_actors else 0.0
    share = min(1.0, math.floor(SHARES * resources.cpus / spare) / SHARES)
    counts = iter(split(spare, costs))
    batch_size = 1 if any(load.alone for load in loads) else resources.batch_size
    gpu_batch = batch_size if batch_size == 1 else GPU_BATCHES * batch_size
    return tuple(
        _gpu_pool(run, resources, gpu_cpus, sum(on_gpus), gpu_batch)
        if on_gpu
        else Pool(steps=run, actors=next(counts), cpus=share, batch_size=batch_size)
        for run, on_gpu in zip(runs, on_gpus, strict=True)
    )


def split(actors: int, costs: Sequence[float]) -> list[int]:
    """Split actors over pools, so that the slowest pool is as quick as can be.

    Each next actor goes to the pool that is the slowest so far.

    Args:
        actors: at least one a pool.
        costs: of a picture in each pool, milliseconds.
    """
    counts = [1] * len(costs)
    for _ in range(actors - len(costs)):
        slowest = max(range(len(costs)), key=lambda i: (costs[i] / counts[i], i))
        counts[slowest] += 1
    return counts


def _gpu_pool(run: slice, resources: Resources, cpus: float, sharing: int, batch_size: int) -> Pool:
    """Actors that take 1/`sharing` of a GPU each."""
    real, part = resources.gpu_resource == "GPU", 1.0 / sharing
    return Pool(
        steps=run,
        actors=resources.gpus,
        cpus=cpus,
        gpus=part if real else 0.0,
        custom={} if real else {resources.gpu_resource: part},
        batch_size=batch_size,
    )
