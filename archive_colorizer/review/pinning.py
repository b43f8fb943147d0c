"""Pinned colours: a preview at once, and the full-size derivative in the background.

studio = PinStudio(store)
jpeg = studio.preview(row, [(120, 80, "#7a1f1f")])
work = studio.save(row, [(120, 80, "#7a1f1f")], "kim")
studio.state(work)    # queued, running, done with the new row, or failed with words
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal, Self

from archive_colorizer.errors import ArchiveColorizerError, LockedError
from archive_colorizer.pipeline.inputs.hints import Point
from archive_colorizer.pipeline.program_errors import describe, guarded, trace_of
from archive_colorizer.progress import LOG
from archive_colorizer.review import pin_record
from archive_colorizer.review.parts import PartFiles
from archive_colorizer.review.pin_preview import KEPT_MODELS, Kept, Previews
from archive_colorizer.review.pin_record import FAILED, MADE, SAVED, PinEvent
from archive_colorizer.review.remaking import remake
from archive_colorizer.review.row_recipe import (
    RowRecipe,
    check_inside,
    check_takes_points,
    find_example,
    read_recipe,
)
from archive_colorizer.storage import DEFAULT_S3, S3Settings, Store

RETRY_S: Final = 3.0
"""Time from one try to the next while another run holds OUTPUT."""
LOAD_AFTER_S: Final = 3.0
"""Time that a new desk has for its first pages, before the model is loaded for the first pin."""
EDGE_PX: Final = 1600


@dataclass(frozen=True, slots=True)
class PinWork:
    """How far the derivative of some saved points is."""

    state: Literal["queued", "running", "done", "failed"]
    row_id: str = ""
    """Where it is done: of the new row."""
    derivative_sha256: str = ""
    why: str = ""
    """What went wrong, or what a queued one waits for."""


class PinStudio:
    """Previews and makes pictures with pinned colours; for several threads. A context manager."""

    def __init__(
        self,
        store: Store,
        s3: S3Settings = DEFAULT_S3,
        run: Mapping[str, object] | None = None,
    ) -> None:
        """Begin; what an earlier desk saved and did not make is taken up in the background.

        Args:
            store: OUTPUT.
            s3: the way to object stores.
            run: settings of a job's section `run` that lie over those of OUTPUT's last run, such as
                `c2pa` and `c2pa_key`, which are on no record.

        Raises:
            LocationError: the record of pinned colours cannot be read.
        """
        self._store, self._s3, self._run = store, s3, dict(run or {})
        self._previews, self._model = Previews(s3), threading.Lock()
        self._recipes: Kept[RowRecipe] = Kept(KEPT_MODELS)
        self._states: dict[str, PinWork] = {}
        self._queue: deque[PinEvent] = deque()
        self._wake, self._closed = threading.Condition(), False
        pin_record.compact(store)
        self._take_up(pin_record.read(store))
        self._thread = threading.Thread(target=self._work, name="pins", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End, after the picture that is being made; the desk after this one makes the others."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    def preview(
        self, row: Mapping[str, Any], pins: Sequence[Point], edge_px: int = EDGE_PX
    ) -> bytes:
        """Colour a row's master with some points, small.

        Args:
            row: of the manifest, all columns.
            pins: (x, y, "#rrggbb"), pixels of the upright master: all points of the picture.
            edge_px: long side of the preview.

        Returns:
            A JPEG.

        Raises:
            ConfigError: the row's model takes no points, or one is not in the picture.
            UsageError: the model cannot be had any more.
            PhotoError: the master cannot be read.
        """
        hints = self._check(row, pins)
        with self._model:
            return self._previews.make(row, hints, self._recipe(row), edge_px)

    def save(self, row: Mapping[str, Any], pins: Sequence[Point], reviewer: str) -> str:
        """Save all points of a picture, in place of those that it had; none takes them off.

        Its derivative is made in the background.

        Returns:
            The id of that work, for `state`. The points are on disk.

        Raises:
            ConfigError: as `preview`.
            OSError: they cannot be written.
        """
        event = PinEvent(
            **pin_record.stamp(), work_id=pin_record.make_id(), event=SAVED,
            source_uri=row["source_uri"], page=row["page"],
            row_id=row["row_id"], derivative_sha256=row["derivative_sha256"], reviewer=reviewer,
            hints=self._check(row, pins),
        )  # fmt: skip
        pin_record.append(self._store, event)
        with self._wake:
            self._states[event.work_id] = PinWork("queued")
            self._queue.append(event)
            self._wake.notify_all()
        return event.work_id

    def state(self, work_id: str) -> PinWork:
        """Tell how far a work is.

        Raises:
            KeyError: there is none of that id.
        """
        with self._wake:
            return self._states[work_id]

    def _recipe(self, row: Mapping[str, Any]) -> RowRecipe:
        return self._recipes.find(
            f"{row['recipe_sha256']} {row['steps']}",
            lambda: read_recipe(row, self._store, self._s3, self._run),
        )

    def _check(self, row: Mapping[str, Any], points: Sequence[Point]) -> str:
        check_takes_points(row)
        hints = pin_record.write_hints(points)
        check_inside(row, hints)
        return hints

    def _take_up(self, events: Sequence[PinEvent]) -> None:
        """Take up the states of all works, and those that have no end yet."""
        begun: dict[str, PinEvent] = {}
        for event in events:
            if event.event == SAVED:
                begun[event.work_id] = event
                self._states[event.work_id] = PinWork("queued")
            else:
                begun.pop(event.work_id, None)
                self._states[event.work_id] = _state_of(event)
        self._queue.extend(begun.values())

    def _work(self) -> None:
        with self._wake:
            busy = self._wake.wait_for(lambda: self._queue or self._closed, LOAD_AFTER_S)
        if not busy:
            self._load_ahead()
        while (event := self._next()) is not None:
            made = guarded(partial(self._finish, event))
            if isinstance(made, Exception):
                LOG.error("pins of %s: %s", event.source_uri, trace_of(made))
                self._set(event, PinWork("failed", why=describe(made)))

    def _load_ahead(self) -> None:
        """Load the model of a picture, so that nobody's first pin waits for it."""

        def load() -> None:
            row = find_example(PartFiles(self._store, self._s3))
            if row:
                with self._model:
                    self._previews.load(self._recipe(row))

        try:
            fault = guarded(load)
        except ArchiveColorizerError as error:
            fault = error
        if fault:
            LOG.info("pins: no model is loaded ahead: %s", fault)

    def _next(self) -> PinEvent | None:
        """Wait for work; None when the studio is closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closed)
            return None if self._closed else self._queue.popleft()

    def _set(self, event: PinEvent, state: PinWork) -> None:
        with self._wake:
            self._states[event.work_id] = state

    def _finish(self, event: PinEvent) -> None:
        """Make the derivative of some saved points, and write down what became of it."""
        try:
            if self._is_replaced(event):
                self._end(event, FAILED, why="later colours of the same picture replaced these")
                return
            self._set(event, PinWork("running"))
            row = remake(self._store, self._s3, self._run, event.picture, event.hints)
        except LockedError as error:
            self._wait(event, str(error))
        except ArchiveColorizerError as error:
            self._end(event, FAILED, why=" ".join(str(error).split()))
        else:
            self._end(event, MADE, row=row)

    def _is_replaced(self, event: PinEvent) -> bool:
        """Whether later points of the same picture were saved, at another desk perhaps."""
        events = pin_record.read(self._store)
        saved = [one for one in events if (one.event, one.picture) == (SAVED, event.picture)]
        return saved[-1].work_id != event.work_id

    def _wait(self, event: PinEvent, why: str) -> None:
        """Put a work back, and give the run that holds OUTPUT some time."""
        with self._wake:
            self._states[event.work_id] = PinWork("queued", why=why)
            self._queue.appendleft(event)
            if not self._closed:
                self._wake.wait(RETRY_S)

    def _end(
        self, event: PinEvent, kind: str, why: str = "", row: Mapping[str, Any] | None = None
    ) -> None:
        ended = replace(event, event=kind, why=why, **pin_record.stamp())
        if row:
            sha256 = row["derivative_sha256"]
            ended = replace(ended, row_id=row["row_id"], derivative_sha256=sha256)
        pin_record.append(self._store, ended)
        self._set(event, _state_of(ended))


def _state_of(event: PinEvent) -> PinWork:
    """Tell the state of a work by the event that ended it."""
    if event.event == MADE:
        return PinWork("done", event.row_id, event.derivative_sha256)
    return PinWork("failed", why=event.why)
