"""The colouring job: its steps as a list, and how they are laid on the machines.

Read this file first. `steps` is the way of one picture; `plan` decides, as a pure function of the
resources, which workers run which of the steps. The engines (`engines.ray`, `engines.local`) only
carry that out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from archive_colorizer.models.catalog import Task
from archive_colorizer.pipeline.job_models import task_of
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.steps.colorize import Colorize
from archive_colorizer.pipeline.steps.composition import (
    Composition,
    InPlaceOfMaster,
    OverMaster,
)
from archive_colorizer.pipeline.steps.deliver import Deliver
from archive_colorizer.pipeline.steps.prepare import Prepare
from archive_colorizer.pipeline.steps.read import Read
from archive_colorizer.pipeline.steps.record import Record
from archive_colorizer.pipeline.steps.restore import Restore, Sharpen
from archive_colorizer.pipeline.steps.step import Kind, Step
from archive_colorizer.pipeline.steps.translate import Translate


def steps(spec: JobSpec) -> tuple[Step, ...]:
    """List the steps of one picture, in order. (Listing comes before them, on the driver.)"""
    return (*making_steps(spec), Deliver(spec, composition(spec)), Record(spec))


def making_steps(spec: JobSpec) -> tuple[Step, ...]:
    """List the steps until a model has made what is delivered."""
    config, enlarger = spec.config, spec.enlarger
    translates = task_of(spec.model) is Task.TRANSLATE
    kind = Translate if translates else Colorize
    return (
        Read(config.run, config.color.upscale, config.select.pages),
        Prepare(config.color, config.run, translates=translates),
        kind(spec.model, config.color, config.run),
        *([Restore(enlarger, config.run)] if translates and enlarger else []),
        *([Sharpen(config.color)] if config.color.sharpen else []),
    )  # fmt: skip


def composition(spec: JobSpec) -> Composition[Any]:
    """Choose how a derivative's pixels come about."""
    if task_of(spec.model) is Task.TRANSLATE:
        return InPlaceOfMaster()
    config = spec.config
    return OverMaster(
        config.color, config.run.s3, spec.enlarger, reversible=config.deliver.reversible
    )


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


def plan(resources: Resources, kinds: Sequence[Kind]) -> tuple[Pool, ...]:
    """Lay steps of the given kinds on pools of actors.

    Without GPUs one pool runs every step, one actor a core: three stages on two cores cost two to
    three times as much a picture as one. With GPUs each run of equal kind is a pool; the model
    actors take a GPU each, and the CPU pools share the cores, those after the model two to one,
    since composing and encoding at full size costs about twice what the proxy does.
    """
    whole = slice(0, len(kinds))
    if resources.gpus < 1 or "gpu" not in kinds:
        actors = resources.workers or max(1, resources.cpus)
        return (Pool(steps=whole, actors=actors, cpus=1, batch_size=resources.batch_size),)
    spare = max(2, resources.workers or resources.cpus - resources.gpus)
    before = max(1, round(spare / 3))
    gpu_cpus = 1.0 if resources.cpus >= spare + resources.gpus else 0.0
    pools: list[Pool] = []
    seen_gpu = False
    for run in consecutive_kinds(kinds):
        if kinds[run.start] == "gpu":
            seen_gpu = True
            pools.append(_gpu_pool(run, resources, gpu_cpus))
        else:
            count = spare - before if seen_gpu else before
            pools.append(
                Pool(steps=run, actors=max(1, count), cpus=1, batch_size=resources.batch_size)
            )
    return tuple(pools)


def _gpu_pool(run: slice, resources: Resources, cpus: float) -> Pool:
    real = resources.gpu_resource == "GPU"
    return Pool(
        steps=run,
        actors=resources.gpus,
        cpus=cpus,
        gpus=1.0 if real else 0.0,
        custom={} if real else {resources.gpu_resource: 1.0},
        batch_size=resources.batch_size,
    )
