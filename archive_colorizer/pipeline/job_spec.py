"""What a job is, from its configuration: its models, its recipe, its spec and its record."""

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from archive_colorizer import __version__
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.selection import Selection
from archive_colorizer.pipeline.job import JobSpec
from archive_colorizer.pipeline.job_models import Models
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.recipe import recipe, recipe_digest
from archive_colorizer.storage import absolute
from archive_colorizer.version import git_commit
from archive_colorizer.weights.reference import ResolvedModel


def digest(config: JobConfig, models: Models) -> str:
    """SHA-256, hex, of the recipe."""
    return recipe_digest(config, *(model.weights_sha256 for model in models))


def make_spec(config: JobConfig, models: Models, owner: str) -> JobSpec:
    """What every worker is told; `owner` is the lease's."""
    job_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    model, *after = models
    context = manifest.JobContext(
        job_id=job_id,
        recipe_sha256=digest(config, models),
        steps=tuple(_step(config, one) for one in models),
        version=__version__,
        git_commit=git_commit(),
        torch_version=_version("torch"),
        ray_version=_version("ray") if config.run.engine == "ray" else "",
        review_doubt=model.card.review_doubt,
    )
    labels = {
        "model": model.card.name,
        "modelVersion": model.card.version,
        "weightsSha256": model.weights_sha256,
        "jobId": job_id,
        "version": __version__,
    }
    return JobSpec(
        config=config, output=absolute(config.output), model=model,
        enlarger=after[0] if after else None,
        context=context, labels=labels, token=job_id, owner=owner,
    )  # fmt: skip


def _step(config: JobConfig, model: ResolvedModel) -> dict[str, Any]:
    """A model's part in a picture, as the manifest's `steps` has it."""
    settings = recipe(config, model.weights_sha256)
    return {
        "op": model.card.family,
        "model_ref": model.ref,
        "model_version": model.version or model.card.version,
        "weights_sha256": model.weights_sha256,
        "weights_rights": model.card.data_rights,
        "params_json": json.dumps(
            settings["color"] | {"output": settings["output"], "table": config.table},
            sort_keys=True,
        ),
        "seed": 0,
    }


def job_record(
    config: JobConfig, models: Models, spec: JobSpec, chosen: Selection
) -> dict[str, Any]:
    """What job.json holds at the start."""
    model, *after = (
        {
            "ref": one.ref,
            "name": one.card.name,
            "version": one.version or one.card.version,
            "weights_sha256": one.weights_sha256,
            "data_rights": one.card.data_rights,
        }
        for one in models
    )
    return {
        "job_id": spec.context.job_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "listed": chosen.listed,
        "todo": chosen.todo.num_rows,
        "config": asdict(config),
        "recipe_sha256": spec.context.recipe_sha256,
        "recipe": recipe(config, *(one.weights_sha256 for one in models)),
        "model": model,
        "upscaler" if config.color.upscale > 1 else "restorer": after[0] if after else None,
        "versions": {
            "archive-colorizer": __version__,
            "git_commit": spec.context.git_commit,
            "torch": spec.context.torch_version,
            "ray": spec.context.ray_version,
        },
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
