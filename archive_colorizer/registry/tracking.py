"""Runs in MLflow: parameters, losses of every step, figures of every epoch, files.

The files in the run's folder are the record; MLflow is a second one beside it. So a store that
cannot be reached at the start is an error, and one that fails midway is said once and left alone.
"""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from archive_colorizer.registry import servable
from archive_colorizer.registry.connection import (
    connect,
    find_experiment,
    shorten_error,
    translate_errors,
)
from archive_colorizer.registry.fetch import FOLDER
from archive_colorizer.weights.card import ModelCard

LOG: Final = logging.getLogger("archive_colorizer")
PARCEL: Final = 1000
"""Entries in one request: a server takes no more."""
MAX_PARAM_CHARS: Final = 6000
MAX_NAME_CHARS: Final = 500
MAX_DIGEST_CHARS: Final = 36


class Tracker(Protocol):
    """A second record of a run, beside the files in its folder."""

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Record the losses of some steps."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Record figures at a step."""

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a file with the run."""

    def data(self, source: str, digest: str, report: str) -> None:
        """Record what the run learns from.

        Args:
            source: DATA, as it was written.
            digest: of the split.
            report: of what is kept of it.
        """

    def model(self, folder: Path, card: ModelCard) -> None:
        """Keep a model's folder with the run, as MLflow's own tools load it."""

    def finish(self, *, failed: bool = False) -> None:
        """Mark the run as finished or failed."""


class NoTracker:
    """A tracker that records nothing."""

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Record nothing."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Record nothing."""

    def file(self, path: Path, folder: str = "") -> None:
        """Record nothing."""

    def data(self, source: str, digest: str, report: str) -> None:
        """Record nothing."""

    def model(self, folder: Path, card: ModelCard) -> None:
        """Record nothing."""

    def finish(self, *, failed: bool = False) -> None:
        """Record nothing."""


class MlflowTracker:
    """One run of an MLflow experiment (`group`); with `run_id` an earlier one that goes on.

    Raises:
        LocationError: the store cannot be reached or refuses.
    """

    def __init__(
        self,
        uri: str,
        group: str,
        name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        run_id: str = "",
    ) -> None:
        self._client = connect(uri)
        from mlflow.entities import Param

        self._failed = False
        with translate_errors(uri):
            if run_id:
                self._client.update_run(run_id, status="RUNNING")
                self.run_id = run_id
                return
            number = find_experiment(self._client, uri, group)
            run = self._client.create_run(number, run_name=name, tags=dict(tags))
            self.run_id = str(run.info.run_id)
            given = [Param(key, str(value)[:MAX_PARAM_CHARS]) for key, value in params.items()]
            for start in range(0, len(given), 100):
                self._client.log_batch(self.run_id, params=given[start : start + 100])

    def steps(self, lines: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Record the losses of some steps, each with an entry of its own."""
        from mlflow.entities import Metric

        now_ms = int(1000 * time.time())
        entries = [
            Metric(name, value, now_ms, step)
            for step, some in lines
            for name, value in some.items()
        ]
        for start in range(0, len(entries), PARCEL):
            part = entries[start : start + PARCEL]
            self._send(partial(self._client.log_batch, self.run_id, metrics=part))

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """Record figures at a step."""
        self.steps([(step, figures)])

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a file with the run."""
        self._send(lambda: self._client.log_artifact(self.run_id, str(path), folder or None))

    def data(self, source: str, digest: str, report: str) -> None:
        """Record what the run learns from, as an input dataset of MLflow's."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        kind = "s3" if source.startswith("s3://") else "local"
        dataset = Dataset(
            name=source[-MAX_NAME_CHARS:], digest=digest[:MAX_DIGEST_CHARS], source_type=kind,
            source=json.dumps({"uri": source}), profile=json.dumps({"kept": report}),
        )  # fmt: skip
        used = DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
        self._send(lambda: self._client.log_inputs(self.run_id, datasets=[used]))

    def model(self, folder: Path, card: ModelCard) -> None:
        """Keep a model's folder with the run, as MLflow's own tools load it."""
        for path in sorted(folder.iterdir()):
            self.file(path, FOLDER)
        with tempfile.TemporaryDirectory() as scratch:
            for path in servable.describe(Path(scratch), card):
                self.file(path, FOLDER)

    def finish(self, *, failed: bool = False) -> None:
        """Mark the run as finished or failed."""
        status = "FAILED" if failed else "FINISHED"
        self._send(lambda: self._client.set_terminated(self.run_id, status=status))

    def _send(self, call: Callable[[], object]) -> None:
        from mlflow.exceptions import MlflowException

        try:
            call()
        except (MlflowException, OSError) as error:
            if not self._failed:
                LOG.warning(
                    "MLflow does not answer (%s); the run goes on, its folder has everything",
                    shorten_error(error),
                )
            self._failed = True
