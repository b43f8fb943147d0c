"""The manifest: one Parquet row for each listed page, under OUTPUT/manifest/.

Rows are written in parts, each a file that appears whole. A part's name follows from its row ids,
so a batch that is done twice overwrites itself. Compaction merges parts through a file that Parquet
readers pass over (its name starts with an underscore) and that lists what it replaces; a crash at
any point is mended by `recover` at the next start.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import ASKED_FOR, Outcome, SourceFacts
from archive_colorizer.pipeline.values import fitting
from archive_colorizer.storage import Store

FOLDER: Final = "manifest"
HISTORY: Final = "history"
MERGED: Final = "_merged-"
ROWS_PER_FILE: Final = 250_000
MAX_PARTS: Final = 16
STEP_TIMES: Final = ("read", "prepare", "model", "compose", "encode", "write")


@dataclass(frozen=True, slots=True)
class JobContext:
    """Columns that every row of a job has in common."""

    job_id: str
    recipe_sha256: str
    steps: tuple[Mapping[str, Any], ...]
    """Work on a picture, as the manifest's `steps`."""
    version: str
    git_commit: str
    torch_version: str
    ray_version: str
    review_doubt: float = 1.0
    """Pictures whose mean doubt is above this are marked for review."""


def outcome_row(outcome: Outcome, context: JobContext, node: str) -> dict[str, Any]:
    """Make the manifest row of one outcome; columns that do not apply are null."""
    ref, facts, done = outcome.ref, outcome.facts, outcome.derivative
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    row |= {name: getattr(ref, name) for name in _REF_COLUMNS}
    row |= {
        "job_id": context.job_id,
        "recipe_sha256": context.recipe_sha256,
        "source_bytes": ref.size_bytes,
        "source_mtime": ref.mtime_ns,
        "started_at": outcome.started_at_us,
        "version": context.version,
        "git_commit": context.git_commit,
        "torch_version": context.torch_version,
        "ray_version": context.ray_version,
        "node": node,
        "status": str(outcome.status),
        "error_class": outcome.error_class,
        "error_message": outcome.error_message,
        "flags": list(outcome.flags),
        "steps": [],
        "review_needed": bool(set(outcome.flags) - ASKED_FOR)
        or (outcome.doubt_mean or 0) > context.review_doubt,
        "doubt_mean": outcome.doubt_mean,
        "doubt_p95": outcome.doubt_p95,
    }
    row |= {f"ms_{name}": outcome.ms.get(name) for name in STEP_TIMES}
    if facts is not None:
        row |= _facts_columns(facts)
    if done is not None:
        row |= asdict(done)
        ran = {"device": outcome.device, "precision": outcome.precision}
        row |= {"steps": [{**step, **ran} for step in context.steps]}
        row |= {"digital_source_type": DIGITAL_SOURCE_TYPE}
        row |= {"c2pa_state": "none", "reversible": False}
    return row


_REF_COLUMNS: Final = (
    "row_id",
    "object_id",
    "collection",
    "sensitivity",
    "class_id",
    "hints",
    "collection_json",
    "source_uri",
    "source_path_raw",
    "page",
    "etag",
    "attempt",
)


def _facts_columns(facts: SourceFacts) -> dict[str, Any]:
    values = asdict(facts)
    del values["flags"]
    return values


def outcome_table(outcomes: Sequence[Outcome], context: JobContext, node: str) -> pa.Table:
    """Make the manifest rows of some outcomes."""
    rows = [fitting(outcome_row(outcome, context, node), SCHEMA) for outcome in outcomes]
    return pa.Table.from_pylist(rows, SCHEMA)


def to_parquet(table: pa.Table, metadata: Mapping[str, str] | None = None) -> bytes:
    """Write a table as the bytes of a zstd Parquet file."""
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def write_part(store: Store, table: pa.Table, folder: str = FOLDER) -> str:
    """Write rows as one part; its name follows from their ids.

    Raises:
        OSError: the part cannot be written.
    """
    digest = hashlib.sha256("\n".join(table["row_id"].to_pylist()).encode()).hexdigest()
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


