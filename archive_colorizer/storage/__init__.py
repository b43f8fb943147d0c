"""Places for files behind one small interface: list, read, write atomically, exists.

Use `open_store` for a location that the user gave and `open_uri` for one file by its URI.
"""

from pathlib import Path
from typing import BinaryIO

from archive_colorizer.errors import LocationError
from archive_colorizer.storage.base import Entry, Store
from archive_colorizer.storage.local import LocalStore, path_of_uri

__all__ = ["Entry", "Store", "open_store", "open_uri"]


def open_store(location: str) -> Store:
    """The store at a location: a folder or a file:// URI.

    Raises:
        LocationError: a scheme that is not supported.
    """
    if location.startswith("file://"):
        return LocalStore(path_of_uri(location))
    if "://" in location:
        raise LocationError(f"{location}: only local folders are supported yet")
    return LocalStore(Path(location))


def open_uri(uri: str) -> BinaryIO:
    """A seekable handle on one file, for reading.

    Raises:
        OSError: FileNotFoundError, PermissionError and so on.
    """
    if not uri.startswith("file://"):
        raise FileNotFoundError(f"{uri}: only file:// is supported yet")
    return path_of_uri(uri).open("rb")
