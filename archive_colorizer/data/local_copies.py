"""A run's gathered pictures on this machine, where the run lies in an object store.

`$XDG_CACHE_HOME/archive-colorizer/training/` (by default `~/.cache/...`) keeps one copy of each
library, as large as the file in RUN/data/: it is mapped into memory, so it has to lie on a disk.
It may be deleted whenever no run needs it; a newer version of a library takes the older one's
place.
"""

import errno
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from archive_colorizer.errors import LocationError
from archive_colorizer.registry.connection import cache_folder
from archive_colorizer.storage import (
    Entry,
    Location,
    S3Settings,
    find_entry,
    open_store,
    parse_location,
)

LOG: Final = logging.getLogger("archive_colorizer")


def bring_here(path: str, s3: S3Settings) -> Path:
    """Give a library's path on this machine; of processes that want it at once, one fetches it.

    Args:
        path: of a file of this machine, which is given as it is, or an s3:// URI.
        s3: the way to object stores.

    Raises:
        LocationError: it is not there, or cannot be brought here.
    """
    place = parse_location(path)
    if not place.is_s3:
        return place.path
    return _put(place, s3, partial(_fetch, place, s3))


def keep_here(path: str, made: Path, s3: S3Settings) -> None:
    """Move a library that this machine made and published to where `bring_here` looks for it.

    Raises:
        LocationError: it cannot be moved.
    """
    place = parse_location(path)
    if place.is_s3:
        _put(place, s3, lambda _, target: shutil.move(made, target))


def training_folder() -> Path:
    """Give the folder of the copies."""
    return cache_folder().with_name("training")


def _fetch(place: Location, s3: S3Settings, entry: Entry, target: Path) -> None:
    free = shutil.disk_usage(target.parent).free
    size = f"{entry.size_bytes >> 20:,} MiB"
    if free < entry.size_bytes:
        raise OSError(errno.ENOSPC, f"it has {size}, {free >> 20:,} MiB are free")
    LOG.info("bringing %s (%s) to %s", place.uri, size, training_folder())
    open_store(place.parent, s3).get_file(place.name, target)


def _put(place: Location, s3: S3Settings, make: Callable[[Entry, Path], object]) -> Path:
    """Give the copy of an object's present version; `make` makes it where it is not there."""
    try:
        entry = find_entry(place, s3)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such object", place.text)
        name = hashlib.sha256(place.uri.encode()).hexdigest()[:32]
        folder = training_folder() / name
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / _version_name(place, entry)
        with _locked(folder / ".lock"):
            if not target.exists():
                for older in folder.glob(f"*{place.suffix}"):
                    older.unlink()  # whoever has it mapped keeps it
                part = folder / f".{target.name}.part"
                make(entry, part)
                part.replace(target)
    except OSError as error:
        raise LocationError(
            f"{place.text}: cannot be brought to {training_folder()}: {error.strerror or error}"
        ) from error
    return target


def _version_name(place: Location, entry: Entry) -> str:
    said = f"{entry.etag}:{entry.size_bytes}".encode()
    return f"{hashlib.sha256(said).hexdigest()[:32]}{place.suffix}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
