"""The catalog: the rows of OUTPUT, read anew when a run writes some while people look."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.attention import add_paths
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.review.parts import MODEL, Part, PartFiles
from archive_colorizer.review.rows import COLUMNS, Rows
from archive_colorizer.storage import S3Settings, Store
from archive_colorizer.web.refusals import RefusedError

LOG: Final = logging.getLogger("archive_colorizer")
CHECK_EVERY_S: Final = 3.0
"""Pause between two looks at what files OUTPUT has."""
ATTEMPTS: Final = 5
LEAST_PAUSE_S: Final = 0.5
"""Ids that nobody knows make the desk look no more often."""
MAPS: Final = frozenset({"doubt_map", "glare_map"})
WHOLE: Final = tuple(name for name in SCHEMA.names if name not in MAPS)
HISTORY_COLUMNS: Final = (
    "row_id", "source_uri", "page", "job_id", "started_at", "status", "error_class",
    "doubt_mean", "derivative_sha256", MODEL,
)  # fmt: skip


class Catalog:
    """The rows of one OUTPUT. Thread-safe."""

    def __init__(self, store: Store, s3: S3Settings) -> None:
        self.files = PartFiles(store, s3)
        self._parts: dict[Part, pa.Table] = {}
        self._refreshing = threading.Lock()
        self._checked = self._looked = 0.0
        self._history: tuple[tuple[Part, ...], pa.Table] | None = None
        self._rows = self._begin()

    @property
    def rows(self) -> Rows:
        """The rows as they are known; a look at OUTPUT is begun where the last is old."""
        now = time.monotonic()
        if now - self._checked > CHECK_EVERY_S and not self._refreshing.locked():
            self._checked = now
            threading.Thread(target=self.refresh, daemon=True, name="catalog").start()
        return self._rows

    def _begin(self) -> Rows:
        for _ in range(ATTEMPTS - 1):
            with suppress(FileNotFoundError):  # a run merges files while they are read
                return self._read(self.files.list(), 0)
        return self._read(self.files.list(), 0)

    def refresh(self) -> None:
        """Read what is new in OUTPUT; what cannot be read is left as it was."""
        with self._refreshing:
            try:
                parts = self.files.list()
                if set(parts) != set(self._parts):
                    self._rows = self._read(parts, self._rows.version + 1)
            except (OSError, LocationError) as error:  # a run may be rewriting it: the next look
                LOG.debug("the manifest could not be read: %s", error)
            self._checked = self._looked = time.monotonic()

    def _read(self, parts: Sequence[Part], version: int) -> Rows:
        tables = [
            known if (known := self._parts.get(part)) is not None
            else self.files.read(part.key, COLUMNS)
            for part in parts
        ]  # fmt: skip
        table = pa.concat_tables(tables) if tables else _empty().select(COLUMNS)
        table = add_paths(table).combine_chunks()
        sizes = [one.num_rows for one in tables]
        starts = np.cumsum([0, *sizes])
        # What is kept of each file are slices of the whole: every row is held once.
        self._parts = {
            part: table.slice(start, size)
            for part, start, size in zip(parts, starts.tolist(), sizes, strict=False)
        }
        owner = np.repeat(np.arange(len(sizes), dtype=np.int32), np.array(sizes, np.int64))
        place = np.arange(table.num_rows) - starts[owner]
        last = manifest.mark_last(table)
        marks = np.asarray(last)
        if not marks.all():
            table, owner, place = table.filter(last).combine_chunks(), owner[marks], place[marks]
        made = Rows(table, tuple(part.key for part in parts), owner, place, version)
        made.order("-doubt")  # what is asked for first is ready before it is
        made.find("")
        return made

    def find(self, row_id: str) -> tuple[Rows, int]:
        """Find a row by its id.

        Raises:
            RefusedError: there is none.
        """
        rows = self.rows
        at = rows.find(row_id)
        if at is None and time.monotonic() - self._looked > LEAST_PAUSE_S:
            self.refresh()
            rows = self._rows
            at = rows.find(row_id)
        if at is None:
            raise RefusedError(404, "no such picture in this OUTPUT")
        return rows, at

    def find_listed(self, row_id: str) -> Mapping[str, Any]:
        """Give what is held of a row: `rows.COLUMNS`.

        Raises:
            RefusedError: there is none.
        """
        rows, at = self.find(row_id)
        return rows.one(at)

    def read_row(self, row_id: str, columns: Sequence[str] = WHOLE) -> Mapping[str, Any]:
        """Read columns of one row from its file.

        Raises:
            RefusedError: there is no such row, or it cannot be read.
        """
        wanted = list(dict.fromkeys(["row_id", *columns]))
        for _ in range(2):  # a run may have moved it meanwhile
            rows, at = self.find(row_id)
            try:
                row = self.files.read_row(
                    rows.keys[int(rows.part[at])], int(rows.place[at]), wanted
                )
            except (FileNotFoundError, IndexError):
                row = {}
            except LocationError as error:
                raise RefusedError(503, str(error), retry_after_s=CHECK_EVERY_S) from error
            if row.get("row_id") == row_id:
                return row
            self.refresh()
        raise RefusedError(503, "the row is being rewritten: ask again", retry_after_s=1)

    def read_history(self, source_uri: str, page: int) -> list[dict[str, Any]]:
        """Read what earlier jobs made of a page, the latest first.

        Raises:
            RefusedError: it cannot be read.
        """
        try:
            table = self._read_history()
        except (OSError, LocationError) as error:
            raise RefusedError(503, str(error), retry_after_s=CHECK_EVERY_S) from error
        marks = pc.and_(pc.equal(table["source_uri"], source_uri), pc.equal(table["page"], page))
        found = table.filter(marks)
        rows: list[dict[str, Any]] = found.take(manifest.sort_by_age(found)).to_pylist()
        return rows[::-1]

    def _read_history(self) -> pa.Table:
        """All rows of history, few columns; read again when it has other files."""
        parts = self.files.list(manifest.HISTORY)
        if self._history is None or self._history[0] != parts:
            tables = [self.files.read(part.key, HISTORY_COLUMNS) for part in parts]
            table = pa.concat_tables(tables) if tables else _empty().select(HISTORY_COLUMNS)
            self._history = parts, table
        return self._history[1]


def _empty() -> pa.Table:
    schema = SCHEMA.append(pa.field(MODEL, pa.string()))
    return schema.empty_table()
