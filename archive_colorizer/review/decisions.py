"""What people said: all decisions in memory, and the journal that makes new ones durable first."""

import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import reviews
from archive_colorizer.pipeline.output.reviews import HONEYPOT, Decision
from archive_colorizer.storage import Store
from archive_colorizer.web.refusals import RefusedError

LOG: Final = logging.getLogger("archive_colorizer")
CHECK_EVERY_S: Final = 5.0
"""Pause between two looks at what other desks wrote."""
COMPACT_FROM: Final = 500
"""Files of decisions that are merged while people work."""
UNDONE: Final = "undone"
LATER: Final = "later"


class Decisions:
    """The decisions of one OUTPUT. Thread-safe.

    Raises:
        LocationError: those that are there cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._writing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._ids: set[str] = set()
        self._of: defaultdict[str, dict[str, list[Decision]]] = defaultdict(dict)
        """Derivative -> reviewer -> decisions that were not taken back, oldest first."""
        self._by: defaultdict[str, dict[str, Decision]] = defaultdict(dict)
        """Reviewer -> decision id -> decision that was not taken back, oldest first."""
        self._verdicts: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Reviewer -> derivative -> verdict."""
        self._first: dict[tuple[str, str], Decision] = {}
        """Derivative and reviewer -> what was said first of a honeypot, taken back or not."""
        self._seen: frozenset[str] = frozenset()
        self._checked = 0.0
        self.version = 0
        """Another whenever anybody decided anything."""
        reviews.compact(store)
        self._read_new()
        self._journal = reviews.Journal(store)

    def close(self) -> None:
        """Write what waits."""
        self._journal.close()

    def refresh(self) -> None:
        """Look for what other desks wrote, in a thread, where the last look is old."""
        now = time.monotonic()
        if now - self._checked > CHECK_EVERY_S and not self._refreshing.locked():
            self._checked = now
            threading.Thread(target=self._look, daemon=True, name="decisions").start()

    def _look(self) -> None:
        with self._refreshing:
            try:
                self._read_new()
                if len(self._seen) > COMPACT_FROM:
                    reviews.compact(self._store)
            except (OSError, LocationError) as error:
                LOG.warning("decisions of others could not be read: %s", error)
            self._checked = time.monotonic()

    def _read_new(self) -> None:
        table, self._seen = reviews.read_new(self._store, self._seen)
        with self._lock:
            new = [one not in self._ids for one in table["decision_id"].to_pylist()]
            for said in table.filter(pa.array(new, pa.bool_())).to_pylist():
                self._absorb(Decision(**said))

    def _absorb(self, one: Decision) -> None:
        """Take up a decision; the lock is held."""
        if one.decision_id in self._ids:
            return
        self._ids.add(one.decision_id)
        self.version += 1
        said = self._of[one.derivative_sha256].setdefault(one.reviewer, [])
        if one.verdict == UNDONE:
            same = [d for d in said if (d.purpose == HONEYPOT) == (one.purpose == HONEYPOT)]
            if same:
                said.remove(same[-1])
                self._by[one.reviewer].pop(same[-1].decision_id, None)
        else:
            said.append(one)
            self._by[one.reviewer][one.decision_id] = one
        if said:
            self._verdicts[one.reviewer][one.derivative_sha256] = said[-1].verdict
        else:
            self._verdicts[one.reviewer].pop(one.derivative_sha256, None)
        if one.purpose == HONEYPOT and one.verdict not in (LATER, UNDONE):
            self._first.setdefault((one.derivative_sha256, one.reviewer), one)

    def own(self, reviewer: str, sha256: str) -> Decision | None:
        """Give what a person says of a derivative; None for nothing."""
        with self._lock:
            said = self._of.get(sha256, {}).get(reviewer)
            return said[-1] if said else None

    def others(self, reviewer: str, sha256: str) -> list[Decision]:
        """Give what others say of a derivative, oldest first; honeypots say nothing."""
        found = dict(self.all_by_derivative_of(sha256))
        found.pop(reviewer, None)
        return sorted(found.values(), key=lambda one: one.decided_at_us)

    def verdicts_by(self, reviewer: str) -> Mapping[str, str]:
        """Give a person's verdicts by derivative."""
        with self._lock:
            return dict(self._verdicts[reviewer])

    def all_by_derivative(self) -> Mapping[str, Mapping[str, Decision]]:
        """Give what everybody says: derivative -> reviewer -> decision; honeypots are left out."""
        with self._lock:
            return {sha256: last for sha256, by in self._of.items() if (last := _last_of(by))}

    def all_by_derivative_of(self, sha256: str) -> Mapping[str, Decision]:
        """Give what everybody says of a derivative by reviewer; honeypots are left out."""
        with self._lock:
            return _last_of(self._of.get(sha256, {}))

    def verdicts_of_all(self) -> Mapping[str, str]:
        """Give the verdict of all reviewers together by derivative, by `reviews.verdicts`."""
        found: dict[str, str] = {}
        for sha256, by in self.all_by_derivative().items():
            said = {one.verdict for one in by.values()}
            if {"approved", "rejected"} <= said:
                found[sha256] = reviews.DISPUTED
            else:
                found[sha256] = next((v for v in ("approved", "rejected") if v in said), LATER)
        return found

    def first_of_honeypots(self) -> list[Decision]:
        """Give what each person said first of each honeypot: taking it back does not better it."""
        with self._lock:
            return list(self._first.values())

    def write(self, decision: Decision) -> Decision:
        """Make a decision durable, then take it up.

        Returns:
            It, or the one before it where that says the same: the page sends again what it had no
            answer to.

        Raises:
            RefusedError: it cannot be written.
        """
        with self._writer(decision.reviewer):
            last = self._last_by(decision.reviewer)
            if last is not None and _say_the_same(last, decision):
                return last
            self._write(decision)
        return decision

    def _last_by(self, reviewer: str) -> Decision | None:
        with self._lock:
            return next(reversed(self._by[reviewer].values()), None)

    def undo(self, reviewer: str) -> tuple[Decision, Decision | None]:
        """Take back a person's last decision that stands.

        Returns:
            It, and what that person says of the derivative now.

        Raises:
            RefusedError: there is none, or it cannot be written.
        """
        with self._writer(reviewer):
            last = self._last_by(reviewer)
            if last is None:
                raise RefusedError(404, "there is nothing to take back")
            self._write(
                Decision(
                    new_id(), last.row_id, last.derivative_sha256, reviewer, UNDONE,
                    decided_at_us=now_us(), purpose=last.purpose,
                )
            )  # fmt: skip
        return last, self.own(reviewer, last.derivative_sha256)

    @contextmanager
    def _writer(self, reviewer: str) -> Iterator[None]:
        """One decision of a person after the other: an undo knows what was last."""
        with self._lock:
            lock = self._writing[reviewer]
        with lock:
            yield

    def _write(self, decision: Decision) -> None:
        try:
            self._journal.write(decision)
        except OSError as error:
            reason = error.strerror or error
            raise RefusedError(507, f"the verdict could not be saved: {reason}") from error
        with self._lock:
            self._absorb(decision)


def _say_the_same(one: Decision, other: Decision) -> bool:
    kept = [(d.derivative_sha256, d.verdict, d.reason, d.note, d.purpose) for d in (one, other)]
    return kept[0] == kept[1]


def _last_of(by: Mapping[str, Sequence[Decision]]) -> dict[str, Decision]:
    """The last decision of each reviewer; honeypots are left out."""
    return {name: said[-1] for name, said in by.items() if said and said[-1].purpose != HONEYPOT}


def new_id() -> str:
    """Make the id of a decision."""
    return uuid.uuid4().hex


def now_us() -> int:
    """Give the time as decisions have it."""
    return time.time_ns() // 1000


def mark_verdicts(column: pa.ChunkedArray, verdicts: Mapping[str, str]) -> pa.Array:
    """Lay verdicts beside rows.

    Args:
        column: `derivative_sha256` of rows.
        verdicts: by derivative.

    Returns:
        A verdict or null for each row.
    """
    at = pc.index_in(column, value_set=pa.array(list(verdicts), pa.string()), skip_nulls=True)
    found = pa.array(list(verdicts.values()), pa.string()).take(at)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
