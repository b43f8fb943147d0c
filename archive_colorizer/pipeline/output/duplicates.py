"""Scans of one print, and front and back of one object, told from the manifest alone.

Scans of one print have difference hashes (`imaging.tone.dhash64`) that differ in few of 64 bits.
Pairs are found exactly, without comparing all with all: Norouzi, Punjani & Fleet, "Fast search in
Hamming space with multi-index hashing" (2012).
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.storage import Store

DISTANCE: Final = 6
"""Bits of 64: scaled, recompressed and slightly cropped copies stay below (docs/formats.md)."""
MAX_DISTANCE: Final = 15
PARTS: Final = 4
PART_BITS: Final = 16
CHUNK: Final = 1 << 21
"""Candidates that are compared at once: memory stays flat, whatever the number of rows."""
FEW_BITS: Final = 4
"""A hash with fewer bits set, or fewer unset, is of a blank page or a plain slope."""
ASPECT: Final = 0.15
"""Share by which the aspect ratios of two scans of one print may differ."""
COLUMNS: Final = (
    "source_uri", "page", "width", "height", "orientation", "source_bytes", "status",
    "error_class", "object_id", "row_id", "dhash64",
)  # fmt: skip
CSV_COLUMNS: Final = (
    "group", "kind", "distance", "source_uri", "page", "width", "height", "source_bytes",
    "status", "error_class", "object_id", "row_id",
)  # fmt: skip
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together; the first is the largest scan."""

    kind: str
    """print: they look alike; object: they have one object_id."""
    places: tuple[int, ...]
    """Of the rows in the table."""
    distances: tuple[int | None, ...]
    """Bits by which each differs from the first; None where that was not compared."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """All groups of an OUTPUT."""

    rows: pa.Table
    """COLUMNS of the manifest."""
    groups: tuple[Group, ...]
    blank: int
    """Pages that were not compared: their hash says nothing."""

    def lines(self) -> Iterator[str]:
        """The groups for people."""
        words = {"print": "look like scans of one print", "object": "have one object id"}
        for number, group in enumerate(self.groups, start=1):
            yield f"group {number}: {len(group.places)} pages {words[group.kind]}"
            for row in self._rows_of(group):
                size = f"{row['width'] or '?'} x {row['height'] or '?'}"
                page = f" page {row['page']}" if row["page"] else ""
                distance = "" if row["distance"] is None else f", {row['distance']} bits"
                fate = f"{row['status']} {row['error_class'] or ''}".strip()
                yield f"  {row['source_uri']}{page}"
                yield f"    {size}, {row['source_bytes'] or 0:,} bytes{distance}, {fate}"
                yield f"    {row['row_id']}"
        kinds = [group.kind for group in self.groups]
        yield (
            f"{kinds.count('print'):,} groups of look-alikes, "
            f"{kinds.count('object'):,} of one object id, among {self.rows.num_rows:,} pages"
            + (f"; {self.blank:,} blank pages were not compared" if self.blank else "")
        )

    def to_csv(self) -> str:
        """The groups as CSV with CSV_COLUMNS, a line for each page."""
        sink = io.StringIO()
        writer = csv.DictWriter(sink, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for number, group in enumerate(self.groups, start=1):
            for row in self._rows_of(group):
                writer.writerow(row | {"group": number, "kind": group.kind})
        return sink.getvalue()

    def _rows_of(self, group: Group) -> list[dict[str, object]]:
        rows = self.rows.take(list(group.places)).to_pylist()
        return [
            row | {"distance": distance}
            for row, distance in zip(rows, group.distances, strict=True)
        ]


def find_duplicates(store: Store, distance: int = DISTANCE) -> Duplicates:
    """Find the groups of an OUTPUT.

    Args:
        store: OUTPUT.
        distance: bits of 64 by which the hashes of one print's scans may differ, 0 to 15.

    Raises:
        LocationError: there is no job at that place.
    """
    if not read_job(store):
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    rows = manifest.read(store, COLUMNS).combine_chunks()
    hashed = np.flatnonzero(pc.equal(pc.binary_length(rows["dhash64"]), 16).fill_null(False))
    digits = "".join(rows["dhash64"].take(hashed).to_pylist())
    hashes = np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)
    ones = np.bitwise_count(hashes)
    telling = (ones >= FEW_BITS) & (ones <= 64 - FEW_BITS)
    prints = _group_prints(rows, hashed[telling], hashes[telling], distance)
    groups = sorted((*prints, *_group_objects(rows)), key=lambda one: (one.kind, one.places))
    return Duplicates(rows, tuple(groups), int((~telling).sum()))


def _group_objects(rows: pa.Table) -> Iterator[Group]:
    """Group the rows of each object id that more than one has."""
    names = pc.fill_null(rows["object_id"], "").combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for places in np.split(order, starts[1:]):
        if len(places) > 1 and names.dictionary[int(codes[places[0]])].as_py():
            yield Group("object", tuple(places.tolist()), (None,) * len(places))


def _group_prints(
    rows: pa.Table, places: Index, hashes: NDArray[np.uint64], distance: int
) -> Iterator[Group]:
    """Group rows round their largest scan: whatever is in a group is near that one.

    Without such a centre, A like B and B like C would put half an archive into one group.
    """
    values, which = np.unique(hashes, return_inverse=True)
    near = _Neighbours(values, distance)
    aspect, pixels = _shapes(rows.take(pa.array(places)))
    holders = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[holders], np.arange(len(values) + 1))
    alike = (near.counts > 0) | (np.diff(bounds) > 1)
    centres = np.flatnonzero(alike[which])
    free = np.ones(len(hashes), bool)
    for centre in centres[np.argsort(-pixels[centres], kind="stable")].tolist():
        if not free[centre]:
            continue
        free[centre] = False
        known = (which[centre], *near.of(which[centre]))
        members = np.concatenate([holders[bounds[one] : bounds[one + 1]] for one in known])
        ratio = np.abs(np.log(aspect[members] / aspect[centre]))
        members = members[free[members] & (ratio <= np.log1p(ASPECT))]
        if not len(members):
            continue
        free[members] = False
        bits = np.bitwise_count(hashes[members] ^ hashes[centre])
        order = np.argsort(bits, kind="stable")
        group = (centre, *members[order].tolist())
        yield Group("print", tuple(places[list(group)].tolist()), (0, *map(int, bits[order])))


class _Neighbours:
    """The near ones of each of many different hashes."""

    def __init__(self, values: NDArray[np.uint64], distance: int) -> None:
        first, second = near_pairs(values, distance)
        ends = np.concatenate((first, second))
        order = np.argsort(ends, kind="stable")
        self._others = np.concatenate((second, first))[order]
        self._bounds = np.searchsorted(ends[order], np.arange(len(values) + 1))
        self.counts = np.diff(self._bounds)

    def of(self, value: int) -> Index:
        """Places of the near ones of the hash at a place."""
        return self._others[self._bounds[value] : self._bounds[value + 1]]


def _shapes(rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Aspect ratio of the upright picture, and pixels, of each row."""
    width, height, turned = (
        pc.fill_null(rows[name], 1).to_numpy().astype(np.float64)
        for name in ("width", "height", "orientation")
    )
    aspect = np.maximum(width, 1) / np.maximum(height, 1)
    return np.where(turned > 4, 1 / aspect, aspect), width * height


