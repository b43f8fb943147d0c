"""What an export wrote to DEST: by it the next run goes on, and knows its own files from others'.

In DEST it is a folder of Parquet parts, each whole. While a run is at it, it is a database in a
temporary file: memory does not grow with it. Not for several threads at once.
"""

import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.storage import Store

FOLDER: Final = ".archive-colorizer"
FLUSH_ROWS: Final = 1_000
PART_ROWS: Final = 100_000
_SCHEMA: Final = pa.schema(
    [("key", pa.string()), ("stamp", pa.string()), ("sha256", pa.string()), ("bytes", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class Written:
    """One file that an export wrote."""

    key: str
    stamp: str
    """Says what it was made of: with the same stamp it is the same file."""
    sha256: str
    bytes: int

    def is_of(self, stamp: str, size_bytes: int) -> bool:
        """Tell whether it is made of the same, and has its size; an empty stamp never is."""
        return bool(stamp) and (self.stamp, self.bytes) == (stamp, size_bytes)


class Ledger:
    """The files of DEST that are ours.

    Args:
        store: of DEST.

    Raises:
        LocationError: what an earlier run left cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute(
            "CREATE TABLE files (key TEXT PRIMARY KEY, stamp TEXT, sha256 TEXT, bytes INTEGER, "
            "named INTEGER DEFAULT 0) WITHOUT ROWID"
        )
        self._parts = self._list_parts()
        for key in self._parts:
            self._load(key)
        self._new: list[Written] = []
        self._has_left = False

    def _list_parts(self) -> list[str]:
        keys = (entry.key for entry in self._store.list(FOLDER))
        return sorted(key for key in keys if key.endswith(".parquet"))

    def _load(self, key: str) -> None:
        try:
            with self._store.open(key) as file:
                for batch in pq.ParquetFile(file).iter_batches(manifest.BATCH_ROWS):
                    rows = zip(*(batch[name].to_pylist() for name in _SCHEMA.names), strict=True)
                    self._put(rows)
        except (OSError, pa.ArrowException, KeyError) as error:
            text = " ".join(str(error).split())
            raise LocationError(f"{self._store.uri_of(key)}: cannot be read: {text}") from error

    def _put(self, rows: Iterator[tuple[str, str, str, int]]) -> None:
        self._base.execute("BEGIN")
        self._base.executemany(
            "INSERT OR REPLACE INTO files (key, stamp, sha256, bytes) VALUES (?, ?, ?, ?)", rows
        )
        self._base.execute("COMMIT")

    def find(self, key: str) -> Written | None:
        """Find a file, and note that this export names it."""
        self._base.execute("UPDATE files SET named = 1 WHERE key = ?", (key,))
        found = self._base.execute(
            "SELECT key, stamp, sha256, bytes FROM files WHERE key = ?", (key,)
        ).fetchone()
        return Written(*found) if found else None

    def add(self, written: Written) -> None:
        """Note a file; on disk after `flush`, which is done every FLUSH_ROWS files."""
        self._base.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, 1)",
            (written.key, written.stamp, written.sha256, written.bytes),
        )
        self._new.append(written)
        if len(self._new) >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was added as one new part."""
        if self._new:
            self._write_part(self._new)
            self._new = []

    def _write_part(self, rows: list[Written]) -> None:
        cells = [[getattr(one, name) for one in rows] for name in _SCHEMA.names]
        data = io.BytesIO()
        pq.write_table(pa.table(cells, schema=_SCHEMA), data, compression="zstd")
        number = int(self._parts[-1].rpartition("-")[2].partition(".")[0]) + 1 if self._parts else 0
        key = f"{FOLDER}/files-{number:06d}.parquet"
        self._store.write_atomic(key, data.getvalue())
        self._parts.append(key)

    def unnamed(self) -> Iterator[Written]:
        """Yield the files that this export does not name any more."""
        yield from self._select("WHERE named = 0")

    def _select(self, where: str = "") -> Iterator[Written]:
        words = f"SELECT key, stamp, sha256, bytes FROM files {where} ORDER BY key"  # noqa: S608
        for found in self._base.execute(words):
            yield Written(*found)

    def forget(self, key: str) -> None:
        """Leave a file out: it is not there any more, or not ours."""
        self._base.execute("DELETE FROM files WHERE key = ?", (key,))
        self._has_left = True

    def compact(self) -> None:
        """Write all as few parts, then delete the ones before: a crash leaves what counts twice."""
        self.flush()
        if len(self._parts) < 2 and not self._has_left:
            return
        before = list(self._parts)
        rows: list[Written] = []
        for one in self._select():
            rows.append(one)
            if len(rows) == PART_ROWS:
                self._write_part(rows)
                rows = []
        if rows:
            self._write_part(rows)
        for key in before:
            self._store.delete(key)
        self._parts = self._parts[len(before) :]

    def close(self) -> None:
        """Let the database go."""
        self._base.close()
