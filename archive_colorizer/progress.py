"""Progress of a job: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
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


@dataclass(slots=True)
class Tally:
    """Running counts of a job."""

    total: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    first_s: float | None = None
    last_s: float = 0.0
    first_batch: int = 0

    def add(self, batch: Sequence[Counted]) -> None:
        """Count the outcomes of a batch."""
        self.counts.update(item.status for item in batch)
        self.errors.update(item.error_class for item in batch if item.error_class)
        self.last_s = self.clock()
        if self.first_s is None:
            self.first_s, self.first_batch = self.last_s, len(batch)

    @property
    def done(self) -> int:
        """Count of pages recorded so far, whatever their outcome."""
        return sum(self.counts.values())

    def pictures_per_s(self) -> float:
        """Compute the rate since the first batch arrived (start-up left out); 0 while unknown."""
        if self.first_s is None or self.last_s <= self.first_s:
            return 0.0
        return (self.done - self.first_batch) / (self.last_s - self.first_s)

    def line(self) -> str:
        """Format done, failed, pictures/s and time left as one line."""
        rate = self.pictures_per_s()
        text = (
            f"{self.done:,}/{self.total:,} done, {self.counts['failed']:,} failed, "
            f"{self.counts['skipped']:,} skipped"
        )
        if not rate:
            return text
        return f"{text}, {rate:.1f} pictures/s, {duration((self.total - self.done) / rate)} left"


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
    """Plain log lines, one at the start and then one every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_s = float("-inf")

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
        LOG.info("%s", text)

    def update(self, tally: Tally) -> None:
        if self._clock() - self._last_s >= LINE_EVERY_S or tally.done == tally.total:
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
