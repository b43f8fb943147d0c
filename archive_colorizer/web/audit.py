"""The audit log: who did what, when and from where, a JSON object a line."""

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError

LOG: Final = logging.getLogger("archive_colorizer")


class AuditLog:
    """A file that is only added to; several servers may write into one.

    Raises:
        ConfigError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._broken = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"{path}: the audit log cannot be written: {reason}") from error

    def write(self, what: str, who: str, where: str, **more: object) -> None:
        """Add a line. What a name holds is escaped: no value begins another line.

        Args:
            what: was done: login, verdict and so on.
            who: did it; empty where nobody has said yet.
            where: address of the client.
            more: what it was about.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "what": what, "who": who, "from": where} | more)
        with self._lock:
            try:
                os.write(self._file, line.encode() + b"\n")
                self._broken = False
            except OSError as error:
                if not self._broken:
                    LOG.error("%s: the audit log cannot be written: %s", self.path, error)
                self._broken = True

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
