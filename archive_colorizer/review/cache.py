"""Pictures that were made once: some in memory, more on this machine's disk, both of bounded size.

The folder is this user's alone, and several desks may share it: each file is named by a hash of
what it was made of, appears whole, and may go at any time.
"""

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from archive_colorizer.storage.atomic import write_atomic

LOG: Final = logging.getLogger("archive_colorizer")
TIDY_SHARE: Final = 0.05
"""Of the bytes that are allowed: when so many were written, the folder is tidied."""
KEPT_SHARE: Final = 0.9
"""Of the bytes that are allowed: so many are left by tidying."""


def name_of(*parts: object) -> str:
    """Make a file's name of what it was made of."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


class MemoryCache:
    """Bytes by name, the least lately used go first. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max, self._size = max_bytes, 0
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """Give what is kept under a name; None for nothing."""
        with self._lock:
            data = self._known.get(name)
            if data is not None:
                self._known.move_to_end(name)
            return data

    def put(self, name: str, data: bytes) -> None:
        """Keep something, unless it alone would fill a good part of the room."""
        if len(data) > self._max // 8:
            return
        with self._lock:
            self._size += len(data) - len(self._known.pop(name, b""))
            self._known[name] = data
            while self._size > self._max:
                self._size -= len(self._known.popitem(last=False)[1])


class DiskCache:
    """Files by name in a folder of bounded size. Thread-safe; a full disk only makes it slower.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self._max = folder, max_bytes
        self._lock = threading.Lock()
        self._written = max_bytes  # whatever is there is tidied at the first chance
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, name: str) -> Path:
        """Give the path of a name."""
        return self.folder / name[:2] / name

    def find(self, name: str) -> Path | None:
        """Give the path of a file that is there, and note its use; None where there is none."""
        path = self.path(name)
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def put(self, name: str, data: bytes) -> bool:
        """Keep a file; tell whether that was possible."""
        path = self.path(name)
        try:
            path.parent.mkdir(exist_ok=True, mode=0o700)
            write_atomic(path, data)
        except OSError as error:
            LOG.warning("%s: pictures cannot be kept: %s", self.folder, error.strerror or error)
            return False
        self._tidy(len(data))
        return True

    def _tidy(self, written: int) -> None:
        """Delete the files that were used least lately, where there are too many bytes."""
        with self._lock:
            self._written += written
            if self._written < self._max * TIDY_SHARE:
                return
            self._written = 0
        found = []
        for path in self.folder.glob("*/*"):
            try:
                stat = path.stat()
            except OSError:  # another desk was quicker
                continue
            found.append((stat.st_mtime_ns, stat.st_size, path))
        size = sum(one[1] for one in found)
        if size <= self._max:
            return
        for _, bytes_of, path in sorted(found):
            if size <= self._max * KEPT_SHARE:
                return
            path.unlink(missing_ok=True)
            size -= bytes_of
