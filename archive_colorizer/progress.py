"""Progress of a job: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

LOG: Final = logging.getLogger("archive_colorizer")
LINE_EVERY_S: Final = 10.0


class Counted(Protocol):
    """A page that has its row: all that a count needs of it."""

    @property
    def status(self) -> str:
        """`ok`, `skipped` or `failed`."""

    @property
    def error_class(self) -> str:
        """Why it is not `ok`; empty where it is."""

    @property
    def started_at_us(self) -> int:
        """When reading began; UTC, microseconds since the epoch; 0 for unknown."""


def rate(pictures: int, seconds: float) -> float:
    """Compute pictures a second of the work's wall time: the one rate, wherever one is told.

    Args:
        pictures: that have their row.
        seconds: from the beginning of the first picture to the end of the last.

    Returns:
        0 while unknown.
    """
    return pictures / seconds if pictures and seconds > 0 else 0.0


@dataclass(slots=True)
class Tally:
    """Running counts of a job."""

    total: int
    clock: Callable[[], float] = time.time
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    made_s: float = field(init=False)
    begun_s: float | None = None
    """When the first picture was begun."""
    last_s: float = 0.0

    def __post_init__(self) -> None:
        self.made_s = self.clock()

    def add(self, batch: Sequence[Counted]) -> None:
        """Count the outcomes of a batch."""
        self.counts.update(item.status for item in batch)
        self.errors.update(item.error_class for item in batch if item.error_class)
        self.last_s = self.clock()
        starts = [item.started_at_us / 1e6 for item in batch if item.started_at_us]
        known = self.last_s if self.begun_s is None else self.begun_s
        # A worker's clock may be behind the driver's: nothing began before the job did.
        self.begun_s = max(self.made_s, min([known, *starts]))

    @property
    def done(self) -> int:
        """Count of pages recorded so far, whatever their outcome."""
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        """Wall time of the work so far: from the first picture's beginning to the last row."""
        return 0.0 if self.begun_s is None else self.last_s - self.begun_s

    def pictures_per_s(self) -> float:
        """Compute the rate of the work (start-up left out); 0 while unknown."""
        return rate(self.done, self.seconds)

    def line(self) -> str:
        """Format done, failed, pictures/s and time left as one line."""
        now = self.rate_now()
        text = (
            f"{self.done:,}/{self.total:,} done, {self.counts['failed']:,} failed, "
            f"{self.counts['skipped']:,} skipped"
        )
        if not now:
            return text
        return f"{text}, {now:.1f} pictures/s, {duration((self.total - self.done) / now)} left"

    def rate_now(self) -> float:
        """Compute the rate until now: it falls while a slow batch lets others wait."""
        if self.begun_s is None or self.done == self.total:
            return self.pictures_per_s()
        return rate(self.done, self.clock() - self.begun_s)


def duration(seconds: float) -> str:
    """Format a time as h:mm:ss."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Display(Protocol):
    """Shows a tally as it grows."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def say(self, text: str) -> None:
        """Tell the user what the job is doing before the first picture is done."""

    def update(self, tally: Tally) -> None:
        """Show the counts."""


class Bar:
    """A progress bar for a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), transient=True
        )
        self._task: TaskID = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    def update(self, tally: Tally) -> None:
        self._progress.update(
            self._task, completed=tally.done, total=tally.total, description=tally.line()
        )


class Lines:
    """Plain log lines, one at the start and then one every ten seconds, whatever happens."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, every_s: float = LINE_EVERY_S
    ) -> None:
        self._clock, self._every_s = clock, every_s
        self._last_s = self._said_s = float("-inf")
        self._said = ""
        self._tally: Tally | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._repeat, daemon=True).start()
        return self

    def _repeat(self) -> None:
        """Say once more where the job is, while nothing new comes."""
        while not self._ended.wait(self._every_s):
            now = self._clock()
            if now - max(self._last_s, self._said_s) < self._every_s:
                continue
            if self._tally is not None:
                self._last_s = now
                LOG.info("%s", self._tally.line())
            elif self._said:
                LOG.info("%s (for %s)", self._said, duration(now - self._said_s))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()

    def say(self, text: str) -> None:
        self._said, self._said_s, self._tally = text, self._clock(), None
        LOG.info("%s", text)

    def update(self, tally: Tally) -> None:
        self._tally = tally
        if self._clock() - self._last_s >= self._every_s or tally.done == tally.total:
            self._last_s = self._clock()
            LOG.info("%s", tally.line())


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def say(self, text: str) -> None:
        pass

    def update(self, tally: Tally) -> None:
        pass


def display() -> Display:
    """Choose a bar where standard error is a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
