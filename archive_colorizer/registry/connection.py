"""The connection to MLflow: where it is, without its log and telemetry."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archive_colorizer.errors import LocationError
from archive_colorizer.extras import require


def default_uri() -> str:
    """Give `MLFLOW_TRACKING_URI`, or an SQLite file at one absolute place of this user's."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return given or f"sqlite:///{data_folder() / 'mlflow.db'}"


def cache_folder() -> Path:
    """Give the folder in which fetched models are kept, by their hash."""
    return _own_folder("XDG_CACHE_HOME", ".cache") / "models"


def data_folder() -> Path:
    """Give the folder of what this user's commands write down."""
    return _own_folder("XDG_DATA_HOME", ".local/share")


def connect(uri: str) -> Any:  # noqa: ANN401 (MlflowClient, without loading mlflow)
    """Make a client of the store.

    Raises:
        ConfigError: MLflow is not installed.
        LocationError: it cannot be reached.
    """
    prepare(uri)
    from mlflow import MlflowClient

    with translate_errors(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def translate_errors(uri: str) -> Iterator[None]:
    """Turn MLflow's errors into one clear line.

    Raises:
        LocationError: the store cannot be reached or refuses.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise LocationError(f"MLflow at {strip_secrets(uri)}: {shorten_error(error)}") from error


def find_experiment(client: Any, uri: str, name: str) -> str:  # noqa: ANN401
    """Find the id of an experiment; it is made where there is none."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    # Without a server the artifacts' place would else hang on the working directory.
    path = uri.removeprefix("sqlite:///")
    place = str(Path(path).parent / "artifacts" / name) if uri.startswith("sqlite:") else None
    return str(client.create_experiment(name, artifact_location=place))


def prepare(uri: str) -> None:
    """Switch MLflow's log and telemetry off, and make the default store's folder.

    Raises:
        ConfigError: MLflow is not installed.
        LocationError: the folder cannot be made.
    """
    require("train", f"MLflow at {strip_secrets(uri)}")
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


def shorten_error(error: Exception) -> str:
    """Give an error's first line, without urllib3's account of its retries."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "no server answers" if "Max retries exceeded" in lines[0] else lines[0][:300]


def strip_secrets(uri: str) -> str:
    """Remove a user's name and password from a URI."""
    scheme, mark, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else uri


def _own_folder(variable: str, usual: str) -> Path:
    base = os.environ.get(variable) or str(Path.home() / usual)
    return Path(base).resolve() / "archive-colorizer"
