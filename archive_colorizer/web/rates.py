"""Rates: how often somebody may ask, by buckets that fill as time goes by."""

import threading
import time
from dataclasses import dataclass
from typing import Final

MOST_KEYS: Final = 20_000
"""Buckets that are kept; one that is full again is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second in the long run."""

    burst: int
    per_s: float


class Limiter:
    """One rate for many askers. Thread-safe."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Take one from an asker's bucket.

        Returns:
            0 where it had one; else the seconds until it will have.
        """
        now = time.monotonic()
        with self._lock:
            left, then = self._left.pop(key, (float(self._rate.burst), now))
            left = min(float(self._rate.burst), left + (now - then) * self._rate.per_s)
            allowed = left >= 1
            self._left[key] = left - 1 if allowed else left, now
            while len(self._left) > MOST_KEYS:
                del self._left[next(iter(self._left))]
        return 0.0 if allowed else (1 - left) / self._rate.per_s

    def give_back(self, key: str) -> None:
        """Put one back into an asker's bucket: it turned out not to count."""
        with self._lock:
            if key in self._left:
                left, then = self._left[key]
                self._left[key] = min(float(self._rate.burst), left + 1), then
