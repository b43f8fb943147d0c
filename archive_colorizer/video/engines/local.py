"""A plain loop: one film after the other, in this process."""

from collections.abc import Iterator, Sequence
from typing import Any

from archive_colorizer.video.engines import Work
from archive_colorizer.video.worker import Answer, FilmSpec, FilmWorker


class LocalEngine:
    """One worker, which keeps its model."""

    films_at_once = 1

    def __init__(self, spec: FilmSpec) -> None:
        self._worker = FilmWorker(spec)

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[Answer]:
        """Do the tasks in order."""
        do = getattr(self._worker, work)
        for task in tasks:
            yield do(task)
