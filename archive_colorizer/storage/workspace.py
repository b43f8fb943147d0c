"""Workspace: a folder to write into, for files whose place may be an object store.

On this machine both are one. For an object store it is a temporary folder here: `publish` brings
what changed in it to the store, each file whole or not at all, and closing removes it.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from archive_colorizer.errors import LocationError
from archive_colorizer.storage import open_parts
from archive_colorizer.storage.base import Store
from archive_colorizer.storage.location import Location, parse_location
from archive_colorizer.storage.settings import DEFAULT_S3, S3Settings

PREFIX: Final = "archive-colorizer-"
"""Of the names of temporary folders."""
LOCK: Final = ".lock"
"""Held by the process that has a temporary folder: it is let go when the process dies."""
PROBE: Final = ".probe.tmp"


class Workspace:
    """A folder of this machine, `here`, and the place that its files are for.

    Args:
        location: a folder or s3:// prefix.
        s3: the way to object stores.

    Raises:
        LocationError: a scheme that is not supported.
    """

    def __init__(self, location: str, s3: S3Settings = DEFAULT_S3) -> None:
        place = parse_location(location)
        self.place: Location = parse_location(place.uri.rstrip("/")) if place.is_s3 else place
        self._s3 = s3
        self._lock: IO[str] | None = None
        self._sent: dict[str, tuple[int, int]] = {}
        self._store: Store | None = None
        if not self.place.is_s3:
            self.here = self.place.path
            return
        from archive_colorizer.storage.s3 import S3Store  # boto3 is slow to load

        self._store = S3Store(self.place, s3)
        self.here = self._make_scratch()

    @property
    def is_remote(self) -> bool:
        """Whether the files' place is an object store."""
        return self._store is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary folder; what was not published is lost."""
        if self._lock is not None:
            shutil.rmtree(self.here, ignore_errors=True)
            self._lock.close()
            self._lock = None

    @property
    def location(self) -> str:
        """The place as `Workspace` takes it, also in another process."""
        return self.place.text if self.is_remote else str(self.here)

    @property
    def title(self) -> str:
        """The last part of the place's name."""
        return (self.place.name or self.place.bucket) if self.is_remote else self.here.name

    def name(self, file: str) -> str:
        """Name a file by its place, for people and for other machines."""
        if self._store is not None:
            return self._store.uri_of(file)
        return str(self.here / file)

    def check_writable(self) -> None:
        """Write and delete a file, so that a long job does not find out at its end.

        Raises:
            LocationError: it cannot be written.
        """
        with self._named_errors("cannot write there"):
            if self._store is not None:
                self._store.write_atomic(PROBE, b"")
                self._store.delete(PROBE)
            else:
                self.here.mkdir(parents=True, exist_ok=True)
                (self.here / PROBE).touch()
                (self.here / PROBE).unlink()

    def is_empty(self) -> bool:
        """Tell whether nothing lies there yet; a folder that is missing is made.

        Raises:
            LocationError: it cannot be listed or made.
        """
        with self._named_errors("cannot write there"):
            if self._store is not None:
                return next(iter(self._store.list()), None) is None
            self.here.mkdir(parents=True, exist_ok=True)
            return not any(self.here.iterdir())

    def exists(self, file: str) -> bool:
        """Tell whether a file lies at its place.

        Raises:
            LocationError: the store does not say.
        """
        with self._named_errors("cannot be read"):
            if self._store is not None:
                return self._store.exists(file)
            return (self.here / file).exists()

    def fetch(self, *files: str) -> None:
        """Bring files here from the store; one that is not there is left.

        Raises:
            LocationError: the store does not give it, or it cannot be written here.
        """
        if self._store is None:
            return
        for file in files:
            path = self.here / file
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._named_errors("cannot be read"):
                try:
                    self._store.get_file(file, path)
                except FileNotFoundError:
                    continue
            self._sent[file] = _version(path)

    def read_end(self, file: str, size: int) -> bytes:
        """Read the last bytes of a file at its place, whoever writes it.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        place = self.place.join(file) if self.is_remote else parse_location(str(self.here / file))
        with open_parts(place, self._s3) as opened:
            opened.seek(max(0, opened.seek(0, 2) - size))
            return opened.read()

    def publish(self, *, last: Sequence[str] = (), only: str = "", drop: bool = False) -> None:
        """Bring to the store what changed here since it was last brought or fetched.

        Args:
            last: files that come after all others, in this order, because they refer to them.
            only: this file alone.
            drop: delete here what was brought.

        Raises:
            LocationError: the store does not take it; what lay there before is still there.
        """
        if self._store is None:
            return
        files = [only] if only else list(self._files())
        files.sort(key=lambda file: (file in last and last.index(file) + 1, file))
        for file in files:
            path = self.here / file
            if not path.exists() or self._sent.get(file) == (version := _version(path)):
                continue
            with self._named_errors("cannot be written"):
                self._store.put_file(file, path)
            self._sent[file] = version
            if drop:
                path.unlink()

    def _files(self) -> Iterator[str]:
        for path in self.here.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.here).as_posix()

    @contextlib.contextmanager
    def _named_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocationError(f"{self.place.text}: {what}: {error.strerror or error}") from error

    def _make_scratch(self) -> Path:
        """Make a temporary folder, and remove those whose processes were killed."""
        _remove_abandoned()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        new = folder / f"{LOCK}.new"
        self._lock = new.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(folder / LOCK)  # nobody sees it unlocked
        return folder


def as_workspace(folder: Path | Workspace) -> Workspace:
    """Take a folder of this machine as a workspace."""
    return folder if isinstance(folder, Workspace) else Workspace(str(folder))


def _version(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _remove_abandoned() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError):  # its process is alive, or it is gone meanwhile
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            held = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(held)
