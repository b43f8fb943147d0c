"""Files of SOURCE that are no masters: counted all, and named while they are not too many."""

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from archive_colorizer.pipeline.values import valid_text

MAX_NAMES: Final = 100_000
"""So many are named; the rest is counted only, so that a NAS full of by-products costs nothing."""


class PassedOver(NamedTuple):
    """One file that is passed over."""

    kind: str
    """Its ending, the by-product's name, or in words."""
    key: str
    """Path below SOURCE; odd bytes as surrogate escapes."""


Row = dict[str, Any] | PassedOver
"""A row of PAGES, or a file that is passed over."""


@dataclass(slots=True)
class PassedOverFiles:
    """Counts by kind, and the first names."""

    counts: Counter[str] = field(default_factory=Counter)
    names: list[tuple[str, str]] = field(default_factory=list)
    """(path, kind), as text that a table can hold."""

    def add(self, kind: str, key: str | bytes) -> None:
        """Count a file, and keep its name while there is room."""
        self.counts[kind] += 1
        if len(self.names) < MAX_NAMES:
            self.names.append((valid_text(os.fsdecode(key)), kind))
