"""The manifest: one Parquet row for each listed page, under OUTPUT/manifest/.

Rows are written in parts, each a file that appears whole. A part's name follows from its job and
row ids, so a batch that is done twice overwrites itself. A page that is done again gets its new row
first; then `settle` moves the earlier one to history, so that no page is ever without a row.
Compaction merges parts through a file that Parquet readers pass over (its name starts with an
underscore) and that lists what it replaces; a crash at any point is mended by `recover` at the next
start.
"""

import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage import Store

FOLDER: Final = "manifest"
HISTORY: Final = "history"
MERGED: Final = "_merged-"
ROWS_PER_FILE: Final = 250_000
ROWS_PER_GROUP: Final = 10_000
"""Rows that are read together: who looks at one row (`review`) reads no more of a large file."""
BATCH_ROWS: Final = 2_000
"""Rows that are read at a time where all of them would be too many."""
MAX_PARTS: Final = 16
JOB_TIME_CHARS: Final = len("20260101T000000Z")
VERSION: Final = ("source_uri", "page", "job_id", "started_at")
"""Columns that tell which row of a page is the last."""


def to_parquet(table: pa.Table, metadata: Mapping[str, str] | None = None) -> bytes:
    """Write a table as the bytes of a zstd Parquet file."""
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=ROWS_PER_GROUP)
    return buffer.getvalue()


def write_part(store: Store, table: pa.Table, folder: str = FOLDER) -> str:
    """Write rows as one part; its name follows from their jobs and ids.

    Raises:
        OSError: the part cannot be written.
    """
    names = zip(table["job_id"].to_pylist(), table["row_id"].to_pylist(), strict=True)
    digest = hashlib.sha256("\n".join(f"{job} {row}" for job, row in names).encode()).hexdigest()
    key = f"{folder}/part-{digest[:32]}.parquet"
    store.write_atomic(key, to_parquet(table))
    return key


def part_keys(store: Store, folder: str = FOLDER) -> list[str]:
    """List the keys of the files that a Parquet reader sees."""
    keys = (entry.key for entry in store.list(folder))
    return [key for key in keys if _is_part(key)]


