"""Places for files behind one small interface: list, read, write atomically, exists.

Use `open_store` for a location that the user gave, `open_uri` for one file by its URI, and
`parse_location` for what a location is. The way to an object store is a value,
`S3Settings`, that each caller hands over. `atomic` writes files of this machine whole.
"""

import os
from typing import BinaryIO

from archive_colorizer.errors import LocationError
from archive_colorizer.extras import require
from archive_colorizer.storage.base import Entry, Store
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.storage.location import TEMPORARIES, Location, parse_location
from archive_colorizer.storage.settings import DEFAULT_S3, S3Settings

__all__ = [
    "DEFAULT_S3", "TEMPORARIES", "Entry", "Location", "S3Settings", "Store", "absolute",
    "find_entry", "open_file", "open_parts", "open_store", "open_uri", "parse_location",
]  # fmt: skip


def open_store(location: str | Location, s3: S3Settings = DEFAULT_S3) -> Store:
    """Open the store at a location: a folder, a file:// URI or an s3:// prefix.

    Raises:
        LocationError: a scheme that is not supported.
        ConfigError: an object store, without the library for it.
    """
    place = parse_location(location) if isinstance(location, str) else location
    if place.is_s3:
        require("s3", place.text)
        from archive_colorizer.storage.s3 import S3Store  # boto3 is slow to load

        return S3Store(place, s3)
    return LocalStore(place.path)


def open_file(place: Location, s3: S3Settings) -> BinaryIO:
    """Open one file for reading, as a seekable handle.

    Raises:
        OSError: FileNotFoundError, PermissionError and so on.
    """
    if place.is_s3:
        require("s3", place.text)
        from archive_colorizer.storage.s3 import open_object  # boto3 is slow to load

        return open_object(place, s3)
    return place.path.open("rb")


def open_parts(place: Location, s3: S3Settings) -> BinaryIO:
    """Open one file to be read in parts: of an object the bytes that are read are fetched.

    Raises:
        OSError: as `open_file`.
    """
    if place.is_s3:
        from archive_colorizer.storage.s3_ranges import open_ranges  # boto3 is slow to load

        return open_ranges(place, s3)
    return place.path.open("rb")


def open_uri(uri: str, s3: S3Settings) -> BinaryIO:
    """Open one file by its URI for reading, as a seekable handle.

    Raises:
        OSError: FileNotFoundError, PermissionError and so on; also where it is no URI of a file.
    """
    try:
        if "://" not in uri:
            raise LocationError(f"{uri}: is no URI")
        return open_file(parse_location(uri), s3)
    except LocationError as error:
        raise FileNotFoundError(str(error)) from error


def find_entry(place: Location, s3: S3Settings) -> Entry | None:
    """Look one object up in its store; None where there is none.

    Raises:
        OSError: the store does not say.
    """
    require("s3", place.text)
    from archive_colorizer.storage.s3 import find_entry as find_object  # boto3 is slow to load

    return find_object(place, s3)


def absolute(location: str) -> str:
    """Make a location such that every worker understands it; links are not resolved."""
    return location if "://" in location else os.path.abspath(location)  # noqa: PTH100
