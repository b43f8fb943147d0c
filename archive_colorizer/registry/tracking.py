"""Runs in MLflow: parameters, losses of every step, figures of every epoch, files.

The files in the run's folder are the record; MLflow is a second one beside it. So a store that
cannot be reached at the start is an error, and one that fails midway is said once and left alone.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from archive_colorizer.errors import LocationError

LOG: Final = logging.getLogger("archive_colorizer")
PARCEL: Final = 1000
"""Entries that a server takes at once."""
MAX_PARAM_CHARS: Final = 6000


class Tracker(Protocol):
    """What a run tells."""

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Losses of some steps."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures at a step."""

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a file with the run."""

    def finish(self, *, failed: bool = False) -> None:
        """The run has ended."""


class NoTracker:
    """Tells nobody."""

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Nothing."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Nothing."""

    def file(self, path: Path, folder: str = "") -> None:
        """Nothing."""

    def finish(self, *, failed: bool = False) -> None:
        """Nothing."""


def default_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or an SQLite file at one absolute place of this user's."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return given or f"sqlite:///{_home() / 'mlflow.db'}"


def _home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).resolve() / "archive-colorizer"


class MlflowTracker:
    """One run of an MLflow experiment; with `run_id` an earlier one that goes on.

    Raises:
        LocationError: the store cannot be reached or refuses.
    """

    def __init__(
        self,
        uri: str,
        experiment: str,
        name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        run_id: str = "",
    ) -> None:
        _prepare(uri)
        from mlflow import MlflowClient
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        self._failed = False
        try:
            self._client = MlflowClient(tracking_uri=uri)
            if run_id:
                self._client.update_run(run_id, status="RUNNING")
                self.run_id = run_id
                return
            number = self._experiment(uri, experiment)
            self.run_id = str(
                self._client.create_run(number, run_name=name, tags=dict(tags)).info.run_id
            )
            given = [Param(key, str(value)[:MAX_PARAM_CHARS]) for key, value in params.items()]
            for start in range(0, len(given), 100):
                self._client.log_batch(self.run_id, params=given[start : start + 100])
        except (MlflowException, OSError) as error:
            raise LocationError(f"MLflow at {uri}: {_short(error)}") from error

    def _experiment(self, uri: str, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        # Without a server the artifacts' place would else hang on the working directory.
        path = uri.removeprefix("sqlite:///")
        place = str(Path(path).parent / "artifacts" / name) if uri.startswith("sqlite:") else None
        return str(self._client.create_experiment(name, artifact_location=place))

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Losses of some steps, each with its own entry."""
        from mlflow.entities import Metric

        now_ms = int(1000 * time.time())
        entries = [
            Metric(name, value, now_ms, step)
            for step, some in lines
            for name, value in some.items()
        ]
        for start in range(0, len(entries), PARCEL):
            part = entries[start : start + PARCEL]
            self._tried(partial(self._client.log_batch, self.run_id, metrics=part))

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures at a step."""
        self.steps([(step, figures)])

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a file with the run."""
        self._tried(lambda: self._client.log_artifact(self.run_id, str(path), folder or None))

    def finish(self, *, failed: bool = False) -> None:
        """The run has ended."""
        status = "FAILED" if failed else "FINISHED"
        self._tried(lambda: self._client.set_terminated(self.run_id, status=status))

    def _tried(self, call: Callable[[], object]) -> None:
        from mlflow.exceptions import MlflowException

        try:
            call()
        except (MlflowException, OSError) as error:
            if not self._failed:
                LOG.warning(
                    "MLflow does not answer (%s); the run goes on, its folder has everything",
                    _short(error),
                )
            self._failed = True


def _short(error: Exception) -> str:
    """The first line, without urllib3's tale of its retries."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "no server answers" if "Max retries exceeded" in lines[0] else lines[0][:300]


def _prepare(uri: str) -> None:
    """Keep MLflow's chatter and telemetry out of the way, and make the default store's folder."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
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
