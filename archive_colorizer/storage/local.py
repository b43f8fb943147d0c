"""Files on this machine (or on a file system that every node mounts)."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archive_colorizer.storage.atomic import atomic_path
from archive_colorizer.storage.base import Entry, Unlisted
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

    def list(self, prefix: str = "", unlisted: Unlisted | None = None) -> Iterator[Entry]:
        folder = self.path_of(prefix) if prefix else self.root
        if not folder.is_dir():
            return
        # A stack: folders may be nested deeper than functions. The root's error is the caller's.
        stack = [_scan(str(folder), prefix.rstrip("/"), frozenset(), None)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif isinstance(found, Entry):
                yield found
            else:
                stack.append(_scan(*found, unlisted))

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

    def flush_folder(self, prefix: str) -> None:
        folder = self.path_of(prefix)
        above = folder.relative_to(self.root).parents  # the folders themselves may be new
        for one in (folder, *(self.root / name for name in above)):
            handle = os.open(one, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def put_file(self, key: str, path: Path) -> None:
        with path.open("rb") as source, self.staged(key, "run", replace=True) as sink:
            shutil.copyfileobj(source, sink)

    def get_file(self, key: str, path: Path) -> None:
        with atomic_path(path) as temporary:
            shutil.copyfile(self.path_of(key), temporary)

    def delete(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)

    def delete_tree(self, prefix: str) -> None:
        shutil.rmtree(self.path_of(prefix), ignore_errors=True)


_Folder = tuple[str, str, frozenset[str]]
"""Path, key, and the real paths of the folders above."""


def _scan(
    path: str, key: str, above: frozenset[str], unlisted: Unlisted | None
) -> Iterator[Entry | _Folder]:
    """Yield a folder's files and folders in order."""
    real = os.path.realpath(path)
    if real in above:  # a link to a folder that holds it
        return
    for entry in _read_folder(path, key, unlisted):
        name = f"{key}/{entry.name}" if key else entry.name
        found = _look_at(entry, name)
        if isinstance(found, Entry):
            yield found
        elif found:
            yield entry.path, name, above | {real}


def _read_folder(path: str, key: str, unlisted: Unlisted | None) -> list[os.DirEntry[str]]:
    entries: list[os.DirEntry[str]] = []
    try:
        with os.scandir(path) as scan:
            for entry in scan:  # one by one: what comes before an error is kept
                entries.append(entry)
    except OSError as error:
        if unlisted is None:
            raise
        unlisted(key, error)
    return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _look_at(entry: os.DirEntry[str], key: str) -> Entry | bool:
    """A file's entry; for anything else whether it is a folder."""
    try:
        if entry.is_dir():
            return True
        if entry.is_file():
            stat = entry.stat()
            return Entry(key, uri_of_path(entry.path), stat.st_size, stat.st_mtime_ns)
        if not _is_dangling(entry):
            return False
        problem = ""
    except OSError as error:  # gone meanwhile, a loop of links, a link to where nobody may look
        known = error.errno in {errno.ENOENT, errno.ELOOP}
        problem = "" if known else error.strerror or str(error)
    return Entry(key, uri_of_path(entry.path), 0, 0, problem=problem)  # listed: it gets its row


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a link to nothing."""
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
