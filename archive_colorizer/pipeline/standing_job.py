"""A job from its first round to its last: it may end at a time, follow SOURCE, and tell its end.

`run.follow` repeats the run: each round lists SOURCE anew, and does what has no row yet.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from archive_colorizer.errors import ArchiveColorizerError, NoPicturesError
from archive_colorizer.pipeline import announce
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.deadline import Clock, Deadline, local_now
from archive_colorizer.pipeline.report import JobReport
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.progress import Silent


def run_job(
    config: JobConfig,
    *,
    show: Callable[[JobReport], None] = lambda report: None,
    clock: Clock = local_now,
    wait: Callable[[float], object] = time.sleep,
) -> JobReport:
    """Colour what SOURCE names into OUTPUT: once, or round after round (`run.follow`).

    It ends at `run.until` or with an interrupt, and `run.on_end` is told of each round that did
    something and of the end.

    Args:
        config: of the job.
        show: is given the report of each round of several that did something.
        clock: gives the time now.
        wait: sleeps so many seconds.

    Returns:
        The report of the last round.

    Raises:
        UsageError: as `colorize`; also where no picture came until the time.
        BrokenProgramError: as `colorize`.
    """
    follows, to = config.run.follow, config.run.on_end
    deadline = Deadline(config.run.until, clock)
    report: JobReport | None = None
    looks = 0
    try:
        while True:
            try:
                shown = Silent() if looks else None  # a look that finds nothing says nothing
                looks += 1
                report = colorize(config, shown, until=deadline)
                if follows and report.worked:
                    show(_told(report, "round", to))
            except NoPicturesError:
                if not follows:
                    raise
            if not follows or deadline.is_past():
                break
            wait(max(0.0, min(config.run.follow_every_s, deadline.seconds_left())))
        if report is None:
            raise NoPicturesError(f"{config.source}: no picture came until {deadline.text}")
    except ArchiveColorizerError as error:
        said = {"event": "broken", "output": config.output, "error": str(error)}
        announce.tell(to, said)
        raise
    return _told(report, "ended", to)


def _told(report: JobReport, event: str, to: str) -> JobReport:
    """Tell of a report; what could not be told becomes a note of it."""
    note = announce.tell(to, announce.message_of(report, event))
    return replace(report, notes=(*report.notes, note)) if note else report
