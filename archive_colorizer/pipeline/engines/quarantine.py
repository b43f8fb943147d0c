"""A picture that kills its worker must not stop the job: batches whose worker died are gone through
picture by picture, and a picture on which a worker died twice fails alone.

A marker in OUTPUT's temporaries says what a worker has in hand; it is taken away when that is done.
So a marker that is found at the start says that a worker died on it.
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


class Careful:
    """Takes batches through steps, as `run_batch`, with markers.

    Args:
        steps: of one stage.
        store: OUTPUT.
        stage: tells the stages of one plan apart.
    """

    def __init__(self, steps: Sequence[Step], store: Store, stage: int) -> None:
        self._steps, self._store = steps, store
        self._folder = f"{FOLDER}/{stage}"

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        """Records to as many records."""
        ids = "\n".join(_ref(record).row_id for record in batch)
        marker = f"{self._folder}/batch-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
        with self._reaching():
            died = self._store.exists(marker)
        if died:
            done = [result for record in batch for result in self._one(record)]
        else:
            self._mark(marker)
            done = run_batch(self._steps, batch)
        with self._reaching():
            self._store.delete(marker)
        return done

    def _mark(self, marker: str) -> None:
        with self._reaching():
            try:
                self._store.write_atomic(marker, b"")
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:  # then it goes without
                    raise

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """What keeps this worker from OUTPUT keeps it from all work: one line says what."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise LocationError(
                f"{self._store.uri}: cannot be reached from a worker: {reason}"
            ) from error

    def _one(self, record: object) -> list[Any]:
        """A picture of a batch on which a worker died."""
        ref = _ref(record)
        marker = f"{self._folder}/{ref.row_id}"
        if self._store.exists(marker) and not isinstance(record, Outcome):
            text = f"{ref.source_uri}: a worker died while it had this picture, and again alone"
            record = failure(ref, UnreadablePhotoError(text), now_us())
        else:
            self._mark(marker)
        done = run_batch(self._steps, [record])
        self._store.delete(marker)
        return done


def _ref(record: Any) -> PhotoRef:  # noqa: ANN401 (a PhotoRef, or a record that holds one)
    while not isinstance(record, PhotoRef):
        record = record.ref if hasattr(record, "ref") else record.prepared
    return record
