"""Shelf: DEST of an export. Files are put there whole; others' files are left as they are."""

import contextlib
import errno
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Protocol, TypeVar

from archive_colorizer.errors import LocationError
from archive_colorizer.exports.ledger import FOLDER, Ledger, Written
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.storage import TEMPORARIES, Store, parse_location

HEAD: Final = f"{FOLDER}/export.json"
STAGING: Final = "export"
THREADS: Final = 4
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
TREE: Final = "/info.json"
"""A file of this name stands for all of its folder, and is written last."""
Item = TypeVar("Item")


class Sink(Protocol):
    """Where a file's bytes go, one after the other."""

    def write(self, data: bytes, /) -> int:
        """Write bytes."""


Write = Callable[[Sink], object]
PutPart = Callable[[str, bytes], None]
"""Puts a file into a folder: its name there, and its bytes."""


@dataclass(slots=True)
class Tally:
    """What became of an export."""

    written: int = 0
    unchanged: int = 0
    """Files that were there whole."""
    taken_back: int = 0
    """Files of an earlier run that no chosen picture has any more."""
    problems: list[str] = field(default_factory=list)
    """One line each."""
    notes: list[str] = field(default_factory=list)
    """What people should know; no problems."""

    def text(self) -> str:
        """Format it for people."""
        lines = [f"files written: {self.written:,}"]
        if self.unchanged:
            lines[0] += f" (there already: {self.unchanged:,})"
        if self.taken_back:
            lines.append(f"files taken back, of no chosen picture now: {self.taken_back:,}")
        return "\n".join([*lines, *self.notes, *(f"  not done: {one}" for one in self.problems)])


class _Same(Exception):  # noqa: N818 (no error: the file is there)
    """The very file is there."""


