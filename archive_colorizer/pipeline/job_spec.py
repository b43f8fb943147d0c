"""The spec of a job, which every worker gets, and the record of it in job.json."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.job_models import Models
from archive_colorizer.pipeline.output.rows import JobContext
from archive_colorizer.pipeline.pins import Pins
from archive_colorizer.pipeline.recipe import recipe, recipe_digest, recipe_text
from archive_colorizer.provenance.certificates import find_fingerprint
from archive_colorizer.provenance.watermark_code import read_key
from archive_colorizer.storage import absolute
from archive_colorizer.version import __version__, git_commit
from archive_colorizer.weights.reference import ResolvedModel


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The job as every worker gets it. Small and picklable: no weights, no pictures."""

    config: JobConfig
    output: str
    """Location of OUTPUT."""
    model: ResolvedModel
    enlarger: ResolvedModel | None
    """The model that restores after a translation, or enlarges what is coloured."""
    context: JobContext
    """What all rows share; its job id names this run's folder of temporaries, too."""
    labels: Mapping[str, str]
    """XMP that every derivative carries."""
    owner: str
    """Owner of the lease on OUTPUT: workers stop when another run holds it."""
    certificate_sha256: str = ""
    """Certificate that derivatives are signed with, hex; empty where they are not. The key itself
    never travels: each worker reads the files that the configuration names."""


def digest(config: JobConfig, models: Models) -> str:
    """Digest the recipe: SHA-256, hex."""
    return recipe_digest(config, *(model.weights_sha256 for model in models))


def make_spec(config: JobConfig, models: Models, owner: str) -> JobSpec:
    """Make the spec of a new run.

    Args:
        config: of the job.
        models: as resolved from it.
        owner: of the lease on OUTPUT.
    """
    job_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    model, *after = models
    config = _place_key(_place_signing(config))
    context = JobContext(
        job_id=job_id,
        recipe_sha256=digest(config, models),
        recipe_json=recipe_text(config, *(one.weights_sha256 for one in models)),
        steps=tuple(_describe_step(config, one) for one in models),
        version=__version__,
        git_commit=git_commit(),
        torch_version=find_version("torch"),
        ray_version=find_version("ray") if config.run.engine == "ray" else "",
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
        context=context, labels=labels, owner=owner,
        certificate_sha256=find_fingerprint(config.run.c2pa) if config.run.c2pa else "",
    )  # fmt: skip


def _place_signing(config: JobConfig) -> JobConfig:
    """Make the paths of certificate and key absolute: workers may be in another folder."""
    run = config.run
    if not run.c2pa:
        return config
    certificate, key = (str(Path(name).absolute()) for name in (run.c2pa, run.c2pa_key))
    return replace(config, run=replace(run, c2pa=certificate, c2pa_key=key))


def _place_key(config: JobConfig) -> JobConfig:
    """Make the path of the mark's key absolute, once it is seen that there is a key.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """
    if not config.run.watermark_key:
        return config
    read_key(config.run.watermark_key)
    path = str(Path(config.run.watermark_key).absolute())
    return replace(config, run=replace(config.run, watermark_key=path))


def _describe_step(config: JobConfig, model: ResolvedModel) -> dict[str, Any]:
    """Describe a model's part in a picture, as the manifest's `steps` has it."""
    settings = recipe(config, model.weights_sha256)
    return {
        "op": model.card.family,
        "model_ref": model.ref,
        "model_version": model.release,
        "weights_sha256": model.weights_sha256,
        "weights_rights": model.card.data_rights,
        "params_json": json.dumps(
            settings["color"] | {"output": settings["output"], "table": config.table},
            sort_keys=True,
        ),
        "seed": 0,
    }


def job_record(spec: JobSpec, pins: Pins, **listing: object) -> dict[str, Any]:
    """Make what job.json holds at the start.

    Args:
        spec: of the job.
        pins: what OUTPUT remembers from now on.
        listing: numbers of `listed`, `todo` and `held_back` pages; `unlisted` folders; what was
            `passed_over`.
    """
    config = spec.config
    models = (spec.model, *([spec.enlarger] if spec.enlarger else []))
    model, *after = (
        {
            "ref": one.ref,
            "name": one.card.name,
            "version": one.release,
            "weights_sha256": one.weights_sha256,
            "data_rights": one.card.data_rights,
        }
        for one in models
    )
    return {
        "job_id": spec.context.job_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **listing,
        "own": pins.to_json(),
        "config": _list_settings(config),
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


def _list_settings(config: JobConfig) -> dict[str, Any]:
    """List the settings of a job, but for those that may hold a key, or say where one is."""
    said = asdict(config)
    for name in ("on_end", "c2pa_key"):
        said["run"].pop(name)
    return said


def find_version(name: str) -> str:
    """Find the version of an installed library; empty where it is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
