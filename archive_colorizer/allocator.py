"""glibc's allocator, set for work on one picture after the other.

By default glibc maps each large array anew and gives it back when it is freed. A picture of 1.5
megapixels then touches thousands of fresh pages, and the kernel clears every one: in a virtual
machine that costs as much as composing does, and more where many workers do it at once
(docs/performance.md). So freed memory is kept for the next picture, and what lies free is given
back now and then. Elsewhere than on glibc nothing happens here.
"""

import ctypes
import os
from contextlib import suppress
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_MAX: Final = -4
KEPT_BYTES: Final = 1 << 30
"""Free bytes at the top of the heap that are not given back: what a batch needs in a network."""
BATCHES: Final = 64
"""Batches after which free pages are given back: they cost about one batch in a thousand then."""
OWN_SETTINGS: Final = (
    "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES",
)  # fmt: skip
"""Variables by which somebody has set the allocator: those hold."""


class Allocator:
    """The allocator of a worker process, from when this is made."""

    def __init__(self) -> None:
        self._batches = 0
        self._library = ctypes.CDLL(None)
        if not any(name in os.environ for name in OWN_SETTINGS):
            with suppress(AttributeError):
                self._library.mallopt(M_MMAP_MAX, 0)  # all arrays lie in the heap
                self._library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)

    def batch_done(self) -> None:
        """Give free pages back to the system once in BATCHES calls."""
        self._batches += 1
        if self._batches % BATCHES == 0:
            with suppress(AttributeError):
                self._library.malloc_trim(0)
