"""Errors of the program itself: the one place that catches them, and the judge of a broken program.

An error that nobody foresaw must not cost an archive its other pictures: it becomes its page's row,
of the class `program_error`. But a program that fails everywhere ends, before it has written a
hundred thousand such rows.
"""

import re
import traceback
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from archive_colorizer.errors import (
    ArchiveColorizerError,
    BrokenProgramError,
    PhotoError,
    ProgramPhotoError,
)
from archive_colorizer.progress import LOG

FIRST: Final = 1000
"""Pages, in the order of receipt, of which at most MAX_OF_FIRST may be errors of the program."""
MAX_OF_FIRST: Final = FIRST // 10
MAX_TEXT: Final = 300
_ADDRESS: Final = re.compile(r"( at)? 0x[0-9a-fA-F]{6,}")
Result = TypeVar("Result")


def guarded(work: Callable[[], Result]) -> Result | Exception:
    """Do some work on one page (or one batch), and give what it raises as a value.

    This is the package's only `except Exception` that does not raise again: callers stand at the
    edge of a page (`steps.step`, `steps.record`, `inputs`), of a worker, or of the report.

    Raises:
        ArchiveColorizerError: one that is no picture's fault, such as a UsageError.
    """
    try:
        return work()
    except ArchiveColorizerError as error:
        if isinstance(error, PhotoError):
            return error
        raise
    except Exception as error:  # noqa: BLE001 (the last guard: see above)
        return error


def describe(error: Exception) -> str:
    """Describe an error in one line: its class and its words, without memory addresses."""
    text = guarded(lambda: str(error))
    line = " ".join(_ADDRESS.sub("", text).split()) if isinstance(text, str) else ""
    return f"{type(error).__name__}: {line[:MAX_TEXT]}" if line else type(error).__name__


def trace_of(error: Exception) -> str:
    """Format an error's traceback, for the log."""
    return "".join(traceback.format_exception(error))


def broken(what: str, error: Exception) -> BrokenProgramError:
    """Make the error that ends the job, of one that is no single page's; the traceback is a note.

    Args:
        what: could not be done, as the beginning of the line.
        error: as it was raised.
    """
    made = BrokenProgramError(f"{what}: {describe(error)}; the traceback is in the log")
    made.add_note(trace_of(error))
    return made


class Received(Protocol):
    """A page that has its row: all that the judge needs of it."""

    @property
    def row_id(self) -> str:
        """The row."""

    @property
    def error_class(self) -> str:
        """Why it is not `ok`; empty where it is."""

    @property
    def error_message(self) -> str:
        """The row's message."""

    @property
    def trace(self) -> str:
        """The traceback of an error of the program."""


class ProgramErrors:
    """Counts errors of the program in the driver's order of receipt, logs them, and judges."""

    def __init__(self, limit: int, others: int = 0) -> None:
        """Begin to count.

        Args:
            limit: so many in a row end the job; 0 lets it go on to its end whatever comes.
            others: pages of the job that were done before this run.
        """
        self._limit, self._others = limit, others
        self._received = self._errors = self._in_a_row = 0
        self._last = ""

    def add(self, batch: Sequence[Received]) -> None:
        """Count a batch whose rows are written.

        Raises:
            BrokenProgramError: `limit` in a row, or more than a tenth of the first thousand.
        """
        for one in batch:
            self._received += 1
            if one.error_class != ProgramPhotoError.error_class:
                self._in_a_row = 0
                continue
            self._errors += 1
            self._in_a_row += 1
            self._last = one.error_message
            LOG.error("row %s: %s\n%s", one.row_id, one.error_message, one.trace)
            self._judge()

    def finish(self) -> None:
        """Judge at the end of the job.

        Raises:
            BrokenProgramError: it has no page that ended otherwise.
        """
        if self._errors and self._errors == self._received and not self._others:
            raise self._verdict(f"every picture ({self._errors:,})")

    def _judge(self) -> None:
        if not self._limit:
            return
        if self._in_a_row >= self._limit:
            raise self._verdict(f"{self._in_a_row:,} pictures in a row")
        if self._received <= FIRST and self._errors > MAX_OF_FIRST:
            raise self._verdict(f"{self._errors:,} of the first {self._received:,} pictures")

    def _verdict(self, on: str) -> BrokenProgramError:
        return BrokenProgramError(
            f"the program failed on {on}: {self._last}; the traceback is in the log"
        )
