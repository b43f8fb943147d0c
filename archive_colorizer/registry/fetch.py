"""Models of MLflow as files on this machine: `models:/NAME@ALIAS`, `models:/NAME/3`, `runs:/ID`.

An alias is resolved once; what is given back names the version. Files are kept by the hash of their
weights, so that a worker on another node, or a second job, need not fetch them again.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archive_colorizer.errors import LocationError, ModelReferenceError, suggest
from archive_colorizer.registry.cache import find_weights, put_weights
from archive_colorizer.registry.connection import (
    cache_folder,
    connect,
    default_uri,
    shorten_error,
    strip_secrets,
)
from archive_colorizer.weights.reference import WEIGHTS_NAME

SCHEMES: Final = ("models:", "runs:")
MODEL: Final = re.compile(r"models:/([^/@:]+)(?:@([\w.-]+)|/(\d+))")
RUN: Final = re.compile(r"runs:/([0-9a-f]{32})(?:/(.+?))?/?")
FOLDER: Final = "model"
"""Folder among a run's artifacts, unless the reference names another."""
SHA256_TAG: Final = "weights_sha256"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model of the registry, fetched to this machine."""

    ref: str
    """The reference, with the version's number in the alias's place."""
    path: Path
    """The weights file."""
    version: str
    """Number in the registry; empty for a run's model."""
    sha256: str
    """Hash that the registry has on record; empty where it has none."""
    uri: str
    """The MLflow store."""


def is_reference(ref: str) -> bool:
    """Tell whether a reference names a model that MLflow holds."""
    return ref.startswith(SCHEMES)


def fetch(ref: str, uri: str = "") -> Fetched:
    """Find a model's files, and bring them here where they are not yet.

    Args:
        ref: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, `runs:/ID[/FOLDER]`.
        uri: the MLflow store; empty takes `MLFLOW_TRACKING_URI` or this user's own.

    Raises:
        ModelReferenceError: no such name, version, alias or run, or no weights there.
        LocationError: the store cannot be reached.
    """
    uri = uri or default_uri()
    client = connect(uri)
    if run := RUN.fullmatch(ref):
        folder = run[2] or FOLDER
        path = _fetch_weights(client, run[1], folder, "", ref)
        return Fetched(ref, path, "", "", uri)
    match = MODEL.fullmatch(ref)
    if match is None:
        raise ModelReferenceError(
            f"{ref}: must be models:/NAME@ALIAS, models:/NAME/VERSION or runs:/ID"
        )
    version = find_version(client, uri, ref)
    name, sha256 = match[1], version.tags.get(SHA256_TAG, "")
    if not version.run_id:
        raise ModelReferenceError(f"{ref}: was not registered by this program: it has no run")
    folder = version.tags.get("folder", FOLDER)
    path = _fetch_weights(client, version.run_id, folder, sha256, ref)
    return Fetched(f"models:/{name}/{version.version}", path, str(version.version), sha256, uri)


def find_version(client: Any, uri: str, ref: str) -> Any:  # noqa: ANN401 (MLflow's ModelVersion)
    """Look up the model version that `models:/...` names.

    Raises:
        ModelReferenceError: there is none.
        LocationError: the store cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    match = MODEL.fullmatch(ref)
    assert match is not None, ref
    name, alias, number = match.groups()
    try:
        if alias:
            return client.get_model_version_by_alias(name, alias)
        return client.get_model_version(name, number)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            near = _suggest_near(client, name)
            raise ModelReferenceError(f"{ref}: {shorten_error(error)}{near}") from error
        raise LocationError(f"MLflow at {strip_secrets(uri)}: {shorten_error(error)}") from error


def _suggest_near(client: Any, name: str) -> str:  # noqa: ANN401
    """The end of a message: a registered name that is nearly this one."""
    from mlflow.exceptions import MlflowException

    try:
        names = [model.name for model in client.search_registered_models()]
    except MlflowException:
        return ""
    said = "" if name in names else suggest(name, names)
    return said if said.startswith(":") else ""


def _fetch_weights(
    client: Any,  # noqa: ANN401
    run_id: str,
    folder: str,
    sha256: str,
    ref: str,
) -> Path:
    """Find the weights in the cache, or download them into it."""
    if sha256 and (path := find_weights(sha256)):
        return path
    name = sha256 or f"run-{run_id}-{folder.replace('/', '-')}"
    path_there = f"{folder}/{WEIGHTS_NAME}"
    try:
        return put_weights(
            name, lambda scratch: _download(client, run_id, path_there, str(scratch), ref)
        )
    except OSError as error:
        raise LocationError(
            f"{cache_folder() / name}: the model cannot be kept there: {error.strerror}"
        ) from error


def _download(client: Any, run_id: str, path: str, folder: str, ref: str) -> Path:  # noqa: ANN401
    from mlflow.exceptions import MlflowException

    try:
        return Path(client.download_artifacts(run_id, path, folder))
    except (MlflowException, OSError) as error:
        text = f"{ref}: no {path} can be had from its run: {shorten_error(error)}"
        raise ModelReferenceError(text) from error
