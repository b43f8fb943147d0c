"""Places for files behind one small interface: list, read, write atomically, exists.

Use `open_store` for a location that the user gave and `open_uri` for one file by its URI.
"""

import os
from typing import BinaryIO

from archive_colorizer.storage.base import Entry, Store
from archive_colorizer.storage.local import LocalStore, path_of, path_of_uri
from archive_colorizer.storage.settings import S3Settings, configure, is_s3

__all__ = [
    "Entry", "S3Settings", "Store", "absolute", "configure", "is_s3", "open_store", "open_uri",
]  # fmt: skip


def open_store(location: str) -> Store:
    """The store at a location: a folder, a file:// URI or an s3:// prefix.

    Raises:
        LocationError: a scheme that is not supported.
    """
    if is_s3(location):
        from archive_colorizer.storage.s3 import S3Store  # boto3 is slow to load

        return S3Store(location)
    return LocalStore(path_of(location))


def open_uri(uri: str) -> BinaryIO:
    """A seekable handle on one file, for reading.

    Raises:
        OSError: FileNotFoundError, PermissionError and so on.
    """
    if is_s3(uri):
        from archive_colorizer.storage.s3 import open_object

        return open_object(uri)
    if not uri.startswith("file://"):
        raise FileNotFoundError(f"{uri}: only file:// and s3:// are supported")
    return path_of_uri(uri).open("rb")


def absolute(location: str) -> str:
    """The location as every worker understands it, wherever it runs; links are not resolved."""
    return location if "://" in location else os.path.abspath(location)  # noqa: PTH100
