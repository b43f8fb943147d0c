"""Engines of a job of films: a plain loop, and Ray. Both take a kind of work and its tasks."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from archive_colorizer.video.worker import Answer

Work = Literal["plan", "colour", "finish"]
"""Method of `FilmWorker`."""


class Engine(Protocol):
    """Carries work out."""

    films_at_once: int
    """Films that are planned, coloured and finished together."""

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[Answer]:
        """Do the tasks of one kind; yields what became of each, as it is done."""
