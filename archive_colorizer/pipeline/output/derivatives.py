"""Derivatives in OUTPUT: whose each is, whether it is still as its row says, which may go."""

import hashlib
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import is_own_file
from archive_colorizer.pipeline.records import CLOSED, RENDITIONS, Page
from archive_colorizer.pipeline.values import valid_text
from archive_colorizer.storage import Entry, Store

HEAD_BYTES: Final = 1 << 20
"""Every encoder writes XMP, and with it the row id, before the pixels."""
RENDITION_KEYS: Final = tuple(f"{name}_key" for name in RENDITIONS)
RENDITION_BYTES: Final = tuple(f"{name}_bytes" for name in RENDITIONS)
COLUMNS: Final = (
    "row_id", "source_uri", "page", "status", "error_class", "derivative_uri", "derivative_key",
    "derivative_sha256", "derivative_bytes", "derivative_version", *RENDITION_KEYS,
    *RENDITION_BYTES,
)  # fmt: skip
THREADS: Final = 4
LOOKED_AT: Final = 100
"""Rows of 0.2.0 that are looked at to find where OUTPUT was."""


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
    """The files in OUTPUT that are not its record."""

    store: Store
    files: pa.Table
    """Columns `key`, `size_bytes` and `version`."""
    root: str = ""
    """URI below which earlier rows have their derivatives, where OUTPUT has moved since."""

    def keys_of(self, rows: pa.Table) -> pa.ChunkedArray:
        """Find the keys of rows, empty for none; rows of 0.2.0 have only a URI.

        Args:
            rows: with `derivative_key` and `derivative_uri`.
        """
        keys, uris = rows["derivative_key"], rows["derivative_uri"]
        if not pc.any(pc.and_(pc.is_null(keys), pc.is_valid(uris))).as_py():
            return pc.fill_null(keys, "")
        pairs = zip(keys.to_pylist(), uris.to_pylist(), strict=True)
        return pa.chunked_array([[key or self._find_key(uri or "") for key, uri in pairs]])

    def _find_key(self, uri: str) -> str:
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
    keys, sizes, versions = [], [], []
    try:
        for entry in store.list():
            if not is_own_file(entry.key):
                keys.append(valid_text(entry.key))
                sizes.append(entry.size_bytes)
                versions.append(version_of(entry))
    except OSError as error:
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: OUTPUT cannot be listed: {reason}") from error
    schema = pa.schema([("key", pa.string()), ("size_bytes", pa.int64()), ("version", pa.string())])
    files = pa.table([keys, sizes, versions], schema=schema)
    unkeyed = pc.and_(pc.is_null(rows["derivative_key"]), pc.is_valid(rows["derivative_uri"]))
    uris = rows.filter(unkeyed)["derivative_uri"].slice(0, LOOKED_AT).to_pylist()
    return Present(store, files, _find_root(store, files, uris))


