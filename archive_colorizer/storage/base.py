"""Store: the small interface of a place for files."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a listing."""

    key: str
    """Relative to the store's root, with "/" between parts; odd bytes as surrogate escapes."""
    uri: str
    size_bytes: int
    mtime_ns: int | None = None
    etag: str | None = None
    problem: str = ""
    """Why the store cannot tell what this is; its size is 0 then."""


Unlisted = Callable[[str, OSError], None]
"""Told of a folder that cannot be listed: its key, and why."""


class Store(Protocol):
    """A place for files. Keys are relative to its root, with "/" between parts."""

    latency_s: float
    """Time of one small request: who waits for others waits longer on slower stores."""
    fills_up: bool
    """Whether the store is a disk, which may have no room."""

    @property
    def uri(self) -> str:
        """Give the URI of the root, ending in a slash."""

    def uri_of(self, key: str) -> str:
        """Give the URI of a key, whether or not there is a file."""

    def key_of(self, uri: str) -> str:
        """Give the key of one of the store's URIs."""

    def list(self, prefix: str = "", unlisted: Unlisted | None = None) -> Iterator[Entry]:
        """Yield every file below a prefix (a folder), in a stable order.

        A file that is gone meanwhile, or that cannot be looked at, is there with size 0.

        Args:
            prefix: the folder; empty for the root.
            unlisted: is told of folders in it that cannot be read, and the listing goes on.

        Raises:
            OSError: the folder cannot be read, or one in it and nobody is to be told.
        """

    def open(self, key: str) -> BinaryIO:
        """Open a file for reading, as a seekable handle.

        Raises:
            OSError: FileNotFoundError, PermissionError and so on.
        """

    def read(self, key: str) -> bytes:
        """Read all bytes of a file."""

    def read_head(self, key: str, size: int) -> bytes:
        """Read the first `size` bytes of a file, fewer where it is shorter; no others are fetched.

        Raises:
            OSError: as `open`.
        """

    def exists(self, key: str) -> bool:
        """Tell whether there is a file."""

    def find(self, key: str) -> Entry | None:
        """Look a file up, as `list` gives it; None where there is none.

        Raises:
            OSError: the store does not say.
        """

    def write_atomic(self, key: str, data: bytes) -> None:
        """Write a whole file so that nobody ever sees a part of it; replaces an earlier one."""

    def create(self, key: str, data: bytes) -> bool:
        """Write a whole file if there is none; give False if there is one."""

    def staged(self, key: str, token: str, *, replace: bool) -> AbstractContextManager[BinaryIO]:
        """Give a file to write into; published under its key when the block ends without error.

        Until then it lies under the store's folder of temporaries for `token`. With an error, or
        when a file that must not be replaced is in the way, nothing is published.

        Raises:
            FileExistsError: the key is taken and `replace` is False.
        """

    def flush_folder(self, prefix: str) -> None:
        """Make sure that the names of a folder's files outlast a power cut, as their bytes do.

        Raises:
            OSError: there is no such folder, or the disk does not say.
        """

    def put_file(self, key: str, path: Path) -> None:
        """Copy a file of this machine here, so that nobody ever sees a part of it."""

    def get_file(self, key: str, path: Path) -> None:
        """Copy a file from here to this machine, whole or not at all; its folder is there.

        Raises:
            OSError: as `open`, or it cannot be written.
        """

    def delete(self, key: str) -> None:
        """Delete a file; it is no error that there is none."""

    def delete_tree(self, prefix: str) -> None:
        """Delete everything below a prefix; it is no error that nothing is there."""
