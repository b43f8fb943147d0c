"""Usage of registered models: each job is written down with the version that it used."""

from collections.abc import Mapping
from typing import Any

from archive_colorizer.errors import UsageError
from archive_colorizer.registry.mlflow_models import Registry
from archive_colorizer.weights.reference import ResolvedModel


def note(model: ResolvedModel, job_id: str, what: Mapping[str, Any]) -> str:
    """Tell the registry that a job used a version.

    Returns:
        An empty text; or a line for the report, where the registry does not answer: the pictures
        are made and their rows name the version, so the job has not failed.
    """
    if not model.version:
        return ""
    try:
        Registry(model.registry).note_job(model.ref, job_id, what)
    except UsageError as error:
        return f"the registry was not told of this job: {error}"
    return ""