def _find_root(store: Store, files: pa.Table, uris: Sequence[str]) -> str:
    """Find the URI that OUTPUT had when rows without keys were written: by a file that is there."""
    if not uris or any(uri.startswith(store.uri) for uri in uris):
        return ""
    keys = set(files["key"].to_pylist())
    for uri in uris:
        parts = uri.partition("://")[2].split("/")
        for start in range(1, len(parts)):
            tail = "/".join(parts[start:])
            if store.key_of(store.uri + tail) in keys:
                return uri.removesuffix(tail)
    return ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What has become of the derivatives that rows name."""

    gone: frozenset[str]
    """Ids of rows whose derivative or rendition is missing, or has other bytes."""
    changed: Mapping[str, tuple[str, ...]]
    """Row id -> keys of files that have other bytes: somebody may have worked on them."""
    touched: Mapping[str, str]
    """Row id -> version, of derivatives that have the same bytes under a new version."""


def inspect(present: Present, rows: pa.Table, keys: pa.ChunkedArray) -> Condition:
    """Compare derivatives with their rows: by size and version; where those differ, by SHA-256.

    Renditions are compared by size alone.

    Args:
        present: the files in OUTPUT.
        rows: of the manifest, with COLUMNS.
        keys: of their derivatives.
    """
    ok = pc.equal(rows["status"], "ok")
    rows, keys = rows.filter(ok), keys.filter(ok)
    files = present.files
    at = pc.index_in(keys, value_set=files["key"].combine_chunks())
    sizes, versions = files["size_bytes"].take(at), files["version"].take(at)
    there = pc.is_valid(at)
    sized = pc.fill_null(pc.equal(sizes, rows["derivative_bytes"]), False)
    known = pc.fill_null(rows["derivative_version"], "")
    other = pc.and_(pc.not_equal(known, ""), pc.not_equal(pc.fill_null(versions, ""), known))
    gone = set(rows.filter(pc.invert(sized))["row_id"].to_pylist())
    other_size = pc.and_(there, pc.invert(sized))
    names = (column.filter(other_size).to_pylist() for column in (rows["row_id"], keys))
    changed = {row_id: (key,) for row_id, key in zip(*names, strict=True)}
    doubtful = pc.and_(sized, other)
    columns = rows["row_id"], rows["derivative_sha256"], keys, versions
    cells = [column.filter(doubtful).to_pylist() for column in columns]
    touched: dict[str, str] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        hashes = pool.map(lambda key: _hash(present.store, key), cells[2])
        for row_id, sha256, key, version, found in zip(*cells, hashes, strict=True):
            if found == sha256:
                touched[row_id] = version
            else:
                gone.add(row_id)
                changed[row_id] = (key,)
    for row_id, key, size in _find_renditions_amiss(present, rows):
        gone.add(row_id)
        if size is not None:
            changed[row_id] = (*changed.get(row_id, ()), key)
    return Condition(frozenset(gone), changed, touched)


def _find_renditions_amiss(
    present: Present, rows: pa.Table
) -> Iterator[tuple[str, str, int | None]]:
    """Yield row id, key and size of renditions with another size; no size where none is there."""
    for key_column, bytes_column in zip(RENDITION_KEYS, RENDITION_BYTES, strict=True):
        keys = rows[key_column]
        at = pc.index_in(keys, value_set=present.files["key"].combine_chunks())
        sizes = present.files["size_bytes"].take(at)
        sized = pc.fill_null(pc.equal(sizes, rows[bytes_column]), False)
        amiss = pc.and_(pc.is_valid(keys), pc.invert(sized))
        columns = (column.filter(amiss).to_pylist() for column in (rows["row_id"], keys, sizes))
        yield from zip(*columns, strict=True)


def named_keys(present: Present, rows: pa.Table) -> set[str]:
    """Collect the keys of all files that rows name.

    Args:
        present: the files in OUTPUT.
        rows: with `derivative_key`, `derivative_uri` and RENDITION_KEYS.
    """
    columns = (present.keys_of(rows), *(rows[name] for name in RENDITION_KEYS))
    return {key for column in columns for key in column.to_pylist() if key}


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


def earlier_keys(store: Store, present: Present, *, renditions: bool = False) -> Mapping[str, Page]:
    """Find the page of each derivative that history names and that is still there, by its key.

    Args:
        store: OUTPUT.
        present: the files in it.
        renditions: add the further files.
    """
    names = ["source_uri", "page", "derivative_uri", "derivative_key", *RENDITION_KEYS]
    rows = manifest.read(store, names, manifest.HISTORY)
    if not rows.num_rows:
        return {}
    found: dict[str, Page] = {}
    further = [rows[name] for name in RENDITION_KEYS] if renditions else []
    for keys in (present.keys_of(rows), *further):
        there = pc.is_in(keys, value_set=present.files["key"].combine_chunks())
        found |= zip(keys.filter(there).to_pylist(), _pages(rows.filter(there)), strict=True)
    return found


def _pages(rows: pa.Table) -> Iterator[Page]:
    return zip(rows["source_uri"].to_pylist(), rows["page"].to_pylist(), strict=True)


def remove_superseded(store: Store) -> int:
    """Delete derivatives of ours that only history names: their pages were done again or closed.

    So with their renditions. What stands for a page whose new try failed is left.

    Returns:
        How many were deleted.
    """
    if not manifest.part_keys(store, manifest.HISTORY):
        return 0
    rows = manifest.read(store, COLUMNS)
    present = find_present(store, rows)
    earlier, named = earlier_keys(store, present, renditions=True), named_keys(present, rows)
    closed = pc.is_in(rows["error_class"], value_set=pa.array(CLOSED))
    done = set(_pages(rows.filter(pc.or_(pc.equal(rows["status"], "ok"), closed))))
    leaving = {key for key, page in earlier.items() if page in done and key not in named}
    return sum(_delete_ours(store, key) for key in sorted(leaving))


def _delete_ours(store: Store, key: str) -> bool:
    try:
        if not read_labels(store, key):
            return False
    except OSError:
        return False
    store.delete(key)
    return True
