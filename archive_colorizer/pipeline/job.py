"""The colouring job: its steps as a list.

Read this file first. `steps` is the way of one picture; `plan.plan` decides, as a pure function of
the resources, which workers run which of the steps. The engines (`engines.ray`, `engines.local`)
only carry that out.
"""

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
from archive_colorizer.pipeline.steps.step import Step
from archive_colorizer.pipeline.steps.translate import Translate
from archive_colorizer.pipeline.steps.upscale import Decode, Upscale


def steps(spec: JobSpec, *, apart: bool = False) -> tuple[Step, ...]:
    """List the steps of one picture, in order. (Listing comes before them, on the driver.)

    Args:
        spec: of the job.
        apart: whether GPUs have workers of their own: what is delivered is then enlarged by a step,
            and not by its delivery.
    """
    color, run = spec.config.color, spec.config.run
    if apart and spec.enlarger and task_of(spec.model) is Task.COLORIZE:
        over = OverMaster(color, run.s3, spec.enlarger, precision=run.precision, apart=True)
        upscale = Decode(over), Upscale(spec.enlarger, color, run)
        return (*making_steps(spec), *upscale, Deliver(spec, over), Record(spec))
    made = making_steps(spec, delivers=not apart)
    return (*made, Deliver(spec, composition(spec)), Record(spec))


def making_steps(spec: JobSpec, *, delivers: bool = False) -> tuple[Step, ...]:
    """List the steps until a model has made what is delivered.

    Args:
        spec: of the job.
        delivers: whether the worker that makes it delivers it, too.
    """
    config, enlarger = spec.config, spec.enlarger
    translates = task_of(spec.model) is Task.TRANSLATE
    kind = Translate if translates else Colorize
    return (
        Read(config.run, config.color.upscale, config.select.pages),
        Prepare(config.color, config.run, translates=translates, delivers=delivers),
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
        config.color, config.run.s3, spec.enlarger, precision=config.run.precision,
        reversible=config.deliver.reversible,
    )  # fmt: skip
