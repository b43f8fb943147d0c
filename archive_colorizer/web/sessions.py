"""Sessions: who is behind a cookie, for how long, and the token that unsafe requests bring."""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Final

from archive_colorizer.web.accounts import REVIEWER

IDLE_S: Final = 12 * 3600.0
"""A session that nobody used for so long is over."""
LONGEST_S: Final = 7 * 24 * 3600.0
MOST: Final = 10_000
"""Sessions at once; the one that was used least lately goes first."""


@dataclass(frozen=True, slots=True)
class Session:
    """One person at one browser."""

    name: str
    role: str
    csrf: str
    """What the header X-CSRF-Token of unsafe requests must say."""
    until: float
    """By the monotonic clock, seconds."""

    @property
    def may_decide(self) -> bool:
        """Whether its person may do more than look."""
        return self.role == REVIEWER


class Sessions:
    """The sessions of one server. Thread-safe; a restart ends them all."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Session, float]] = {}
        self._lock = threading.Lock()

    def open(self, name: str, role: str) -> str:
        """Begin a session and give the secret that its cookie holds."""
        secret = secrets.token_urlsafe(32)
        now = time.monotonic()
        session = Session(name, role, secrets.token_urlsafe(32), now + LONGEST_S)
        with self._lock:
            self._known[_digest(secret)] = session, now
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return secret

    def find(self, secret: str) -> Session | None:
        """Give the session of a cookie; None where there is none, or it is over."""
        key, now = _digest(secret), time.monotonic()
        with self._lock:
            session, used = self._known.pop(key, (None, 0.0))
            if session is None or now > session.until or now > used + IDLE_S:
                return None
            self._known[key] = session, now
            return session

    def close(self, secret: str) -> None:
        """End a session."""
        with self._lock:
            self._known.pop(_digest(secret), None)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
