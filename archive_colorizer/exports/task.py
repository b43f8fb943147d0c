"""Task: what a form is given to do its work with."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from archive_colorizer.exports.options import BASE_URL, ExportOptions
from archive_colorizer.exports.pictures import ORDER, Picture, read_pictures
from archive_colorizer.exports.shelf import Shelf, Sink, Write
from archive_colorizer.storage import S3Settings, Store, open_uri

CHUNK_BYTES: Final = 1 << 20
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Task:
    """One export."""

    store: Store
    """Of OUTPUT."""
    s3: S3Settings
    """The way to masters that are objects."""
    job: Mapping[str, Any]
    """What job.json holds."""
    options: ExportOptions
    shelf: Shelf
    """DEST."""

    def pictures(self, columns: Iterable[str], order: Sequence[str] = ORDER) -> Iterator[Picture]:
        """Read the chosen rows, of whatever status, in order."""
        return read_pictures(self.store, self.options, columns, order)

    def finished(self, columns: Iterable[str], order: Sequence[str] = ORDER) -> Iterator[Picture]:
        """Read the chosen rows that have a derivative; the report counts the others."""
        left = 0
        for picture in self.pictures(columns, order):
            if picture.key:
                yield picture
            else:
                left += 1
        if left:
            self.shelf.tally.notes.append(f"{left:,} pictures without a derivative are left out")

    def url(self, key: str) -> str:
        """Give the URL of a file in DEST."""
        return f"{(self.options.base_url or BASE_URL).rstrip('/')}/{key}"

    def copy_derivative(self, picture: Picture) -> Write:
        """Make a writer of a derivative's bytes; other bytes than its row says are an error."""
        return self._copy(self.store.uri_of(picture.key), picture.row["derivative_sha256"])

    def copy_master(self, picture: Picture) -> Write:
        """Make a writer of a master's bytes; other bytes than its row says are an error."""
        return self._copy(picture.row["source_uri"], picture.row["source_sha256"])

    def _copy(self, uri: str, sha256: str | None) -> Write:
        def write(sink: Sink) -> None:
            digest = hashlib.sha256()
            with open_uri(uri, self.s3) as file:
                while data := file.read(CHUNK_BYTES):
                    digest.update(data)
                    sink.write(data)
            if sha256 and digest.hexdigest() != sha256:
                raise ValueError(f"{uri} has other bytes than its row says")

        return write


def stamp_of(*parts: object) -> str:
    """Make the stamp of a file: the SHA-256 of what it is made of."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def cut(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    """Cut what comes into pieces of so many."""
    rest = iter(items)
    while piece := list(islice(rest, count)):
        yield piece
