"""Derivatives in OUTPUT: whose each is, whether it is still as its row says, which may go."""

import hashlib
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import is_own_file
from archive_colorizer.storage import Entry, Store

HEAD_BYTES: Final = 1 << 20
"""Every encoder writes XMP, and with it the row id, before the pixels."""
COLUMNS: Final = (
    "row_id", "source_uri", "page", "status", "error_class", "derivative_uri", "derivative_key",
    "derivative_sha256", "derivative_bytes", "derivative_version",
)  # fmt: skip
THREADS: Final = 4


def page_id(source_uri: str, page: int) -> str:
    """Compute the id that a derivative carries of its page, so that it names no place."""
    return hashlib.sha256(f"{source_uri}#{page}".encode()).hexdigest()


def read_labels(store: Store, key: str) -> Mapping[str, str]:
    """Read what a derivative of ours says of itself; empty for any other file.

    Raises:
        OSError: it cannot be read.
    """
    return find_labels(io.BytesIO(store.read_head(key, HEAD_BYTES)))


def version_of(entry: Entry) -> str:
    """Give what the store says of a file's version."""
    return entry.etag or str(entry.mtime_ns or "")


@dataclass(frozen=True, slots=True)
class Present:
    """The files in OUTPUT that are not its record, by key."""

    store: Store
    entries: Mapping[str, Entry]
    root: str = ""
    """URI below which earlier rows have their derivatives, where OUTPUT has moved since."""

    def key_of(self, key: str | None, uri: str | None) -> str:
        """Find a row's key: rows of 0.2.0 have only a URI."""
        if key:
            return key
        if not uri:
            return ""
        if uri.startswith(self.store.uri):
            return self.store.key_of(uri)
        if self.root and uri.startswith(self.root):
            return self.store.key_of(self.store.uri + uri.removeprefix(self.root))
        return uri


def find_present(store: Store, rows: pa.Table) -> Present:
    """List OUTPUT, once.

    Args:
        store: OUTPUT.
        rows: of the manifest, with `derivative_uri` and `derivative_key`.

    Raises:
        LocationError: it cannot be listed.
    """
    try:
        entries = {entry.key: entry for entry in store.list() if not is_own_file(entry.key)}
    except OSError as error:
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: OUTPUT cannot be listed: {reason}") from error
    known = pc.is_null(rows["derivative_key"])
    uris = rows.filter(pc.and_(known, pc.is_valid(rows["derivative_uri"])))["derivative_uri"]
    return Present(store, entries, _find_root(store, entries, uris))


def _find_root(store: Store, entries: Mapping[str, Entry], uris: pa.ChunkedArray) -> str:
    """Find the URI that OUTPUT had when rows without keys were written: by a file that is there."""
    for uri in uris.to_pylist()[:100]:
        if uri.startswith(store.uri):
            return ""
        _, _, path = uri.partition("://")
        parts = path.split("/")
        for start in range(1, len(parts)):
            tail = "/".join(parts[start:])
            if store.key_of(store.uri + tail) in entries:
                return str(uri.removesuffix(tail))
    return ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What has become of the derivatives that rows name."""

    gone: frozenset[str]
    """Ids of rows whose derivative is missing, or has other bytes."""
    changed: tuple[str, ...]
    """Keys of those that have other bytes: somebody may have worked on them."""
    touched: Mapping[str, str]
    """Row id -> version, of derivatives that have the same bytes under a new version."""


def inspect(present: Present, rows: pa.Table) -> Condition:
    """Compare derivatives with their rows: by size and version; where those differ, by SHA-256.

    Args:
        present: the files in OUTPUT.
        rows: of the manifest, with COLUMNS.
    """
    gone: set[str] = set()
    changed: list[str] = []
    touched: dict[str, str] = {}
    doubtful: list[tuple[str, str, Entry]] = []
    made = rows.filter(pc.equal(rows["status"], "ok")).select(list(COLUMNS))
    for row in made.to_pylist():
        entry = present.entries.get(present.key_of(row["derivative_key"], row["derivative_uri"]))
        if entry is None:
            gone.add(row["row_id"])
        elif entry.size_bytes != row["derivative_bytes"]:
            gone.add(row["row_id"])
            changed.append(entry.key)
        elif row["derivative_version"] and version_of(entry) != row["derivative_version"]:
            doubtful.append((row["row_id"], row["derivative_sha256"], entry))
    with ThreadPoolExecutor(THREADS) as pool:
        same = pool.map(lambda one: _hash(present.store, one[2].key) == one[1], doubtful)
        for (row_id, _, entry), is_same in zip(doubtful, same, strict=True):
            if is_same:
                touched[row_id] = version_of(entry)
            else:
                gone.add(row_id)
                changed.append(entry.key)
    return Condition(frozenset(gone), tuple(changed), touched)


def keep_changed(store: Store, keys: Iterable[str], job_id: str) -> None:
    """Copy derivatives that somebody changed to history, before they are made again.

    Raises:
        LocationError: one cannot be copied.
    """
    for key in keys:
        kept = f"{manifest.HISTORY}/{job_id}/changed/{key}"
        try:
            with store.open(key) as source, store.staged(kept, "changed", replace=True) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except OSError as error:
            reason = error.strerror or error
            raise LocationError(f"{store.uri_of(kept)}: cannot be written: {reason}") from error


def _hash(store: Store, key: str) -> str:
    try:
        with store.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError:
        return ""


def earlier_keys(store: Store, present: Present) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield page and key of each derivative that history names and that is still there."""
    names = ["source_uri", "page", "derivative_uri", "derivative_key"]
    rows = manifest.read(store, names, manifest.HISTORY)
    for row in rows.group_by(names).aggregate([]).to_pylist():
        key = present.key_of(row["derivative_key"], row["derivative_uri"])
        if key in present.entries:
            yield (row["source_uri"], row["page"]), key


def remove_superseded(store: Store) -> int:
    """Delete derivatives of ours that only history names: their pages were done again or excluded.

    What stands for a page whose new try failed is left.

    Returns:
        How many were deleted.
    """
    current = manifest.read(store, COLUMNS)
    present = find_present(store, current)
    named, done = set(), set()
    for row in current.select(list(COLUMNS)).to_pylist():
        named.add(present.key_of(row["derivative_key"], row["derivative_uri"]))
        if row["status"] == "ok" or row["error_class"] == "excluded":
            done.add((row["source_uri"], row["page"]))
    leaving = {
        key for page, key in earlier_keys(store, present) if page in done and key not in named
    }
    return sum(_delete_ours(store, key) for key in sorted(leaving))


def _delete_ours(store: Store, key: str) -> bool:
    try:
        if not read_labels(store, key):
            return False
    except OSError:
        return False
    store.delete(key)
    return True
