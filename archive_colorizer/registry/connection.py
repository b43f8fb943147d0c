"""Where MLflow is, and how it is reached without its chatter."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archive_colorizer.errors import LocationError


def default_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or an SQLite file at one absolute place of this user's."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return given or f"sqlite:///{_home('XDG_DATA_HOME', '.local/share') / 'mlflow.db'}"


def cache_folder() -> Path:
    """Where models from a registry are kept, by their hash."""
    return _home("XDG_CACHE_HOME", ".cache") / "models"


def connect(uri: str) -> Any:  # noqa: ANN401 (MlflowClient, without loading mlflow)
    """A client of the store.

    Raises:
        LocationError: it cannot be reached.
    """
    prepare(uri)
    from mlflow import MlflowClient

    with asking(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def asking(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into one clear line.

    Raises:
        LocationError: the store cannot be reached or refuses.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise LocationError(f"MLflow at {without_secrets(uri)}: {short(error)}") from error


def experiment(client: Any, uri: str, name: str) -> str:  # noqa: ANN401
    """The id of an experiment, made where it is not there."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    # Without a server the artifacts' place would else hang on the working directory.
    path = uri.removeprefix("sqlite:///")
    place = str(Path(path).parent / "artifacts" / name) if uri.startswith("sqlite:") else None
    return str(client.create_experiment(name, artifact_location=place))


def prepare(uri: str) -> None:
    """Keep MLflow's chatter and telemetry out of the way, and make the default store's folder.

    Raises:
        LocationError: the folder cannot be made.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    warnings.filterwarnings("ignore", module="mlflow.*")
    import mlflow  # noqa: F401 (it sets its loggers up when it is imported)

    for noisy in ("mlflow", "mlflow.store", "mlflow.store.db.utils", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if uri.startswith("sqlite:///"):
        folder = Path(uri.removeprefix("sqlite:///")).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocationError(f"MLflow at {uri}: {error.strerror}") from error


def short(error: Exception) -> str:
    """The first line, without urllib3's tale of its retries."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "no server answers" if "Max retries exceeded" in lines[0] else lines[0][:300]


def without_secrets(uri: str) -> str:
    """The URI without a user's name and password."""
    scheme, mark, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else uri


def _home(variable: str, usual: str) -> Path:
    base = os.environ.get(variable) or str(Path.home() / usual)
    return Path(base).resolve() / "archive-colorizer"
