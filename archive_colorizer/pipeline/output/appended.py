"""Rows that are only ever added: a folder of small Parquet files, each whole and never changed.

Every writer makes files of its own, so any number of them need no lock and lose nothing. A row has
an id, and a row that is read twice counts once: so `compact` may write the union of some files
first and delete them after, be killed in between, and run beside other writers and compactions. No
file is deleted before another one has all its rows on disk.
"""

import io
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import is_review_file
from archive_colorizer.storage import Store

MERGED: Final = "merged"
ROWS_PER_FILE: Final = 250_000
MAX_FILES: Final = 16
THREADS: Final = 8
ATTEMPTS: Final = 5
PAUSE_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Appended:
    """One such folder of OUTPUT."""

    folder: str
    schema: pa.Schema
    """Of the rows; a file that lacks one of these columns is none of ours."""
    id_column: str
    time_column: str
    """Microseconds since 1970, UTC: what "oldest first" goes by."""
    words: str
    """What the rows are, for messages."""

    def append(self, store: Store, rows: pa.Table) -> str:
        """Write rows as one new file, whole or not at all; on disk when this returns.

        Returns:
            Its key.

        Raises:
            OSError: it cannot be written, or may not be there; the same rows may be given again.
        """
        now = datetime.now(UTC)
        key = f"{self.folder}/{now:%Y%m%dT%H%M%S%fZ}-{uuid.uuid4().hex}.parquet"
        self._write(store, key, rows)
        return key

    def _write(self, store: Store, key: str, rows: pa.Table) -> None:
        data = manifest.to_parquet(rows.cast(self.schema))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                store.write_atomic(key, data)
                break
            except FileNotFoundError:  # a job that starts empties the folder of temporaries
                if attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE_S)
        store.flush_folder(self.folder)

    def keys(self, store: Store) -> list[str]:
        """List the files' keys."""
        start = f"{self.folder}/"
        return [
            entry.key
            for entry in store.list(self.folder)
            if is_review_file(entry.key) and "/" not in entry.key.removeprefix(start)
        ]

    def read(self, store: Store) -> pa.Table:
        """Read all rows, oldest first, each once.

        Raises:
            LocationError: a file cannot be read, or holds something else. None is passed over: what
                it says could turn a verdict.
            OSError: the folder cannot be listed.
        """
        while True:
            keys = self.keys(store)
            with ThreadPoolExecutor(THREADS) as pool:
                tables = list(pool.map(lambda key: self._read_key(store, key), keys))
            # A file may have been merged into one that the listing came too early for.
            if {key for key in self.keys(store) if _is_merged(key)} <= set(keys):
                break
        rows = pa.concat_tables([self.schema.empty_table(), *(t for t in tables if t is not None)])
        return self._take_each_once(rows.sort_by(self.time_column))

    def _read_key(self, store: Store, key: str) -> pa.Table | None:
        """Read one file; None where it is gone, for its rows are in another one then."""
        try:
            rows = pq.read_table(io.BytesIO(store.read(key)))
            return rows.select(self.schema.names).cast(self.schema).replace_schema_metadata()
        except FileNotFoundError:
            return None
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            text = " ".join(str(error).split())
            raise LocationError(
                f"{store.uri_of(key)}: is no sound file of {self.words}: {text}"
            ) from error

    def _take_each_once(self, rows: pa.Table) -> pa.Table:
        ids = rows[self.id_column]
        if len(pc.unique(ids)) == rows.num_rows:
            return rows
        first = pa.table({"id": ids, "at": np.arange(rows.num_rows)}).group_by("id")
        return rows.take(np.sort(first.aggregate([("at", "min")])["at_min"].to_numpy()))

    def compact(self, store: Store, max_files: int = MAX_FILES) -> None:
        """Merge files into few when there are more than `max_files`; others may append meanwhile.

        Raises:
            LocationError: as `read`; nothing of it was deleted.
            OSError: the store cannot be listed or written.
        """
        keys = self.keys(store)
        if len(keys) <= max_files:
            return
        for group in self._group(store, keys):
            rows = pa.concat_tables([rows for _, rows in group]).sort_by(self.time_column)
            merged = f"{self.folder}/{MERGED}-{uuid.uuid4().hex}.parquet"
            self._write(store, merged, self._take_each_once(rows))
            for key, _ in group:
                store.delete(key)

    def _group(self, store: Store, keys: Sequence[str]) -> Iterator[list[tuple[str, pa.Table]]]:
        """Yield files that go into one together, with their rows."""
        group: list[tuple[str, pa.Table]] = []
        count = 0
        for key in keys:
            rows = self._read_key(store, key)
            if rows is None or rows.num_rows >= ROWS_PER_FILE:
                continue
            group.append((key, rows))
            count += rows.num_rows
            if count >= ROWS_PER_FILE:
                yield group
                group, count = [], 0
        if len(group) > 1:
            yield group


def _is_merged(key: str) -> bool:
    return key.rpartition("/")[2].startswith(f"{MERGED}-")
