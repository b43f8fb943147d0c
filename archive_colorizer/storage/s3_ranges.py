"""Objects that are read in parts, as Parquet files are: only what is asked for is fetched."""

import errno
import io
from functools import partial
from typing import Any, BinaryIO, Final, cast

from archive_colorizer.storage.location import Location
from archive_colorizer.storage.s3 import client, retry
from archive_colorizer.storage.settings import S3Settings

LEAST_BYTES: Final = 256 << 10
"""Fewer bytes are not asked for at once."""


def open_ranges(place: Location, settings: S3Settings) -> BinaryIO:
    """Open one version of an object as a seekable handle.

    Raises:
        OSError: as `Store.open`; while reading also where the object was replaced meanwhile.
    """
    return cast(BinaryIO, io.BufferedReader(_Ranges(place, settings), LEAST_BYTES))


class _Ranges(io.RawIOBase):
    def __init__(self, place: Location, settings: S3Settings) -> None:
        super().__init__()
        self._s3, self._uri = client(settings), place.uri
        self._named = {"Bucket": place.bucket, "Key": place.key}
        head = retry(partial(self._s3.head_object, **self._named), self._uri)
        self._size, self._named["IfMatch"] = head["ContentLength"], head["ETag"]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (any writable buffer)
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0
        part = f"bytes={self._at}-{end - 1}"
        get = partial(self._s3.get_object, **self._named, Range=part)
        try:
            data = retry(lambda: get()["Body"].read(), self._uri)
        except FileExistsError as error:
            raise OSError(errno.EIO, "it was replaced while it was read", self._uri) from error
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
