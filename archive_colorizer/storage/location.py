"""Locations: places of files as the user writes them, parsed once.

A location is a path, a file:// URI (RFC 8089), or s3://BUCKET/KEY.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Final, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

from archive_colorizer.errors import LocationError

TEMPORARIES: Final = ".tmp"
"""Folder of a store where files lie until they are whole."""
FILE_SCHEME: Final = "file://"
S3_SCHEME: Final = "s3://"


@dataclass(frozen=True, slots=True)
class Location:
    """A file or folder of this machine, or one of an object store."""

    text: str
    """As it was written: error messages name it so."""
    bucket: str
    """Empty for this machine."""
    key: str
    """Key or prefix in the bucket, as it is; else the path, odd bytes as surrogate escapes."""

    @property
    def is_s3(self) -> bool:
        """Whether it is in an object store."""
        return bool(self.bucket)

    @property
    def path(self) -> Path:
        """The path on this machine.

        Raises:
            LocationError: it is in an object store.
        """
        if self.is_s3:
            raise LocationError(f"{self.text}: is no place on this machine")
        return Path(self.key)

    @property
    def raw(self) -> bytes:
        """The path or key in its own bytes."""
        return self.key.encode() if self.is_s3 else os.fsencode(self.key)

    @property
    def name(self) -> str:
        """The last part of the path or key."""
        return PurePosixPath(self.key).name

    @property
    def suffix(self) -> str:
        """The ending with its dot, in lower case."""
        return PurePosixPath(self.key).suffix.lower()

    @property
    def uri(self) -> str:
        """The URI; a path is made absolute, its links are not resolved."""
        if self.is_s3:
            return f"{S3_SCHEME}{self.bucket}/{self.key}"
        return uri_of_path(os.path.abspath(self.key))  # noqa: PTH100 (links stay)

    @property
    def parent(self) -> Self:
        """The folder or prefix that holds it; a path is made absolute."""
        if self.is_s3:
            folder = self.key.rpartition("/")[0]
        else:
            folder = os.path.dirname(os.path.abspath(self.key))  # noqa: PTH100, PTH120 (links stay)
        return type(self)(self.text, self.bucket, folder)

    def join(self, relative: str) -> Self:
        """Name a file below this folder; an absolute path is taken as it is.

        An object store's key is taken as it is, too: ".." means nothing there.
        """
        if self.is_s3:
            key = "/".join(part for part in (self.key, relative.lstrip("/")) if part)
        else:
            key = os.path.normpath(Path(self.key) / relative)
        return type(self)(relative, self.bucket, key)

    def name_below(self, folder: "Location") -> str | None:
        """Give the part of its path or key below a folder; links are not resolved.

        Returns:
            The name with "/" between its parts; None where it is not below.
        """
        if self.bucket != folder.bucket:
            return None
        if self.is_s3:
            prefix = f"{folder.key}/" if folder.key else ""
            return self.key.removeprefix(prefix) if self.key.startswith(prefix) else None
        path = Path(self.key)
        return str(path.relative_to(folder.key)) if path.is_relative_to(folder.key) else None

    def holds(self, other: "Location") -> bool:
        """Tell whether another location is this one or lies below it, after links are resolved."""
        outer, inner = self._resolve(), other._resolve()
        return self.bucket == other.bucket and inner.is_relative_to(outer)

    def is_same(self, other: "Location") -> bool:
        """Tell whether two locations are one place, after links are resolved."""
        return self.bucket == other.bucket and self._resolve() == other._resolve()

    def _resolve(self) -> PurePath:
        if self.is_s3:
            return PurePosixPath(*(part for part in self.key.split("/") if part))
        return Path(os.path.realpath(self.key))


def parse_location(text: str) -> Location:
    """Read a path, a file:// URI or an s3:// URI.

    Raises:
        LocationError: another scheme, or s3:// without a bucket.
    """
    if text.startswith(S3_SCHEME):
        bucket, _, key = text.removeprefix(S3_SCHEME).partition("/")
        if not bucket:
            raise LocationError(f"{text}: must be s3://BUCKET or s3://BUCKET/PREFIX")
        return Location(text, bucket, key)
    if text.startswith(FILE_SCHEME):
        return Location(text, "", str(path_of_uri(text)))
    scheme, mark, _ = text.partition("://")
    if mark:
        raise LocationError(f"{text}: {scheme}:// is not supported (file:// and s3:// are)")
    return Location(text, "", text)


def uri_of_path(path: str | Path) -> str:
    """Make the file:// URI of an absolute path; bytes outside ASCII are percent-encoded."""
    return FILE_SCHEME + quote_from_bytes(os.fsencode(path))


def path_of_uri(uri: str) -> Path:
    """Invert `uri_of_path`; names need not be UTF-8."""
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(FILE_SCHEME))))
