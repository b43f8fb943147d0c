"""The time at which a run takes no further batch."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from archive_colorizer.errors import ConfigError

FORMS: Final = ("%H:%M", "%Y-%m-%dT%H:%M")
Clock = Callable[[], datetime]


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

    def is_past(self) -> bool:
        """Tell whether it is time to end."""
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
