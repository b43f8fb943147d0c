"""A standing job: it ends in order at a given time, takes what comes in later, and tells its end.

`--follow` repeats the run: each round lists SOURCE anew, and does what has no row yet. A file that
was changed a moment ago is still being copied, and waits for a later round.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from archive_colorizer.errors import ArchiveColorizerError, ConfigError, NoPicturesError
from archive_colorizer.pipeline import announce
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.listing import Listing
from archive_colorizer.pipeline.report import JobReport

FORMS: Final = ("%H:%M", "%Y-%m-%dT%H:%M")
Clock = Callable[[], datetime]
Run = Callable[[JobConfig, "Deadline"], JobReport]


def local_now() -> datetime:
    """Give the time on this machine's clock."""
    return datetime.now().astimezone()


class Deadline:
    """When a run takes no further batch.

    Args:
        text: `HH:MM`, the next time that this machine's clock shows it; `YYYY-MM-DDTHH:MM`; empty
            for never.
        clock: gives the time now, with its zone.

    Raises:
        ConfigError: another form, or a date that is past.
    """

    def __init__(self, text: str, clock: Clock = local_now) -> None:
        self.text, self._clock = text, clock
        self._at = _parse_time(text, clock()) if text else None

    @property
    def is_past(self) -> bool:
        """Whether it is time to end."""
        return self._at is not None and self._clock() >= self._at

    def seconds_left(self) -> float:
        """Compute how long until then; infinite where there is no such time."""
        return (self._at - self._clock()).total_seconds() if self._at else float("inf")


def _parse_time(text: str, now: datetime) -> datetime:
    for form in FORMS:
        try:
            told = datetime.strptime(text, form).replace(tzinfo=now.tzinfo)
        except ValueError:
            continue
        if form == FORMS[0]:
            today = now.replace(hour=told.hour, minute=told.minute, second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        if told <= now:
            raise ConfigError(f"run.until={text!r}: is past")
        return told
    raise ConfigError(f"run.until={text!r}: must be HH:MM or YYYY-MM-DDTHH:MM")


def carry_out(
    config: JobConfig,
    run: Run,
    *,
    show: Callable[[JobReport], None] = lambda report: None,
    clock: Clock = local_now,
    wait: Callable[[float], object] = threading.Event().wait,
) -> JobReport:
    """Run a job once, or with `run.follow` until `run.until` or an interrupt; tell its end.

    Args:
        config: of the job.
        run: does one round.
        show: is given the report of each round that did something, but for the last.
        clock: gives the time now.
        wait: sleeps so many seconds.

    Returns:
        The report of the last round.

    Raises:
        UsageError, BrokenProgramError: as `run`; they are told, too.
    """
    deadline, note = Deadline(config.run.until, clock), ""
    report: JobReport | None = None
    try:
        while True:
            try:
                report = run(config, deadline)
                if report.worked and config.run.follow:
                    note = announce.tell(config.run.on_end, announce.message_of(report, "round"))
                    show(report if not note else replace(report, notes=(*report.notes, note)))
            except NoPicturesError:
                if not config.run.follow:
                    raise
            if not config.run.follow or deadline.is_past:
                break
            wait(max(0.0, min(config.run.follow_every_s, deadline.seconds_left())))
    except ArchiveColorizerError as error:
        announce.tell(config.run.on_end, {"event": "broken", "output": config.output,
                                          "error": str(error)})  # fmt: skip
        raise
    if report is None:
        raise NoPicturesError(f"{config.source}: no picture came until {deadline.text}")
    note = announce.tell(config.run.on_end, announce.message_of(report, "ended"))
    return replace(report, notes=(*report.notes, note)) if note else report


def hold_unsettled(listing: Listing, seconds: float, now_s: float | None = None) -> Listing:
    """Set pages aside whose file was changed less than so many seconds ago.

    An object of a store is whole from the moment that it is listed, and has no time here. A time in
    the future says nothing.

    Args:
        listing: of SOURCE.
        seconds: how long a file must have been left alone.
        now_s: the time now, seconds since 1970.
    """
    now_ns = int(1e9 * (time.time() if now_s is None else now_s))
    times = np.asarray(listing.table["mtime_ns"].fill_null(0).to_numpy())
    young = (times > now_ns - int(1e9 * seconds)) & (times <= now_ns)
    if not young.any():
        return listing
    waiting = listing.table.filter(pa.array(young))
    return replace(
        listing,
        table=listing.table.filter(pa.array(~young)),
        filtered=pa.concat_tables([listing.filtered, waiting]),
        notes=(*listing.notes, f"{waiting.num_rows:,} files were changed within {seconds:g} s: "
               "they wait for the next look"),
    )  # fmt: skip


def format_utc(moment: datetime) -> str:
    """Format a moment as messages have it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
