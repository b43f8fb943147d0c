"""Drawing: which of the pages that are to be done are the sample.

Each page has a random number that follows from the seed and from its name below SOURCE; of each
stratum the smallest numbers are taken. So the sample is a simple random one in each stratum, is the
same wherever and in whatever order SOURCE is listed, and a million pages are two arrays.

Strata by tone are drawn in two phases (double sampling for stratification: Neyman 1938; Cochran,
Sampling Techniques, 3rd ed. 1977, chapter 12): a first sample, PROBES times as large, is read for
its tones, and the sample is drawn from that.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.pipeline.pilot.record import Drawn, Pilot, Stratum
from archive_colorizer.pipeline.pilot.strata import TONE, Labels, label_pages

PROBES: Final = 4
"""Pictures that are read for their tone, for each of the sample."""
SMALL: Final = "(small strata)"
CHUNK_ROWS: Final = 50_000
Probe = Callable[[pa.Table], Sequence[str]]
"""Takes pages, gives the tone of each."""
Numbers = NDArray[np.uint64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Strata:
    """Pages in strata, and how many of the whole each stratum stands for."""

    rows: Places
    """Row of each page, (n,)."""
    at: Places
    """Stratum of each page, (n,)."""
    labels: list[Labels]
    pictures: NDArray[np.float64]
    """By stratum."""
    notes: tuple[str, ...] = ()


def draw_pilot(
    todo: pa.Table, sample: int, by: Sequence[str], seed: int, probe: Probe
) -> Pilot | None:
    """Draw a sample.

    Args:
        todo: all pages that are to be done.
        sample: how many are wanted; all are taken where there are no more.
        by: keys of the strata.
        seed: 0 or more; another one draws others.
        probe: reads pages for their tone.

    Returns:
        The pilot; None where nothing is to be done.
    """
    if not todo.num_rows:
        return None
    count = min(sample, todo.num_rows)
    numbers = rank_pages(todo, seed)
    at, labels = label_pages(todo, [key for key in by if key != TONE])
    pictures = np.bincount(at, minlength=len(labels)).astype(np.float64)
    strata = _Strata(np.arange(todo.num_rows), at, labels, pictures)
    probed = 0
    if TONE in by:
        probed = min(PROBES * count, todo.num_rows)
        strata = _split_by_tone(_take(_merge_small(strata, probed), numbers, probed), todo, by,
                                probe)  # fmt: skip
    strata = _merge_small(strata, count)
    chosen = _take(strata, numbers, count)
    drawn = np.bincount(chosen.at, minlength=len(strata.labels))
    order = np.argsort(numbers[chosen.rows], kind="stable")
    rows = chosen.rows[order]
    named = todo.select(["source_uri", "page", "size_bytes"]).take(pa.array(rows)).to_pydict()
    columns = (named["source_uri"], named["page"], chosen.at[order].tolist(), named["size_bytes"])
    return Pilot(
        sample=sample, by=tuple(by), seed=seed, drawn_us=time.time_ns() // 1000,
        pictures=todo.num_rows,
        total_bytes=int(pc.sum(todo["size_bytes"]).as_py()),
        strata=tuple(
            Stratum(*one)
            for one in zip(strata.labels, strata.pictures.tolist(), drawn.tolist(), strict=True)
        ),
        drawn=tuple(Drawn(*one) for one in zip(*columns, strict=True)),
        probed=probed, notes=strata.notes,
    )  # fmt: skip


def take_sample(todo: pa.Table, pilot: Pilot) -> pa.Table:
    """Take the pages of a sample that are to be done, in the order of the sample."""
    wanted = pa.array([f"{one.source_uri}#{one.page}" for one in pilot.drawn], pa.string())
    names = pc.binary_join_element_wise(todo["source_uri"], todo["page"].cast(pa.string()), "#")
    rows = pc.index_in(wanted, value_set=names.combine_chunks()).drop_null()
    return todo.take(rows)


def rank_pages(pages: pa.Table, seed: int) -> Numbers:
    """Give each page a random number that its name and the seed decide, (n,).

    Pages of several SOURCEs that have one name below theirs are told apart by their URIs.
    """
    numbers = _hash(pages, ("relative_raw", "page"), seed)
    _, found, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if (same := np.flatnonzero(counts[found.ravel()] > 1)).size:
        numbers[same] = _hash(pages.take(pa.array(same)), ("source_uri", "page"), seed)
    return numbers


def _hash(pages: pa.Table, names: Sequence[str], seed: int) -> Numbers:
    key, parts = str(seed).encode(), []
    for start in range(0, pages.num_rows, CHUNK_ROWS):
        few = pages.select(list(names)).slice(start, CHUNK_ROWS)
        texts = few[names[0]].cast(pa.binary()).to_pylist()
        digests = (
            hashlib.blake2b(b"%s\0%d" % one, digest_size=8, key=key).digest()
            for one in zip(texts, few["page"].to_pylist(), strict=True)
        )
        parts.append(np.frombuffer(b"".join(digests), ">u8").astype(np.uint64))
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def allocate(pictures: NDArray[np.float64], count: int, room: NDArray[np.intp]) -> Places:
    """Allocate a sample to strata in proportion to their sizes, at least one each.

    By largest remainders (Hamilton's method): each stratum gets the whole part of its share, and
    what is left goes where the rest of the share is largest; of equals the first one.

    Args:
        pictures: that each stratum stands for, (h,).
        count: of the sample; h to the sum of `room`.
        room: pages that each stratum has, at least 1, (h,).

    Returns:
        How many of each, (h,); they add up to `count`.
    """
    share = count * pictures / pictures.sum()
    given = np.clip(np.floor(share).astype(np.intp), 1, room)
    while (missing := count - int(given.sum())) > 0:
        wanting = np.where(given < room, share - given, -np.inf)
        order = np.argsort(-wanting, kind="stable")
        given[order[: min(missing, int((given < room).sum()))]] += 1
    while (surplus := int(given.sum()) - count) > 0:
        over = np.where(given > 1, given - share, -np.inf)
        order = np.argsort(-over, kind="stable")
        given[order[: min(surplus, int((given > 1).sum()))]] -= 1
    return np.asarray(given, np.intp)


def _take(strata: _Strata, numbers: Numbers, count: int) -> _Strata:
    """Take as many pages as are allocated to each stratum, those of the smallest numbers."""
    room = np.bincount(strata.at, minlength=len(strata.labels))
    wanted = allocate(strata.pictures, count, room)
    order = np.lexsort((numbers[strata.rows], strata.at))
    starts = np.concatenate([[0], np.cumsum(room)[:-1]])
    chosen = np.concatenate(
        [order[start : start + n] for start, n in zip(starts, wanted, strict=True)]
    )
    return replace(strata, rows=strata.rows[chosen], at=strata.at[chosen])


def _merge_small(strata: _Strata, count: int) -> _Strata:
    """Put the smallest strata together where there are more than a sample has pictures."""
    number = len(strata.labels)
    if number <= count:
        return strata
    order = np.argsort(-strata.pictures, kind="stable")
    kept = np.sort(order[: count - 1])
    place = np.full(number, count - 1, np.intp)
    place[kept] = np.arange(count - 1)
    pictures = np.bincount(place, weights=strata.pictures, minlength=count).astype(np.float64)
    note = (
        f"{number:,} strata are more than {count:,} pictures: the smallest {number - count + 1:,} "
        "count as one"
    )
    small = (SMALL,) * max(1, len(strata.labels[0]))
    return _Strata(
        strata.rows, place[strata.at], [*(strata.labels[one] for one in kept), small], pictures,
        (*strata.notes, note),
    )  # fmt: skip


def _split_by_tone(first: _Strata, todo: pa.Table, by: Sequence[str], probe: Probe) -> _Strata:
    """Split the strata of a first sample by tone; each part stands for its share of the stratum."""
    tones = probe(todo.take(pa.array(first.rows)))
    place = list(by).index(TONE)
    labels = [
        (*first.labels[one][:place], tone, *first.labels[one][place:])
        for one, tone in zip(first.at.tolist(), tones, strict=True)
    ]
    parts = sorted(set(labels))
    index = {one: number for number, one in enumerate(parts)}
    at = np.array([index[one] for one in labels], np.intp)
    weights = first.pictures / np.maximum(1, np.bincount(first.at, minlength=len(first.labels)))
    pictures = np.bincount(at, weights=weights[first.at], minlength=len(parts)).astype(np.float64)
    return _Strata(first.rows, at, parts, pictures, first.notes)
