"""The rows of OUTPUT for an export: chosen, in order, with people's decisions, a few at a time.

The manifest is read in batches. They are sorted in runs, each a file of its own in a temporary
folder, and the runs are merged: memory does not grow with the manifest.
"""

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError
from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.imaging.metadata import ENLARGEMENT, ESTIMATE, TRANSLATION
from archive_colorizer.pipeline.flags import ENLARGED, TRANSLATED
from archive_colorizer.pipeline.output import derivatives, manifest, reviews
from archive_colorizer.pipeline.output.derivatives import Present
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.storage import Store, parse_location

RUN_ROWS: Final = 8_000
READ_ROWS: Final = 64
"""Rows of a run that are in memory while runs are merged."""
NEEDED: Final = (
    "row_id", "object_id", "collection", "source_uri", "source_path", "page", "status",
    "derivative_key", "derivative_uri", "derivative_sha256",
)  # fmt: skip
"""Columns that every form gets."""
ORDER: Final = ("source_path", "page", "source_uri")
OBJECT: Final = "object"
"""Column that is added: what a picture belongs to, its object id or else its file."""
DECISIONS: Final = "decisions"
"""Column that is added: decisions that stand on the derivative, oldest first."""
VERDICT: Final = "verdict"
"""Column that is added: what people say together; empty where nobody decided."""
_KEY: Final = "key"
_UNLISTED: Final = pa.table({"key": pa.array([], pa.string())})
_SAID: Final = ("reviewer", "verdict", "reason", "note", "decided_at_us")
"""What is told of a decision."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One row, and where its derivative is."""

    row: Mapping[str, Any]
    """The columns that were asked for, and NEEDED, OBJECT, VERDICT and DECISIONS."""
    key: str
    """Of its derivative in OUTPUT; empty where there is none."""

    @property
    def name(self) -> str:
        """Path below SOURCE, with the page where it is a further one."""
        page = self.row["page"]
        return f"{self.row['source_path']} (page {page + 1})" if page else self.row["source_path"]

    @property
    def statement(self) -> str:
        """What its derivative says of itself; the column `flags` is needed."""
        flags = self.row["flags"] or ()
        if TRANSLATED in flags:
            return TRANSLATION
        return ENLARGEMENT if ENLARGED in flags else ESTIMATE


def below_source(picture: Picture) -> bytes:
    """Name a master below SOURCE in its own bytes; the column `source_path_raw` is needed."""
    path = picture.row["source_path"]
    raw = picture.row["source_path_raw"] or b""
    return b"/".join(raw.split(b"/")[-path.count("/") - 1 :]) or path.encode()


def read_pictures(
    store: Store, options: ExportOptions, columns: Iterable[str], order: Sequence[str] = ORDER
) -> Iterator[Picture]:
    """Read the chosen rows in order.

    Args:
        store: of OUTPUT.
        options: say which.
        columns: that the form needs beside NEEDED.
        order: columns to sort by.

    Raises:
        LocationError: the manifest, or what people decided, cannot be read.
        ConfigError: an id means no picture.
    """
    names = list(dict.fromkeys([*NEEDED, *columns]))
    choice = _Choice(store, options)
    batches = map(choice.choose, manifest.read_batches(store, names))
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        rows = _sort(batches, order, Path(folder))
        choice.check()
        for row in rows:
            key = row.pop(_KEY)
            yield Picture(row, key if row["status"] == "ok" else "")


