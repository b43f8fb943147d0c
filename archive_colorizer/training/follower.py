"""Progress of a run, read from its folder: a bar on a terminal, plain lines elsewhere.

The run may be in another process or on another machine; its losses file is seen by all.
"""

import json
import logging
import sys
import threading
from types import TracebackType
from typing import Any, Final, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from archive_colorizer.progress import duration
from archive_colorizer.storage.workspace import Workspace
from archive_colorizer.training.journal import LOSSES

LOG: Final = logging.getLogger("archive_colorizer")
LINE_EVERY_S: Final = 15.0
LOOK_EVERY_S: Final = 1.0
STORE_LOOK_EVERY_S: Final = 5.0
TAIL_BYTES: Final = 8192


class Follower:
    """A context in which a thread watches a run's folder and shows its progress."""

    def __init__(self, folder: Workspace) -> None:
        self._folder = folder
        self._look_every_s = STORE_LOOK_EVERY_S if folder.is_remote else LOOK_EVERY_S
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        if sys.stderr.isatty():
            self._show_bar()
        else:
            self._log_lines()

    def _show_bar(self) -> None:
        words = TextColumn("{task.description}")
        with Progress(SpinnerColumn(), BarColumn(), words, transient=True) as bar:
            task = bar.add_task("starting", total=1.0)
            while not self._over.wait(self._look_every_s):
                line = read_last_line(self._folder, LOSSES)
                if line:
                    bar.update(task, completed=line["progress"], description=describe(line))

    def _log_lines(self) -> None:
        said, ends = -1, False
        while not ends:
            ends = self._over.wait(LINE_EVERY_S)  # the last step is told, too
            line = read_last_line(self._folder, LOSSES)
            if line and line["step"] != said:
                said = line["step"]
                LOG.info("%s", describe(line))


def read_last_line(folder: Workspace, name: str) -> dict[str, Any] | None:
    """Read the last whole line of a losses file; None while there is none."""
    try:
        lines = folder.read_end(name, TAIL_BYTES).split(b"\n")[:-1]
    except OSError:
        return None
    found: dict[str, Any] | None = json.loads(lines[-1]) if lines else None
    return found


def describe(line: dict[str, Any]) -> str:
    """Describe a line for people: step, share, losses and the time that is left."""
    done = min(1.0, max(line["progress"], 1e-9))  # the last step ends after the budget
    left = line["spent_s"] * (1 - done) / done
    losses = ", ".join(f"{name} {value:.3f}" for name, value in line["losses"].items())
    return f"step {line['step']:,}, {100 * done:.0f} %, {losses}, {duration(left)} left"
