"""DATA where it lies: a folder of this machine, a prefix of an object store, or an inventory.

Whatever lists or reads training pictures asks a Place. On this machine that is a `pathlib.Path`;
elsewhere it has the part of one that is needed here, over one listing. Nothing is downloaded to be
listed, and a picture is fetched when it is read.
"""

import errno
import hashlib
import io
import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.formats import ENDINGS
from archive_colorizer.pipeline.inputs.inventory import INVENTORIES, read_inventory
from archive_colorizer.settings.kinds import SENSITIVE
from archive_colorizer.storage import (
    DEFAULT_S3,
    Entry,
    Location,
    S3Settings,
    find_entry,
    open_file,
    open_parts,
    open_store,
    parse_location,
)

SHARD: Final = ".parquet"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that an object store or an inventory lists, by their names below DATA."""

    text: str
    """DATA as it was written: messages name it so."""
    s3: S3Settings
    entries: Mapping[str, Entry]
    """In the order of names."""
    folders: frozenset[str]
    named: bool
    """Whether an inventory names them: then each is a picture, whatever its ending."""
    digests: Mapping[str, str]
    """Checksums that an inventory states, "sha256:HEX" and so on, by name."""


@dataclass(frozen=True, slots=True)
class ListedPath:
    """A file or folder of a Listing, with the methods of `pathlib.Path` that are used here."""

    listing: Listing = field(repr=False)
    key: str = ""
    """Its name below DATA; empty for DATA itself."""

    def __truediv__(self, name: str) -> "ListedPath":
        return ListedPath(self.listing, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        if self.is_file():
            return self.entry.uri
        return f"{self.listing.text.rstrip('/')}/{self.key}" if self.key else self.listing.text

    @property
    def name(self) -> str:
        """The last part of its name."""
        return PurePosixPath(self.key or self.listing.text).name

    @property
    def suffix(self) -> str:
        """The ending with its dot."""
        return PurePosixPath(self.key).suffix

    @property
    def entry(self) -> Entry:
        """What is known of a file.

        Raises:
            FileNotFoundError: there is none of that name.
        """
        try:
            return self.listing.entries[self.key]
        except KeyError as error:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(self)) from error

    def exists(self) -> bool:
        """Tell whether there is a file or folder."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Tell whether there is a file."""
        return self.key in self.listing.entries

    def is_dir(self) -> bool:
        """Tell whether anything lies below it."""
        return not self.key or self.key in self.listing.folders

    def glob(self, pattern: str) -> Iterator["ListedPath"]:
        """Yield the files in the folder, not deeper, whose names fit."""
        depth = len(_parts(self.key)) + 1
        return (path for path in self.rglob(pattern) if len(_parts(path.key)) == depth)

    def rglob(self, pattern: str) -> Iterator["ListedPath"]:
        """Yield the files below the folder whose names fit, in the order of names."""
        above = f"{self.key}/" if self.key else ""
        for key in self.listing.entries:
            if key.startswith(above) and fnmatchcase(PurePosixPath(key).name, pattern):
                yield ListedPath(self.listing, key)

    def read_bytes(self) -> bytes:
        """Read a whole file.

        Raises:
            OSError: it cannot be read, its row of the inventory has a problem, or it has not the
                checksum that the row states.
        """
        with self._open(open_file) as file:
            data = file.read()
        if self.key in self.listing.digests:
            _check_digest(data, self.listing.digests[self.key])
        return data

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open a file to be read in parts.

        Raises:
            OSError: as `read_bytes`.
        """
        return self._open(open_parts)

    def fetch(self) -> BinaryIO:
        """Open a file whole, in memory or as a temporary file that is gone when it is closed.

        Raises:
            OSError: as `read_bytes`.
        """
        return self._open(open_file)

    def _open(self, how: Any) -> BinaryIO:  # noqa: ANN401 (open_file or open_parts)
        entry = self.entry
        if entry.problem:
            raise OSError(entry.problem)
        handle: BinaryIO = how(parse_location(entry.uri), self.listing.s3)
        return handle


Place = Path | ListedPath
"""Where training pictures are."""


def open_place(
    data: str, s3: S3Settings = DEFAULT_S3, sensitive: tuple[str, ...] = SENSITIVE
) -> Place:
    """Find DATA; of an object store and of an inventory everything is listed at once.

    Args:
        data: a folder, a file, an s3:// prefix or object, or an inventory as `colorize` takes it.
            A Parquet file is one if it has a column `uri` and none `image`.
        s3: the way to object stores.
        sensitive: values of an inventory's `sensitivity` whose pictures are never opened.

    Raises:
        LocationError: it does not exist or cannot be listed.
        ConfigError: an inventory that cannot be understood.
    """
    place = parse_location(data)
    if not place.is_s3 and not place.path.exists():
        raise LocationError(f"{data}: does not exist")
    try:
        if place.suffix in INVENTORIES and _is_inventory(place, s3):
            return _open_inventory(place, s3, sensitive)
        return _list_objects(place, s3) if place.is_s3 else place.path
    except FileNotFoundError as error:
        raise LocationError(f"{data}: {error.strerror or 'does not exist'}") from error
    except OSError as error:
        raise LocationError(f"{data}: cannot be read: {error.strerror or error}") from error


def find_shards(place: Place) -> list[Place]:
    """Find the Parquet shards that DATA is, in the order of names; none where it is no such."""
    if place.suffix == SHARD:
        return [place]
    if isinstance(place, ListedPath):
        return list(place.glob(f"*{SHARD}"))
    return [*sorted(place.glob(f"*{SHARD}"))]


def find_pictures(folder: Place, endings: Container[str]) -> list[Place]:
    """Find the pictures below a folder, in the order of names.

    Args:
        folder: where.
        endings: of pictures, lower-case, with the dot. What an inventory names is one anyway.
    """
    if isinstance(folder, ListedPath):
        named = folder.listing.named
        return [path for path in folder.rglob("*") if named or path.suffix.lower() in endings]
    return [*sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)]


def name_below(path: Place, folder: Place) -> PurePath:
    """Give the part of a path's name below a folder that holds it."""
    if isinstance(path, ListedPath) and isinstance(folder, ListedPath):
        return PurePosixPath(path.key).relative_to(folder.key)
    return Path(str(path)).relative_to(str(folder))


