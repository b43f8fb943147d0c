"""The catalog's rows at one moment: facets, sort orders and searches over arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.pipeline.flags import ASKED_FOR
from archive_colorizer.review.parts import MODEL

COLUMNS: Final = (
    "row_id", "source_uri", "source_path", "page", "job_id", "started_at", "object_id",
    "collection", "status", "error_class", "tone_class", "flags", "review_needed", "doubt_mean",
    "width", "height", "orientation", "derivative_sha256", "derivative_width",
    "derivative_height", "thumbnail_key", "thumbnail_index", MODEL,
)  # fmt: skip
"""What is held of every row."""
CODED: Final[Mapping[str, str]] = {
    "status": "status", "error_class": "error_class", "collection": "collection",
    "tone": "tone_class", "model": MODEL,
}  # fmt: skip
"""Facet -> column."""
FOLDER: Final = "folder"
FLAG: Final = "flag"
FACETS: Final = (*CODED, FOLDER, FLAG)
DOUBT: Final = "doubt"
"""As a flag: to be looked at, though no flag asks for it."""
MOST_VALUES: Final = 500
"""Values of a facet that are named: the most frequent ones."""
ORDERS: Final = ("doubt", "-doubt", "path", "-path")
Marks = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as numbers of its values."""

    values: tuple[str, ...]
    codes: NDArray[np.int32]
    """-1 for null."""

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Codes":
        """Encode a column of text."""
        coded = column.combine_chunks().dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        numbers = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return cls(tuple(coded.dictionary.to_pylist()), numbers.astype(np.int32))

    def mark(self, wanted: Sequence[bool]) -> Marks:
        """Mark the rows that have one of the values that are wanted."""
        return np.asarray(np.array([*wanted, False], bool)[self.codes])

    def count(self) -> list[tuple[str, int]]:
        """Count the rows of each value that is not empty, the most frequent first."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))
        pairs = [(v, int(n)) for v, n in zip(self.values, counts, strict=True) if v and n]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True)
class Rows:
    """The last row of each page, with where it stands. Arrays are made when they are asked for."""

    table: pa.Table
    """COLUMNS, in one chunk."""
    keys: tuple[str, ...]
    """Of the files of the manifest."""
    part: NDArray[np.int32]
    """Row -> number of its file."""
    place: NDArray[np.int64]
    """Row -> its place in the file."""
    version: int
    _orders: dict[str, Indices] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count of rows."""
        return int(self.table.num_rows)

    def find(self, row_id: str) -> int | None:
        """Find a row by its id; None where there is none."""
        hashes, order = self._ids
        wanted = _hash_texts(np.array([row_id], object))[0]
        ids = self.table["row_id"]
        for place in range(int(np.searchsorted(hashes, wanted)), len(hashes)):
            if hashes[place] != wanted:
                break
            if ids[int(order[place])].as_py() == row_id:
                return int(order[place])
        return None

    @cached_property
    def _ids(self) -> tuple[NDArray[np.uint64], Indices]:
        """Hashes of the ids in their order, and the rows that they are of."""
        ids = self.table["row_id"].to_numpy()
        hashes = _hash_texts(np.asarray(ids, object))
        order = np.argsort(hashes)
        return hashes[order], order

    def one(self, at: int) -> dict[str, Any]:
        """Give one row as plain values."""
        return {name: self.table[name][at].as_py() for name in self.table.column_names}

    def take(self, indices: Indices | Sequence[int]) -> list[dict[str, Any]]:
        """Give rows as plain values."""
        found: list[dict[str, Any]] = self.table.take(pa.array(indices, pa.int64())).to_pylist()
        return found

    @cached_property
    def coded(self) -> Mapping[str, Codes]:
        """Facets of one value a row."""
        return {facet: Codes.of(self.table[column]) for facet, column in CODED.items()}

    @cached_property
    def folders(self) -> Codes:
        """The folder of each row's master below SOURCE; empty at its root."""
        paths = self.table["source_path"]
        return Codes.of(pc.replace_substring_regex(paths, r"(^|/)[^/]*$", ""))

    @cached_property
    def flags(self) -> Mapping[str, Marks]:
        """The rows of each flag; DOUBT are those to be looked at without a flag."""
        column = self.table["flags"].combine_chunks()
        owners = pc.list_parent_indices(column).to_numpy()
        names = np.asarray(column.flatten().to_numpy(zero_copy_only=False), object)
        found: dict[str, Marks] = {}
        doubtful = self.to_review.copy()
        for name in sorted(set(names)):
            marks = np.zeros(len(self), bool)
            marks[owners[names == name]] = True
            found[name] = marks
            if name not in ASKED_FOR:
                doubtful &= ~marks
        return found | {DOUBT: doubtful}

    @cached_property
    def is_ok(self) -> Marks:
        """Rows that have a derivative."""
        ok = pc.and_(pc.equal(self.table["status"], "ok"),
                     pc.is_valid(self.table["derivative_sha256"]))  # fmt: skip
        return _to_marks(ok)

    @cached_property
    def to_review(self) -> Marks:
        """Rows of derivatives that a person should look at."""
        return _to_marks(self.table["review_needed"]) & self.is_ok

    @cached_property
    def doubt(self) -> NDArray[np.float64]:
        """Mean doubt; NaN where there is none."""
        column = pc.fill_null(self.table["doubt_mean"], np.nan)
        return np.asarray(column.to_numpy(), np.float64)

    @cached_property
    def facets(self) -> Mapping[str, list[tuple[str, int]]]:
        """Count the rows of each value of each facet."""
        found = {facet: one.count()[:MOST_VALUES] for facet, one in self.coded.items()}
        found[FOLDER] = self.folders.count()[:MOST_VALUES]
        flags = [(name, int(marks.sum())) for name, marks in self.flags.items()]
        found[FLAG] = sorted((one for one in flags if one[1]), key=lambda one: (-one[1], one[0]))
        return found

    def mark(self, facet: str, wanted: Sequence[str]) -> Marks:
        """Mark the rows that have one of some values of a facet."""
        if facet == FLAG:
            marks = [self.flags[name] for name in wanted if name in self.flags]
            return np.asarray(np.logical_or.reduce([np.zeros(len(self), bool), *marks]))
        if facet == FOLDER:
            below = tuple(f"{folder}/" for folder in wanted)
            values = self.folders.values
            return self.folders.mark([one in wanted or one.startswith(below) for one in values])
        codes = self.coded[facet]
        return codes.mark([value in wanted for value in codes.values])

    def search(self, text: str) -> Marks:
        """Mark the rows whose path or object id has a text in it, whatever its case."""
        found = [
            pc.match_substring(self.table[name], text, ignore_case=True)
            for name in ("source_path", "object_id")
        ]
        return _to_marks(found[0]) | _to_marks(found[1])

    def order(self, name: str) -> Indices:
        """Give all rows in one of ORDERS; rows without doubt come last."""
        if name not in self._orders:
            ways = {"": "ascending", "-": "descending"}
            way = ways[name[: name.startswith("-")]]
            keys = [("source_path", way), ("page", way)]
            if name.endswith("doubt"):
                keys = [("doubt_mean", way), ("source_path", "ascending"), ("page", "ascending")]
            found = pc.sort_indices(self.table, sort_keys=keys)  # nulls at the end
            self._orders[name] = found.to_numpy().astype(np.int64)
        return self._orders[name]


def _hash_texts(texts: NDArray[np.object_]) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_array(texts, categorize=False), np.uint64)


def _to_marks(column: pa.ChunkedArray) -> Marks:
    filled = pc.fill_null(column, False)
    return np.asarray(filled.to_numpy(), bool)