class _Choice:
    """Chooses rows of a batch, and adds what is known of them."""

    def __init__(self, store: Store, options: ExportOptions) -> None:
        standing = reviews.standing(reviews.read(store))
        self._said = standing.filter(pc.not_equal(standing["purpose"], reviews.HONEYPOT))
        found = reviews.verdicts(standing)
        self._sums, self._verdicts = (
            _whole(found[name]) for name in ("derivative_sha256", "verdict")
        )
        self._only = options.only
        self._collections = pa.array(options.collections, pa.string())
        self._ids = pa.array(options.ids, pa.string())
        self._unmet = set(options.ids)
        self._present = _find_keys(store)
        self._root = _find_root(store)

    def choose(self, rows: pa.Table) -> pa.Table:
        """Choose rows, and add `key`, OBJECT, VERDICT and DECISIONS."""
        rows = _fill(rows, self._root)
        at = pc.index_in(rows["derivative_sha256"], value_set=self._sums, skip_nulls=True)
        verdicts = pc.fill_null(self._verdicts.take(_whole(at)), "")
        rows = rows.append_column(VERDICT, verdicts)
        if self._only:
            rows = rows.filter(pc.equal(rows[VERDICT], self._only))
        if len(self._collections):
            rows = rows.filter(pc.is_in(rows["collection"], value_set=self._collections))
        if len(self._ids):
            rows = self._with_ids(rows)
        of_object = pc.not_equal(rows["object_id"], "")
        belongs = pc.if_else(of_object, rows["object_id"], rows["source_uri"])
        rows = rows.append_column(OBJECT, belongs)
        rows = rows.append_column(_KEY, self._present.keys_of(rows))
        return rows.append_column(DECISIONS, self._find_decisions(rows))

    def _with_ids(self, rows: pa.Table) -> pa.Table:
        meant = pa.array([False] * rows.num_rows, pa.bool_())
        for name in ("row_id", "object_id", "source_path"):
            found = pc.is_in(rows[name], value_set=self._ids)
            self._unmet -= set(rows[name].filter(found).to_pylist())
            meant = pc.or_(meant, found)
        return rows.filter(meant)

    def check(self) -> None:
        """Make sure that each id meant a picture; call it when all rows were chosen."""
        if self._unmet:
            first = min(self._unmet)
            more = f" (and {len(self._unmet) - 1:,} more)" if len(self._unmet) > 1 else ""
            raise ConfigError(f"--ids: {first!r}{more} names no chosen picture of OUTPUT")

    def _find_decisions(self, rows: pa.Table) -> pa.Array:
        kind = pa.list_(pa.struct([self._said.schema.field(name) for name in _SAID]))
        sums = _whole(rows["derivative_sha256"])
        mine = pc.is_in(self._said["derivative_sha256"], value_set=sums)
        by_sum: dict[str, list[dict[str, Any]]] = {}
        for one in self._said.filter(mine).to_pylist():
            said = {name: one[name] for name in _SAID}
            by_sum.setdefault(one["derivative_sha256"], []).append(said)
        return pa.array([by_sum.get(sha256 or "", []) for sha256 in sums.to_pylist()], kind)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _find_keys(store: Store) -> Present:
    """Find out how rows tell their keys; only for rows of 0.2.0 is OUTPUT listed."""
    names = ("derivative_uri", "derivative_key")
    unkeyed = [
        rows.filter(
            pc.and_(pc.is_null(rows["derivative_key"]), pc.is_valid(rows["derivative_uri"]))
        )
        for rows in manifest.read_batches(store, names)
    ]
    old = [rows for rows in unkeyed if rows.num_rows]
    return (
        derivatives.find_present(store, pa.concat_tables(old)) if old else Present(store, _UNLISTED)
    )


def _find_root(store: Store) -> str:
    """Find the URI of SOURCE, below which rows of 0.2.0 have their path."""
    source = str(read_job(store)["config"]["source"])
    return parse_location(source).uri.rstrip("/") + "/"


def _fill(rows: pa.Table, root: str) -> pa.Table:
    """Fill what is sorted by where earlier versions, or inventories, say nothing."""
    pairs = zip(rows["source_path"].to_pylist(), rows["source_uri"].to_pylist(), strict=True)
    paths = [path if path is not None else unquote(uri.removeprefix(root)) for path, uri in pairs]
    filled = {
        "source_path": pa.array(paths, pa.string()),
        "object_id": pc.fill_null(rows["object_id"], ""),
        "collection": pc.fill_null(rows["collection"], ""),
    }
    for name, column in filled.items():
        rows = rows.set_column(rows.column_names.index(name), name, column)
    return rows


def _sort(
    batches: Iterable[pa.Table], order: Sequence[str], folder: Path
) -> Iterator[dict[str, Any]]:
    """Sort rows; all batches are taken before this returns."""
    runs: list[Path] = []
    waiting: list[pa.Table] = []

    def write_run() -> None:
        table = pa.concat_tables(waiting)
        table = table.sort_by([(name, "ascending") for name in order])
        runs.append(folder / f"{len(runs)}.arrow")
        with pa.ipc.new_file(str(runs[-1]), table.schema) as writer:
            writer.write_table(table, max_chunksize=READ_ROWS)
        waiting.clear()

    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= RUN_ROWS:
            write_run()
    if waiting:
        write_run()
    return heapq.merge(*map(_read_run, runs), key=lambda row: [row[name] for name in order])


def _read_run(path: Path) -> Iterator[dict[str, Any]]:
    with pa.OSFile(str(path)) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield from reader.get_batch(number).to_pylist()