def map_array(place: Place) -> NDArray[Any]:
    """Open a NumPy array; a large one stays on disk, one of an object store in a temporary file.

    Raises:
        OSError, ValueError: it cannot be read, or is no array.
    """
    if isinstance(place, Path):
        return np.asarray(np.load(place, mmap_mode="r", allow_pickle=False))
    with place.fetch() as file:
        if isinstance(file, io.BytesIO):
            return np.asarray(np.load(file, allow_pickle=False))
        # The mapping outlives the file's name, so that nothing is left whatever happens.
        return np.asarray(np.load(file.name, mmap_mode="r", allow_pickle=False))


def _is_inventory(place: Location, s3: S3Settings) -> bool:
    if not place.is_s3 and not place.path.is_file():
        return False
    if place.suffix != SHARD:
        return True
    try:
        with open_parts(place, s3) as file:
            names = [name.strip().lower() for name in pq.ParquetFile(file).schema_arrow.names]
    except pa.ArrowException:  # whoever reads it says so
        return False
    return "uri" in names and "image" not in names


def _list_objects(place: Location, s3: S3Settings) -> ListedPath:
    """List a prefix; a key that ends like a picture or a shard is one object, where it is there."""
    if place.suffix in ENDINGS or place.suffix == SHARD:
        entry = find_entry(place, s3)
        if entry is not None:
            return ListedPath(_make_listing(place, s3, {place.name: entry}), place.name)
    entries = {entry.key: entry for entry in open_store(place, s3).list()}
    if not entries:
        raise LocationError(f"{place.text}: does not exist: no object's key begins so")
    return ListedPath(_make_listing(place, s3, entries))


def _open_inventory(place: Location, s3: S3Settings, sensitive: tuple[str, ...]) -> ListedPath:
    """List the rows of an inventory; one that cannot be taken has its reason as its problem."""
    closed = {word.strip().casefold() for word in sensitive}
    entries: dict[str, Entry] = {}
    digests: dict[str, str] = {}
    for row in read_inventory(place, s3):
        name, said = os.fsdecode(row["relative_raw"]), row["sensitivity"].strip()
        if row["page"]:
            name += f"#page-{row['page']}"
        is_closed = said.casefold() in closed
        problem = f"its sensitivity is {said}: not opened" if is_closed else row["problem"]
        if name in entries and not is_closed:  # listed twice: sound rows come first
            continue
        entries[name] = Entry(
            name, row["source_uri"], row["size_bytes"], row["mtime_ns"], row["etag"], problem
        )
        if row["expected_digest"]:
            digests[name] = row["expected_digest"]
    if not entries:
        raise LocationError(f"{place.text}: the inventory names no pictures")
    return ListedPath(_make_listing(place, s3, entries, digests, named=True))


def _make_listing(
    place: Location,
    s3: S3Settings,
    entries: Mapping[str, Entry],
    digests: Mapping[str, str] = MappingProxyType({}),
    *,
    named: bool = False,
) -> Listing:
    ordered = {key: entries[key] for key in sorted(entries, key=_parts)}
    folders = {key[:at] for key in ordered for at, sign in enumerate(key) if sign == "/"}
    return Listing(place.text, s3, ordered, frozenset(folders), named, digests)


def _check_digest(data: bytes, expected: str) -> None:
    algorithm, _, wanted = expected.lower().partition(":")
    found = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
    if found != wanted:
        raise OSError(f"its {algorithm} is {found}, the inventory says {wanted}")


def _parts(key: str) -> list[str]:
    """Split a name as `pathlib` compares names: by folders."""
    return key.split("/") if key else []


def hash_listing(place: Place) -> str:
    """SHA-256, hex, of the names, sizes and times or ETags under DATA: equal while nothing changed.

    Raises:
        OSError: a folder cannot be listed.
    """
    total = hashlib.sha256()
    for line in _describe_all(place):
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _describe_all(place: Place) -> Iterator[str]:
    if isinstance(place, ListedPath):
        yield place.listing.text
        for key, entry in place.listing.entries.items():
            stamp = entry.etag or entry.mtime_ns
            said = f"{place.listing.digests.get(key, '')}\0{entry.problem}"
            yield f"{key}\0{entry.uri}\0{entry.size_bytes}\0{stamp}\0{said}\n"
        return
    yield str(place.resolve())
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    for path in files:
        stat = path.stat()
        yield f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