def read(store: Store, columns: Sequence[str] | None = None, folder: str = FOLDER) -> pa.Table:
    """Read all rows; with `columns` only those columns."""
    names = list(columns) if columns is not None else list(SCHEMA.names)
    tables = [_read_key(store, key, names) for key in part_keys(store, folder)]
    schema = pa.schema([SCHEMA.field(name) for name in names])
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _read_key(store: Store, key: str, names: Sequence[str]) -> pa.Table:
    """Read one file; columns that an earlier version did not write are filled with nulls."""
    with store.open(key) as file:
        parquet = pq.ParquetFile(file)
        there = [name for name in names if name in parquet.schema_arrow.names]
        table = parquet.read(columns=there)
    for name in names:
        if name not in there:
            table = table.append_column(name, pa.nulls(table.num_rows, SCHEMA.field(name).type))
    schema = pa.schema([SCHEMA.field(name) for name in names])
    return table.select(list(names)).cast(schema).replace_schema_metadata()


def move_to_history(store: Store, row_ids: pa.Array, job_id: str) -> int:
    """Take rows out of the manifest and keep them in history: history first, then the manifest.

    Returns:
        How many rows were moved.
    """
    if not len(row_ids):
        return 0
    moved = 0
    for key in part_keys(store):
        table = _read_key(store, key, SCHEMA.names)
        leaving = pc.is_in(table["row_id"], value_set=row_ids)
        old = table.filter(leaving)
        if not old.num_rows:
            continue
        write_part(store, old, f"{HISTORY}/{job_id}")
        rest = table.filter(pc.invert(leaving))
        if rest.num_rows:
            store.write_atomic(key, to_parquet(rest))
        else:
            store.delete(key)
        moved += old.num_rows
    return moved


def one_row_a_page(store: Store, job_id: str) -> None:
    """Keep one row a page: of twins, which a dying worker may leave, this job's or the last."""
    keys = part_keys(store)
    parts = [_read_key(store, key, ("row_id", "source_uri", "page", "job_id")) for key in keys]
    if not parts:
        return
    rows = pa.concat_tables(parts)
    pages = rows.group_by(["source_uri", "page"]).aggregate([("row_id", "count")])
    if pages.num_rows == rows.num_rows:
        return
    double = pages.filter(pc.greater(pages["row_id_count"], 1))["source_uri"].combine_chunks()
    twins = rows.filter(pc.is_in(rows["source_uri"], value_set=double)).to_pylist()
    best: dict[tuple[str, int], str] = {}
    for row in twins:
        page = (row["source_uri"], row["page"])
        if page not in best or row["job_id"] == job_id:
            best[page] = row["row_id"]
    other = {row["row_id"] for row in twins} - set(best.values())
    move_to_history(store, pa.array(sorted(other), pa.string()), job_id)
    compact(store, max_parts=1)


def compact(store: Store, *, max_parts: int = MAX_PARTS) -> None:
    """Merge parts into few files, keeping one row an id, when there are more than `max_parts`."""
    keys = part_keys(store)
    if len(keys) <= max_parts:
        return
    for number, group in enumerate(_group_parts(store, keys)):
        table = _keep_last_of_each_id(
            pa.concat_tables(_read_key(store, k, SCHEMA.names) for k in group)
        )
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


def _keep_last_of_each_id(table: pa.Table) -> pa.Table:
    """Keep the last row of each id."""
    order = pa.array(range(table.num_rows), pa.int64())
    last = (
        pa.table({"row_id": table["row_id"], "at": order})
        .group_by("row_id")
        .aggregate([("at", "max")])
    )
    if last.num_rows == table.num_rows:
        return table
    return table.take(last["at_max"])


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