def _is_part(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name.endswith(".parquet") and not name.startswith(("_", "."))


def read(
    store: Store,
    columns: Sequence[str] | None = None,
    folder: str = FOLDER,
    *,
    every: bool = False,
) -> pa.Table:
    """Read rows, with `columns` only those columns: of each page the last one.

    While a run does pages again, or after it died, both rows are there until `settle`. `every` has
    them all; so has history.
    """
    names = list(columns) if columns is not None else list(SCHEMA.names)
    wanted = list(dict.fromkeys([*names, *VERSION]))
    tables = [_read_key(store, key, wanted) for key in part_keys(store, folder)]
    if not tables:
        return pa.schema([SCHEMA.field(name) for name in names]).empty_table()
    table = pa.concat_tables(tables)
    if folder == FOLDER and not every:
        table = table.filter(mark_last(table))
    return table.select(names)


def read_parts(store: Store, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Read some columns part by part: for those that are too large for all rows at once.

    While a run does pages again, rows of before are among them.
    """
    for key in part_keys(store):
        yield _read_key(store, key, columns)


def read_batches(store: Store, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Read the last row of each page, some at a time: memory does not grow with the manifest.

    Only while a page has two rows, all rows' VERSION is read at once.
    """
    keys = part_keys(store)
    last = mark_last(read(store, VERSION, every=True)) if _has_doubles(store, keys) else None
    start = 0
    for key in keys:
        for batch in _read_slowly(store, key, columns):
            stays = last.slice(start, batch.num_rows) if last is not None else None
            start += batch.num_rows
            yield batch if stays is None else batch.filter(stays)


def _has_doubles(store: Store, keys: Sequence[str]) -> bool:
    """Tell whether a page may have two rows; seldom also where two pages have one hash."""
    parts = [
        np.array([hash(page) for page in zip(*batch.to_pydict().values(), strict=True)], np.int64)
        for key in keys
        for batch in _read_slowly(store, key, ("source_uri", "page"))
    ]
    hashes = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return len(np.unique(hashes)) < len(hashes)


def _read_slowly(store: Store, key: str, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read one file as `_read_key` does, BATCH_ROWS at a time."""
    with _opened(store, key) as parquet:
        there = [name for name in names if name in parquet.schema_arrow.names]
        # One column after the other: threads would each keep memory of their own.
        for batch in parquet.iter_batches(BATCH_ROWS, columns=there, use_threads=False):
            yield _complete(pa.Table.from_batches([batch]), names)


def sort_by_age(table: pa.Table) -> pa.Array:
    """Sort rows from the earliest to the last: by the second of their job, then by their start.

    The second stands at the beginning of a job's id and is the driver's; starts are by the clocks
    of several machines.

    Args:
        table: with `job_id` and `started_at`.

    Returns:
        Indices of the rows.
    """
    ages = pa.table(
        {
            "job": pc.utf8_slice_codeunits(table["job_id"], 0, JOB_TIME_CHARS),
            "start": table["started_at"],
        }
    )
    return pc.sort_indices(ages, sort_keys=[("job", "ascending"), ("start", "ascending")])


def mark_last(table: pa.Table) -> pa.Array:
    """Mark the last row of each page.

    Args:
        table: with VERSION.

    Returns:
        A boolean for each row.
    """
    page = ["source_uri", "page"]
    order = sort_by_age(table)
    places = pa.array(np.arange(table.num_rows))
    ranked = table.select(page).take(order).append_column("place", places)
    last = ranked.group_by(page).aggregate([("place", "max")])["place_max"]
    marks = np.zeros(table.num_rows, bool)
    marks[order.to_numpy()[last.to_numpy()]] = True
    return pa.array(marks)


def _read_key(store: Store, key: str, names: Sequence[str]) -> pa.Table:
    """Read one file; columns that an earlier version did not write are filled with nulls.

    Raises:
        LocationError: it cannot be read, or is no part of a manifest.
    """
    with _opened(store, key) as parquet:
        there = [name for name in names if name in parquet.schema_arrow.names]
        return _complete(parquet.read(columns=there), names)


@contextmanager
def _opened(store: Store, key: str) -> Iterator[pq.ParquetFile]:
    try:
        with store.open(key) as file:
            yield pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise LocationError(f"{store.uri_of(key)}: cannot be read: {text}") from error


def _complete(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Bring the columns of an earlier version to today's."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, SCHEMA.field(name).type))
    schema = pa.schema([SCHEMA.field(name) for name in names])
    return table.select(list(names)).cast(schema).replace_schema_metadata()


def settle(store: Store, job_id: str) -> int:
    """Keep the last row of each page; earlier ones go to history, and there first.

    Returns:
        How many rows went.
    """
    keys = part_keys(store)
    parts = [_read_key(store, key, VERSION) for key in keys]
    if not parts:
        return 0
    last = mark_last(pa.concat_tables(parts))
    start = moved = 0
    for key, part in zip(keys, parts, strict=True):
        stays = last.slice(start, part.num_rows)
        start += part.num_rows
        if not pc.all(stays).as_py():
            moved += _split(store, key, stays, job_id)
    return moved


def retire(store: Store, row_ids: Collection[str], job_id: str) -> None:
    """Move rows to history whose pages are no longer anybody's."""
    if not row_ids:
        return
    ids = pa.array(sorted(row_ids), pa.string())
    for key in part_keys(store):
        part = _read_key(store, key, ("row_id",))
        stays = pc.invert(pc.is_in(part["row_id"], value_set=ids))
        if not pc.all(stays).as_py():
            _split(store, key, stays, job_id)


def _split(store: Store, key: str, stays: pa.Array, job_id: str) -> int:
    """Move rows of one part to history."""
    table = _read_key(store, key, SCHEMA.names)
    old, rest = table.filter(pc.invert(stays)), table.filter(stays)
    write_part(store, old, f"{HISTORY}/{job_id}")
    if rest.num_rows:
        store.write_atomic(key, to_parquet(rest))
    else:
        store.delete(key)
    return int(old.num_rows)


Rewrite = tuple[pa.Table, pa.ChunkedArray]
"""A part's rows, all columns, and a mask of those that have changed."""


def rewrite(
    store: Store,
    change: Callable[[pa.Table], Rewrite],
    job_id: str = "",
    folder: str = FOLDER,
) -> int:
    """Change rows where they stand, part by part.

    Args:
        store: OUTPUT.
        change: takes a part's rows, all columns, and gives as many.
        job_id: with it, changed rows go to history as they were.
        folder: of the manifest, or of its history.

    Returns:
        How many rows were changed.
    """
    changed = 0
    for key in part_keys(store, folder):
        table = _read_key(store, key, SCHEMA.names)
        new, mask = change(table)
        old = table.filter(mask)
        if not old.num_rows:
            continue
        if job_id:
            write_part(store, old, f"{HISTORY}/{job_id}")
        store.write_atomic(key, to_parquet(new.cast(SCHEMA)))
        changed += old.num_rows
    return changed


def compact(store: Store, *, max_parts: int = MAX_PARTS) -> None:
    """Merge parts into few files when there are more than `max_parts`; call `settle` before."""
    keys = part_keys(store)
    if len(keys) <= max_parts:
        return
    for number, group in enumerate(_group_parts(store, keys)):
        table = pa.concat_tables(_read_key(store, one, SCHEMA.names) for one in group)
        names = json.dumps(group)
        digest = hashlib.sha256(names.encode()).hexdigest()[:16]
        key = f"{FOLDER}/{MERGED}{number:05d}-{digest}.parquet"
        store.write_atomic(key, to_parquet(table, {"replaces": names}))
        _finish_merge(store, key)


def _group_parts(store: Store, keys: Sequence[str]) -> Iterator[list[str]]:
    """Yield groups of parts that go into one file together."""
    group: list[str] = []
    rows = 0
    for key in keys:
        with store.open(key) as file:
            count = pq.ParquetFile(file).metadata.num_rows
        if group and rows + count > ROWS_PER_FILE:
            yield group
            group, rows = [], 0
        group.append(key)
        rows += count
    if len(group) > 1:
        yield group


def _finish_merge(store: Store, key: str) -> None:
    """Delete what a merged file replaces, then give it a name that readers see."""
    with store.open(key) as file:
        parquet = pq.ParquetFile(file)
        replaced = json.loads(parquet.schema_arrow.metadata[b"replaces"])
        table = parquet.read()
    final = key.replace(f"/{MERGED}", "/rows-")
    for old in replaced:
        if old != final:
            store.delete(old)
    store.write_atomic(final, to_parquet(table))
    store.delete(key)


def recover(store: Store) -> None:
    """Finish a compaction that was interrupted."""
    for entry in list(store.list(FOLDER)):
        if entry.key.startswith(f"{FOLDER}/{MERGED}"):
            _finish_merge(store, entry.key)
