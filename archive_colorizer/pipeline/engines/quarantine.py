"""Quarantine: a picture that kills its worker must not stop the job.

A batch whose worker died is done again picture by picture, and a picture on which a worker died
twice fails alone.

A killed worker can return nothing, so what it had in hand is marked by a file among OUTPUT's
temporaries, which is deleted when the work is done. A marker that is found at the start of the same
work says that a worker died on it.
"""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from archive_colorizer.errors import LocationError, UnreadablePhotoError
from archive_colorizer.pipeline.records import Outcome, PhotoRef
from archive_colorizer.pipeline.steps.step import Step, failure, now_us, run_batch
from archive_colorizer.storage import Store
from archive_colorizer.storage.location import TEMPORARIES

FOLDER: Final = f"{TEMPORARIES}/tries"


class Quarantine:
    """Takes batches through the steps of one stage, as `run_batch`, with markers.

    Args:
        steps: the steps.
        store: OUTPUT.
        stage: number that tells the stages of one plan apart.
    """

    def __init__(self, steps: Sequence[Step], store: Store, stage: int) -> None:
        self._steps, self._store = steps, store
        self._folder = f"{FOLDER}/{stage}"

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        """Map records to as many records."""
        ids = "\n".join(_ref(record).row_id for record in batch)
        marker = f"{self._folder}/batch-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
        with self._reporting_loss():
            died = self._store.exists(marker)
        if died:
            done = [result for record in batch for result in self._do_alone(record)]
        else:
            self._mark(marker)
            done = run_batch(self._steps, batch)
        with self._reporting_loss():
            self._store.delete(marker)
        return done

    def _mark(self, marker: str) -> None:
        with self._reporting_loss():
            try:
                self._store.write_atomic(marker, b"")
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:  # then it goes without
                    raise

    @contextmanager
    def _reporting_loss(self) -> Iterator[None]:
        """Turn a store's OSError into one line: without OUTPUT this worker cannot work at all."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise LocationError(
                f"{self._store.uri}: cannot be reached from a worker: {reason}"
            ) from error

    def _do_alone(self, record: object) -> list[Any]:
        """Do a picture of a batch on which a worker died."""
        ref = _ref(record)
        marker = f"{self._folder}/{ref.row_id}"
        with self._reporting_loss():
            died = self._store.exists(marker)
        if died and not isinstance(record, Outcome):
            text = f"{ref.source_uri}: a worker died while it had this picture, and again alone"
            record = failure(ref, UnreadablePhotoError(text), now_us())
        else:
            self._mark(marker)
        done = run_batch(self._steps, [record])
        with self._reporting_loss():
            self._store.delete(marker)
        return done


def _ref(record: Any) -> PhotoRef:  # noqa: ANN401 (a PhotoRef, or a record that holds one)
    while not isinstance(record, PhotoRef):
        record = record.ref if hasattr(record, "ref") else record.prepared
    return record
