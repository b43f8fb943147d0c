"""Decisions of people on derivatives: appended to OUTPUT/reviews/, never edited into the manifest.

A decision is about bytes: it is keyed by the derivative's SHA-256 and the reviewer, so a derivative
that is made anew has no verdict. What somebody takes back stays on record as a further decision.
"""

import queue
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.appended import Appended
from archive_colorizer.pipeline.output.layout import REVIEWS
from archive_colorizer.pipeline.program_errors import guarded
from archive_colorizer.pipeline.reasons import REVIEW_REASONS
from archive_colorizer.storage import Store

VERDICTS: Final = ("approved", "rejected", "later", "undone")
"""`undone` takes back the reviewer's last decision on that derivative; the one before it stands."""
REASONS: Final = tuple(REVIEW_REASONS)
HONEYPOT: Final = "honeypot"
PURPOSES: Final = ("review", "second_look", HONEYPOT)
DISPUTED: Final = "disputed"
GATHER_S: Final = 0.02
"""How long a group of decisions waits for others before it is written."""
_TEXTS: Final = (
    "decision_id", "row_id", "derivative_sha256", "reviewer", "verdict", "reason", "note", "purpose"
)  # fmt: skip
SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
        pa.field("decided_at_us", pa.int64(), nullable=False),
        pa.field("seconds", pa.float64()),
    ]
)
_FILES: Final = Appended(REVIEWS, SCHEMA, "decision_id", "decided_at_us", "decisions")


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person said of one derivative."""

    decision_id: str
    """Of no other decision: one that is written twice counts once."""
    row_id: str
    derivative_sha256: str
    reviewer: str
    verdict: str
    """One of VERDICTS."""
    reason: str = ""
    """One of REASONS, or empty."""
    note: str = ""
    decided_at_us: int = 0
    """Microseconds since 1970, UTC; 0: when it is written."""
    seconds: float | None = None
    """How long it took."""
    purpose: str = "review"
    """One of PURPOSES. A honeypot tries the reviewer; it is no verdict on the picture."""

    def __post_init__(self) -> None:
        _check("verdict", self.verdict, VERDICTS)
        _check("reason", self.reason, ("", *REASONS))
        _check("purpose", self.purpose, PURPOSES)
        for name in ("decision_id", "derivative_sha256", "reviewer"):
            if not getattr(self, name):
                raise ConfigError(f"a decision without {name}")


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"unknown {what} {value!r}{suggest(value, known)}")


def append(store: Store, decisions: Iterable[Decision]) -> str:
    """Write decisions as one new file, whole or not at all; on disk when this returns.

    Returns:
        Its key.

    Raises:
        OSError: it cannot be written. The same decisions may be given again.
    """
    now_us = time.time_ns() // 1000
    dated = [
        one if one.decided_at_us else replace(one, decided_at_us=now_us + number)
        for number, one in enumerate(decisions)
    ]
    return _FILES.append(store, pa.Table.from_pylist([asdict(one) for one in dated], SCHEMA))


class Journal:
    """One process's way to append: many threads write, one file a group of decisions.

    A context manager.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[tuple[Decision, Future[None]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="review journal", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, decision: Decision) -> None:
        """Append a decision; returns when it is durable.

        Raises:
            OSError: it cannot be written, or the journal is closed. It may be given again.
        """
        done: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise OSError("the journal of decisions is closed")
            self._waiting.put((decision, done))
        done.result()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            first = self._waiting.get()
            if first is None:
                return
            group, is_open = self._gather(first)
            error = guarded(partial(append, self._store, [decision for decision, _ in group]))
            for _, done in group:
                if isinstance(error, Exception):
                    done.set_exception(error)
                else:
                    done.set_result(None)

    def _gather(
        self, first: tuple[Decision, Future[None]]
    ) -> tuple[list[tuple[Decision, Future[None]]], bool]:
        """Collect what comes with the first one; and tell whether more may follow."""
        group, end_s = [first], time.monotonic() + GATHER_S
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                one = self._waiting.get(timeout=left_s)
            except queue.Empty:
                break
            if one is None:
                return group, False
            group.append(one)
        return group, True


def read(store: Store) -> pa.Table:
    """Read all decisions, oldest first, with the columns of SCHEMA.

    Raises:
        LocationError: a file of decisions cannot be read, or holds something else.
    """
    return _FILES.read(store)


def read_new(store: Store, seen: frozenset[str]) -> tuple[pa.Table, frozenset[str]]:
    """Read the decisions of files that were not seen yet, oldest first; known ones may be among.

    Returns:
        The decisions, and the keys of all files: what was seen now.

    Raises:
        LocationError: as `read`.
        OSError: the files cannot be listed.
    """
    return _FILES.read_new(store, seen)


def compact(store: Store) -> None:
    """Merge many small files into few; crash-safe, and others may append and compact meanwhile.

    Raises:
        LocationError: as `read`.
        OSError: the store cannot be written.
    """
    _FILES.compact(store)


def standing(decisions: pa.Table) -> pa.Table:
    """Select the decision that stands of each derivative and reviewer; honeypots have their own.

    `undone` takes back the last one that stood, as often as it is given.

    Args:
        decisions: with the columns of SCHEMA, oldest first.

    Returns:
        Rows of it, oldest first; without `undone`.
    """
    if not decisions.num_rows:
        return decisions
    honeypot = pc.equal(decisions["purpose"], HONEYPOT)
    names = decisions["derivative_sha256"], decisions["reviewer"], pc.cast(honeypot, pa.string())
    codes = pc.binary_join_element_wise(*names, "\n").combine_chunks().dictionary_encode()
    group = codes.indices.to_numpy()
    order = np.argsort(group, kind="stable")[::-1]  # group by group, each from its last decision
    undone = pc.equal(decisions["verdict"], "undone").to_numpy()
    steps = np.where(undone, -1, 1)[order]
    sums = np.cumsum(steps)
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    before = np.repeat(sums[starts] - steps[starts], np.diff(starts, append=len(order)))
    # Undone ones count down and others up: who first comes to one was taken back by none.
    standing_at = np.flatnonzero(sums - before == 1)
    _, firsts = np.unique(group[order][standing_at], return_index=True)
    return decisions.take(np.sort(order[standing_at[firsts]]))


def verdicts(standing: pa.Table) -> pa.Table:
    """Join what reviewers say of each derivative.

    `approved`: one or more approve and none rejects; `rejected`: the other way round; `disputed`:
    both; `later`: all who looked put it off. Honeypots say nothing.

    Args:
        standing: of `standing`.

    Returns:
        Columns `derivative_sha256` and `verdict`, a row for each derivative.
    """
    rows = standing.filter(pc.not_equal(standing["purpose"], HONEYPOT))
    marks = pa.table(
        {
            "derivative_sha256": rows["derivative_sha256"],
            "approved": pc.equal(rows["verdict"], "approved"),
            "rejected": pc.equal(rows["verdict"], "rejected"),
        }
    )
    found = marks.group_by("derivative_sha256").aggregate(
        [("approved", "any"), ("rejected", "any")]
    )
    approved, rejected = found["approved_any"], found["rejected_any"]
    verdict = pc.case_when(
        pc.make_struct(pc.and_(approved, rejected), approved, rejected),
        DISPUTED, "approved", "rejected", "later",
    )  # fmt: skip
    return pa.table({"derivative_sha256": found["derivative_sha256"], "verdict": verdict})


def verdicts_of(rows: pa.Table, standing: pa.Table) -> pa.Array:
    """Find the verdict on each row's derivative; null where nobody decided, or it has none.

    Args:
        rows: of the manifest, with `derivative_sha256`.
        standing: of `standing`.
    """
    found = verdicts(standing)
    known = found["derivative_sha256"].combine_chunks()
    at = pc.index_in(rows["derivative_sha256"], value_set=known, skip_nulls=True)
    return _whole(found["verdict"]).take(_whole(at))


def mark(rows: pa.Table, store: Store, verdict: str = "approved") -> pa.BooleanArray:
    """Mark the rows whose derivative has a verdict, by the rule of `verdicts`.

    Args:
        rows: of the manifest, with `derivative_sha256`.
        store: OUTPUT.
        verdict: `approved`, `rejected`, `disputed` or `later`.

    Raises:
        LocationError: as `read`.
    """
    found = verdicts_of(rows, standing(read(store)))
    return pc.fill_null(pc.equal(found, verdict), False)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """What people said of the pictures of a job that have a derivative."""

    approved: int = 0
    rejected: int = 0
    disputed: int = 0
    """Some approve, some reject."""
    later: int = 0
    unreviewed: int = 0
    reviewers: int = 0
    """People who decided anything that stands."""
    flagged_reviewed: int = 0
    """Pictures that a person should look at, and on which somebody decided."""

    @property
    def reviewed(self) -> int:
        """Pictures on which somebody decided."""
        return self.approved + self.rejected + self.disputed


def count(store: Store) -> ReviewCounts:
    """Count the verdicts on the derivatives of a job; all 0 where nobody has decided anything.

    Raises:
        LocationError: as `read`, or the manifest cannot be read.
    """
    stand = standing(read(store))
    if not stand.num_rows:
        return ReviewCounts()
    rows = manifest.read(store, ("status", "derivative_sha256", "review_needed"))
    rows = rows.filter(pc.equal(rows["status"], "ok"))
    verdict = verdicts_of(rows, stand)
    counts = {one["values"]: one["counts"] for one in pc.value_counts(verdict).to_pylist()}
    decided = pc.is_in(verdict, value_set=pa.array(["approved", "rejected", DISPUTED]))
    flagged = pc.and_(decided, pc.fill_null(rows["review_needed"], False))
    return ReviewCounts(
        approved=counts.get("approved", 0),
        rejected=counts.get("rejected", 0),
        disputed=counts.get(DISPUTED, 0),
        later=counts.get("later", 0),
        unreviewed=counts.get(None, 0),
        reviewers=len(pc.unique(stand["reviewer"])),
        flagged_reviewed=pc.sum(flagged).as_py() or 0,
    )
