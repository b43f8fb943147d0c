"""Files on this machine (or on a file system that every node mounts)."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archive_colorizer.storage.base import Entry
from archive_colorizer.storage.location import TEMPORARIES, path_of_uri, uri_of_path


class LocalStore:
    """A folder as a store."""

    latency_s = 0.0
    fills_up = True

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 (links are not resolved here)

    @property
    def uri(self) -> str:
        return uri_of_path(self.root) + "/"

    def path_of(self, key: str) -> Path:
        """Give the path of a key."""
        return self.root / key

    def uri_of(self, key: str) -> str:
        return uri_of_path(self.path_of(key))

    def key_of(self, uri: str) -> str:
        return os.fsdecode(os.fsencode(path_of_uri(uri))[len(os.fsencode(self.root)) + 1 :])

    def list(self, prefix: str = "") -> Iterator[Entry]:
        folder = self.path_of(prefix) if prefix else self.root
        if folder.is_dir():
            yield from self._walk(folder, prefix.rstrip("/"), frozenset())

    def _walk(self, folder: Path, prefix: str, above: frozenset[str]) -> Iterator[Entry]:
        real = os.path.realpath(folder)
        if real in above:  # a link to a folder that holds it
            return
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        for entry in entries:
            key = f"{prefix}/{entry.name}" if prefix else entry.name
            if _is_dangling(entry):  # listed, so that it gets its row
                yield Entry(key, uri_of_path(entry.path), 0, 0)
            elif entry.is_dir():
                yield from self._walk(Path(entry.path), key, above | {real})
            elif entry.is_file():
                stat = entry.stat()
                yield Entry(key, uri_of_path(entry.path), stat.st_size, stat.st_mtime_ns)

    def open(self, key: str) -> BinaryIO:
        return self.path_of(key).open("rb")

    def read(self, key: str) -> bytes:
        return self.path_of(key).read_bytes()

    def read_head(self, key: str, size: int) -> bytes:
        with self.open(key) as file:
            return file.read(size)

    def exists(self, key: str) -> bool:
        return os.path.lexists(self.path_of(key))

    def find(self, key: str) -> Entry | None:
        try:
            stat = self.path_of(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Entry(key, self.uri_of(key), stat.st_size, stat.st_mtime_ns)

    def write_atomic(self, key: str, data: bytes) -> None:
        with self.staged(key, "run", replace=True) as file:
            file.write(data)

    def create(self, key: str, data: bytes) -> bool:
        try:
            with self.staged(key, "run", replace=False) as file:
                file.write(data)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def staged(self, key: str, token: str, *, replace: bool) -> Iterator[BinaryIO]:
        folder = self.root / TEMPORARIES / token
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / uuid.uuid4().hex
        try:
            with temporary.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            final = self.path_of(key)
            final.parent.mkdir(parents=True, exist_ok=True)
            if replace:
                temporary.replace(final)
            else:
                _publish_new(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)

    def delete_tree(self, prefix: str) -> None:
        shutil.rmtree(self.path_of(prefix), ignore_errors=True)


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a link to nothing, or to itself."""
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110 (a loop is no error)


def _publish_new(temporary: Path, final: Path) -> None:
    """Give the file its name only if nothing has that name: a hard link is refused otherwise."""
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        if os.path.lexists(final):  # a file system without hard links: as near as it gets
            raise FileExistsError(errno.EEXIST, "exists", str(final)) from error
        temporary.replace(final)