class _Hashing:
    """Writes on, hashing and counting."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        self.bytes += len(data)
        return self._sink.write(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class Shelf:
    """DEST, with what was written there before. A context manager.

    Args:
        store: of DEST.
        what: what the export is of; another one may not be in the same place.
        alone: whether nothing of others may be there.

    Raises:
        LocationError: DEST has another export, or cannot be read.
    """

    def __init__(self, store: Store, what: Mapping[str, Any], *, alone: bool = False) -> None:
        self.store = store
        self.tally = Tally()
        self._is_declared = self._is_new = False
        self._what = json.loads(json.dumps(what))
        self.begun = self._begin(self._what, alone=alone)
        """The day on which the export was begun, as ISO 8601."""
        self._ledger = Ledger(store)
        self._lock = threading.Lock()

    def _begin(self, what: Mapping[str, Any], *, alone: bool) -> str:
        """Check what is there, and give the day on which the export was begun."""
        try:
            head = json.loads(self.store.read(HEAD))
            found, begun = head["what"], str(head["begun"])
        except FileNotFoundError:
            if alone and next(iter(self.store.list()), None) is not None:
                raise LocationError(f"{self.store.uri}: DEST must be empty") from None
            return datetime.now(UTC).date().isoformat()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LocationError(f"{self.store.uri_of(HEAD)}: cannot be read: {error}") from error
        for name in sorted({*found, *what}):
            if found.get(name) != what.get(name):
                raise LocationError(
                    f"{self.store.uri}: DEST has another export ({name}: "
                    f"{_show(found.get(name))}, not {_show(what.get(name))}): name another place"
                )
        self._is_declared = True
        return begun

    def _declare(self) -> None:
        """Say in DEST what the export is of, before the first of its files."""
        with self._lock:
            if self._is_declared:
                return
            text = json.dumps({"what": self._what, "begun": self.begun}, indent=2)
            try:
                self.store.write_atomic(HEAD, text.encode())
            except OSError as error:
                reason = error.strerror or error
                raise LocationError(f"{self.store.uri}: cannot be written: {reason}") from error
            self._is_declared = self._is_new = True

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ledger.flush()
            if self._is_new and not (self.tally.written or self.tally.unchanged):
                self.store.delete(HEAD)  # it came to nothing: other options may come next
        finally:
            self._ledger.close()
            self.store.delete_tree(f"{TEMPORARIES}/{STAGING}")
            place = parse_location(self.store.uri)
            if not place.is_s3:
                for folder in (f"{TEMPORARIES}/run", TEMPORARIES):
                    with contextlib.suppress(OSError):  # it is somebody else's, too
                        (place.path / folder).rmdir()

    def tell(self, problem: str) -> None:
        """Add a problem to the report."""
        with self._lock:
            self.tally.problems.append(problem)

    def put(self, key: str, stamp: str, write: Write, *, steady: bool = True) -> Written | None:
        """Put a file there, unless it is there already.

        Args:
            key: in DEST.
            stamp: says what the file is made of; empty: it is made to see whether it is the same.
            write: writes it.
            steady: the same again gives the same bytes; otherwise it is noted before it is there.

        Returns:
            The file; None where it could not be put there: the report says why.

        Raises:
            LocationError: DEST has no room.
        """
        with self._lock:
            known = self._ledger.find(key)
        try:
            entry = self.store.find(key)
            if known and entry and known.is_of(stamp, entry.size_bytes):
                self._count("unchanged")
                return known
            mine = known is not None and entry is not None and self._is_as(entry.key, known)
            return self._write(key, stamp, write, known if mine else None, steady=steady)
        except FileExistsError:
            changed = "was changed since it was written" if known else "is there already"
            self.tell(f"{self.store.uri_of(key)}: {changed}; it is left")
        except (ValueError, PictureFault) as error:
            self.tell(f"{key}: {error}")
        except OSError as error:
            if error.errno in FULL:
                raise LocationError(f"{self.store.uri}: {error.strerror}") from error
            where = f" ({error.filename})" if error.filename else ""
            self.tell(f"{key}: {error.strerror or error}{where}")
        return None

    def put_folder(
        self, folder: str, stamp: str, write: Callable[[PutPart], bytes]
    ) -> Written | None:
        """Put a folder of files there, unless it is there already.

        Args:
            folder: its key.
            stamp: as for `put`.
            write: puts the files, and gives the bytes of `info.json`, which stands for them all.

        Returns:
            As `put`, of `info.json`.

        Raises:
            LocationError: DEST has no room.
        """
        key = folder + TREE

        def put_part(name: str, data: bytes) -> None:
            part = f"{folder}/{name}"
            if not self.store.create(part, data) and self.store.read(part) != data:
                raise FileExistsError(errno.EEXIST, "exists", part)

        def write_all(sink: Sink) -> None:
            with self._lock:
                known = self._ledger.find(key)
            if known and self.store.exists(key) and self._is_as(key, known):
                self.store.delete_tree(folder)
            sink.write(write(put_part))

        return self.put(key, stamp, write_all)

    def _is_as(self, key: str, known: Written) -> bool:
        with self.store.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == known.sha256  # type: ignore[arg-type]

    def _write(
        self, key: str, stamp: str, write: Write, mine: Written | None, *, steady: bool
    ) -> Written:
        self._declare()
        try:
            with self.store.staged(key, STAGING, replace=mine is not None) as sink:
                hashing = _Hashing(sink)
                write(hashing)
                made = Written(key, stamp, hashing.sha256, hashing.bytes)
                if mine and mine.sha256 == made.sha256:
                    raise _Same
                if mine is None and self.store.exists(key):
                    if self._is_as(key, made):
                        raise _Same
                    raise FileExistsError(errno.EEXIST, "exists", key)
                if not steady:
                    self._note(made, flush=True)
        except _Same:
            self._count("unchanged")
        else:
            self._count("written")
        self._note(made)
        return made

    def _note(self, made: Written, *, flush: bool = False) -> None:
        with self._lock:
            self._ledger.add(made)
            if flush:
                self._ledger.flush()

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.tally, what, getattr(self.tally, what) + 1)

    def finish(self) -> None:
        """Take back what this export does not name any more; others' changes are left."""
        for old in list(self._ledger.unnamed()):
            try:
                self._take_back(old)
            except OSError as error:
                self.tell(f"{old.key}: cannot be deleted: {error.strerror or error}")
        self._ledger.compact()

    def _take_back(self, old: Written) -> None:
        entry = self.store.find(old.key)
        if entry is not None and not self._is_as(old.key, old):
            self.tell(f"{self.store.uri_of(old.key)}: was changed since it was written; it is left")
            return
        if old.key.endswith(TREE):
            self.store.delete_tree(old.key.removesuffix(TREE))
        elif entry is not None:
            self.store.delete(old.key)
        self.tally.taken_back += entry is not None
        self._ledger.forget(old.key)


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def each(do: Callable[[Item], Any], items: Iterable[Item], threads: int = THREADS) -> Iterator[Any]:
    """Do something with each item in threads; results come in order, few items are held."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Any]] = []
        try:
            for item in items:
                waiting.append(pool.submit(do, item))
                if len(waiting) > 4 * threads:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for one in waiting:
                one.cancel()