def near_pairs(hashes: NDArray[np.uint64], distance: int) -> tuple[Index, Index]:
    """Find all pairs of 64-bit hashes that differ in at most `distance` bits, and no other.

    Two such hashes have a quarter of 16 bits in which they differ in at most `distance // 4`: for
    each quarter, only rows are compared whose quarters are that near.

    Args:
        hashes: (n,).
        distance: 0 to MAX_DISTANCE.

    Returns:
        Two arrays of places in `hashes`, the first of each pair being the smaller one; each pair
        once.

    Raises:
        ValueError: the distance is out of range.
    """
    if not 0 <= distance <= MAX_DISTANCE:
        raise ValueError(f"distance {distance}: must be 0 to {MAX_DISTANCE}")
    flips = _flips(distance // PARTS)
    pairs = [np.empty(0, np.uint64)]
    for part in range(PARTS):
        quarters = (hashes >> np.uint64(part * PART_BITS)).astype(np.uint16)
        order = np.argsort(quarters, kind="stable")
        bounds = np.searchsorted(quarters[order], np.arange(2**PART_BITS + 1))
        for flip in flips:
            wanted = (quarters ^ flip).astype(np.int64)
            for rows, candidates in _expand(order, bounds[wanted], bounds[wanted + 1]):
                once = rows < candidates
                left, right = rows[once], candidates[once]
                near = np.bitwise_count(hashes[left] ^ hashes[right]) <= distance
                pairs.append((left[near] << 32 | right[near]).astype(np.uint64))
    unique = np.unique(np.concatenate(pairs)).astype(np.int64)
    return unique >> 32, unique & 0xFFFFFFFF


def _flips(bits: int) -> NDArray[np.uint16]:
    """All masks of 16 bits with at most `bits` set."""
    masks = np.arange(2**PART_BITS, dtype=np.uint16)
    return masks[np.bitwise_count(masks) <= bits]


def _expand(order: Index, starts: Index, ends: Index) -> Iterator[tuple[Index, Index]]:
    """Yield each row with each of its candidates, at most about CHUNK at once.

    Args:
        order: places, sorted by their bucket.
        starts: of each row, where its candidates begin in `order`.
        ends: where they end.
    """
    counts = ends - starts
    totals = np.cumsum(counts)
    row = 0
    while row < len(counts):
        before = int(totals[row - 1]) if row else 0
        last = max(row + 1, int(np.searchsorted(totals, before + CHUNK, "right")))
        number = counts[row:last]
        rows = np.repeat(np.arange(row, last), number)
        begins = np.repeat(starts[row:last] - (totals[row:last] - number - before), number)
        yield rows, order[begins + np.arange(len(rows))]
        row = last
