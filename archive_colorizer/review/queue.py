"""The queue: which pictures a person is to look at. A sample, all that are flagged, and honeypots.

Everything is drawn by hashes of the pages' names with a seed: it stays through restarts and while a
run adds rows, and a page that is coloured anew keeps its place.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.text_files import open_list, read_csv, reading_list
from archive_colorizer.review.rows import Indices, Marks, Rows
from archive_colorizer.storage import S3Settings

LEAST: Final = 10
"""Pictures of the sample, however few the share comes to."""
KNOWN: Final = ("approved", "rejected")
_NAMES: Final = ("derivative_sha256", "path")
_PLACES, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)


@dataclass(frozen=True, slots=True)
class Honeypots:
    """Pictures whose verdict is known."""

    by_sha256: Mapping[str, str]
    by_path: Mapping[str, str]

    def find(self, rows: Rows) -> Mapping[str, str]:
        """Give the known verdicts of OUTPUT's derivatives, by SHA-256."""
        table = rows.table
        shas = pc.is_in(table["derivative_sha256"], value_set=_texts(self.by_sha256))
        paths = pc.is_in(table["source_path"], value_set=_texts(self.by_path))
        found = table.filter(pc.and_(pc.or_(shas, paths), pa.array(rows.is_ok)))
        pairs = zip(
            found["derivative_sha256"].to_pylist(), found["source_path"].to_pylist(), strict=True
        )
        return {sha: self.by_sha256.get(sha) or self.by_path[path] for sha, path in pairs}


def _texts(names: Mapping[str, str]) -> pa.Array:
    return pa.array(list(names), pa.string())


NO_HONEYPOTS: Final = Honeypots({}, {})


def read_honeypots(path: str, s3: S3Settings) -> Honeypots:
    """Read a CSV of pictures whose verdict is known: derivative_sha256 or path, and verdict.

    Raises:
        ConfigError: it cannot be read, or a row is something else; the row is named.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in _NAMES}
    with reading_list(path), open_list(path, s3) as file:
        table = read_csv(file, _NAMES)
        names = [name.lower() for name in table.names]
        key = next((name for name in _NAMES if name in names), "")
        if not key or "verdict" not in names:
            raise ConfigError(
                f"{path}: honeypots need the columns derivative_sha256 (or path) and verdict"
            )
        for row in table.rows:
            if row.problem:
                raise ConfigError(f"{path}: row {row.number}: {row.problem}")
            values = dict(zip(names, row.cells, strict=True))
            verdict = values["verdict"].strip().lower()
            if verdict not in KNOWN:
                raise ConfigError(f"{path}: row {row.number}: verdict must be {' or '.join(KNOWN)}")
            found[key][values[key].strip()] = verdict
    return Honeypots(found["derivative_sha256"], found["path"])


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn of the rows as they are."""

    order: Indices
    """Rows of the queue, sample, flagged and honeypots mixed."""
    honeypots: Mapping[str, str]
    """Known verdicts by SHA-256."""
    second: NDArray[np.uint64]
    """Decides which pictures are given to a second person: see `is_second`."""

    def mark_second(self, share: float) -> Marks:
        """Mark rows that are drawn for a second look if somebody has judged them."""
        return np.asarray(self.second < np.uint64(int(min(share, 1.0) * (2**64 - 1))))


def draw(rows: Rows, honeypots: Honeypots, share: float, seed: str) -> Drawn:
    """Draw the queue of rows.

    Args:
        rows: of OUTPUT.
        honeypots: are mixed in.
        share: of the coloured pictures, 0..1; at least LEAST of them.
        seed: draws.
    """
    scores = _hash_pages(rows, seed)
    ok = np.flatnonzero(rows.is_ok)
    size = min(len(ok), max(LEAST, math.ceil(share * len(ok))))
    marks = rows.to_review.copy()
    if size:
        marks[ok[np.argpartition(scores[ok], size - 1)[:size]]] = True
    known = honeypots.find(rows)
    tried = pc.is_in(rows.table["derivative_sha256"], value_set=_texts(known))
    marks |= np.asarray(pc.fill_null(tried, False).to_numpy(), bool)
    members = np.flatnonzero(marks)
    places = _mix(scores[members] ^ _PLACES)
    return Drawn(members[np.argsort(places, kind="stable")], known, _mix(scores ^ _SECOND))


def _hash_pages(rows: Rows, seed: str) -> NDArray[np.uint64]:
    pages = pc.cast(pc.fill_null(rows.table["page"], 0), pa.string())
    names = pc.binary_join_element_wise(rows.table["source_path"], pages, "#")
    key = hashlib.sha256(seed.encode()).hexdigest()[:16]
    hashes = pd.util.hash_array(
        np.asarray(names.to_numpy(), object), hash_key=key, categorize=False
    )
    return np.asarray(hashes, np.uint64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter numbers: the last step of SplitMix64 (Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)))
