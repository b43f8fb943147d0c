"""Searches: which rows a person sees, in which order; found once, then given page by page."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.review.decisions import mark_verdicts
from archive_colorizer.review.queue import Drawn
from archive_colorizer.review.rows import Indices, Marks, Rows

NOBODY: Final = "none"
"""As a verdict: there is none."""
MOST_KEPT: Final = 64
Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""Facets and the values that are wanted, any of them."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; hashable."""

    filters: Filters = ()
    verdicts: tuple[str, ...] = ()
    """Of who asks; NOBODY among them for none."""
    text: str = ""
    doubt_min: float | None = None
    sort: str = "-doubt"
    is_queue: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What a query is answered from."""

    rows: Rows
    drawn: Drawn
    verdicts: Mapping[str, str] = field(repr=False)
    """Derivative -> verdict, as who asks sees it."""

    def find(self, query: Query) -> Indices:
        """Find rows in their order."""
        marks = self._mark(query)
        order = self.drawn.order if query.is_queue else self.rows.order(query.sort)
        return np.asarray(order[marks[order]])

    def _mark(self, query: Query) -> Marks:
        rows = self.rows
        marks = np.ones(len(rows), bool)
        for facet, wanted in query.filters:
            marks &= rows.mark(facet, wanted)
        if query.doubt_min is not None:
            marks &= rows.doubt >= query.doubt_min  # NaN is not
        if query.text:
            marks &= rows.search(query.text)
        if query.verdicts:
            marks &= self.mark_verdicts(query.verdicts)
        return marks

    def mark_verdicts(self, wanted: tuple[str, ...]) -> Marks:
        """Mark rows by their verdict; NOBODY marks derivatives without one."""
        column = mark_verdicts(self.rows.table["derivative_sha256"], self.verdicts)
        found = pc.is_in(column, value_set=pa.array(wanted, pa.string()))
        marks = np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), bool)
        if NOBODY in wanted:
            none = np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False), bool)
            marks |= none & self.rows.is_ok
        return marks

    def count_verdicts(self) -> list[tuple[str, int]]:
        """Count the rows of each verdict, and of none."""
        column = mark_verdicts(self.rows.table["derivative_sha256"], self.verdicts)
        counts = {one["values"]: one["counts"] for one in pc.value_counts(column).to_pylist()}
        counts.pop(None, None)
        counts[NOBODY] = int(self.rows.is_ok.sum()) - sum(counts.values())
        return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


class Searches:
    """Answers that were found, so that further pages cost nothing. Thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[object, Indices] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, sight: Sight, query: Query, asker: object) -> Indices:
        """Find rows, or give what was found.

        Args:
            sight: what the query is answered from.
            query: what is looked for.
            asker: whose verdicts and queue these are, and in which state.
        """
        name = (sight.rows.version, query, asker if query.verdicts or query.is_queue else None)
        with self._lock:
            found = self._known.get(name)
            if found is not None:
                self._known.move_to_end(name)
                return found
        found = sight.find(query)
        with self._lock:
            self._known[name] = found
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return found
