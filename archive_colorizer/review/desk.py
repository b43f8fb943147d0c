"""The desk: one OUTPUT with all that the routes use of it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from starlette.concurrency import run_in_threadpool

from archive_colorizer.errors import PhotoError, UsageError
from archive_colorizer.pipeline.inputs.hints import Point
from archive_colorizer.pipeline.output.reviews import HONEYPOT, Decision
from archive_colorizer.pipeline.output.status import check_job
from archive_colorizer.registry.connection import cache_folder
from archive_colorizer.review.agreement import summarize_agreement
from archive_colorizer.review.cache import DiskCache
from archive_colorizer.review.catalog import Catalog
from archive_colorizer.review.config import ReviewConfig
from archive_colorizer.review.decisions import Decisions, new_id, now_us
from archive_colorizer.review.pictures import Pictures
from archive_colorizer.review.pinning import PinStudio
from archive_colorizer.review.queue import NO_HONEYPOTS, Drawn, draw, read_honeypots
from archive_colorizer.review.rows import Indices, Marks, Rows
from archive_colorizer.review.search import Query, Searches, Sight
from archive_colorizer.review.sides import COLUMNS as SIDE_COLUMNS
from archive_colorizer.review.sides import PixelReader, Side
from archive_colorizer.review.workshop import Workshop
from archive_colorizer.storage import S3Settings, Store
from archive_colorizer.web.refusals import RefusedError
from archive_colorizer.web.sessions import Session

KEPT_DRAWS: Final = 8
KEPT_SIDES: Final = 2_000
READERS: Final = 4
"""Threads that read rows."""
PREVIEWS_WAITING: Final = 8
"""Previews with pinned colours that wait for each other; each takes seconds."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person sends of a picture."""

    row_id: str
    sha256: str
    verdict: str
    reason: str = ""
    note: str = ""
    seconds: float | None = None


class Desk:
    """One OUTPUT under review. Thread-safe.

    Raises:
        LocationError: there is no job at that place, or its record cannot be read.
        ConfigError: the honeypots cannot be read.
        OSError: this machine's folder for pictures cannot be made.
    """

    def __init__(
        self,
        store: Store,
        s3: S3Settings,
        config: ReviewConfig,
        signing: Mapping[str, object] | None = None,
    ) -> None:
        self.store, self.config = store, config
        self.job = check_job(store)
        self.catalog = Catalog(store, s3)
        self._honeypots = read_honeypots(config.honeypots, s3) if config.honeypots else NO_HONEYPOTS
        disk = DiskCache(cache_folder().parent / "review", config.cache_mib << 20)
        self.pictures = Pictures(store, PixelReader(store, s3, config.max_megapixels), disk)
        self.decisions = Decisions(store)
        self._searches = Searches()
        self._readers = Workshop(READERS)
        self._sides: dict[str, Mapping[str, Any]] = {}
        self.pins = PinStudio(store, s3, signing)
        self._painters = Workshop(1, PREVIEWS_WAITING)
        self._draws: dict[tuple[int, float, str], Drawn] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Write what waits, and end the threads."""
        self.decisions.close()
        self.pictures.close()
        self._readers.close()
        self._painters.close()
        self.pins.close()

    async def find_listed(self, row_id: str) -> Mapping[str, Any]:
        """Find what is held of a row.

        Raises:
            RefusedError: there is no such row.
        """
        rows = self.catalog.rows
        at = rows.find(row_id)
        if at is None:  # a look at OUTPUT may take a while
            return await run_in_threadpool(self.catalog.find_listed, row_id)
        return rows.one(at)

    async def find_side(self, row_id: str, kind: str) -> Side:
        """Find a side by its row's id: a request names nothing else.

        Raises:
            RefusedError: there is no such row, or it cannot be read.
        """
        name = f"{row_id} {self.catalog.rows.version}"
        row = self._sides.get(name)
        if row is None:
            row = await self._readers.make(
                name, lambda: self.catalog.read_row(row_id, SIDE_COLUMNS)
            )
            self._sides[name] = row
            while len(self._sides) > KEPT_SIDES:
                del self._sides[next(iter(self._sides))]
        return Side(kind, row)

    def draw(self, rows: Rows, share: float | None = None, seed: str | None = None) -> Drawn:
        """Draw the queue, or give what was drawn."""
        name = (
            rows.version,
            self.config.share if share is None else share,
            self.config.seed if seed is None else seed,
        )
        with self._lock:
            found = self._draws.get(name)
        if found is None:
            found = draw(rows, self._honeypots, *name[1:])
            with self._lock:
                self._draws[name] = found
                while len(self._draws) > KEPT_DRAWS:
                    del self._draws[next(iter(self._draws))]
        return found

    def verdicts_for(self, session: Session) -> Mapping[str, str]:
        """Give the verdicts that a person sees: one's own, or everybody's who only looks."""
        self.decisions.refresh()
        if session.may_decide:
            return self.decisions.verdicts_by(session.name)
        return self.decisions.verdicts_of_all()

    def look(self, session: Session, share: float | None = None, seed: str | None = None) -> Sight:
        """Give what a person's queries are answered from."""
        rows = self.catalog.rows
        return Sight(rows, self.draw(rows, share, seed), self.verdicts_for(session))

    def find(
        self, session: Session, query: Query, share: float | None = None, seed: str | None = None
    ) -> tuple[Sight, Indices]:
        """Find the rows of a query."""
        version = self.decisions.version
        sight = self.look(session, share, seed)
        who = session.name if session.may_decide else None
        return sight, self._searches.find(sight, query, (who, version, share, seed))

    def find_second_looks(self, session: Session) -> tuple[Sight, Indices]:
        """Find the pictures that one other person judged and this one is to judge, too.

        Raises:
            RefusedError: the desk was not started for that.
        """
        if not self.config.double_blind:
            raise RefusedError(404, "the desk was not started with --double-blind")
        sight = self.look(session)
        marks = self._mark_second(sight.rows, sight.drawn)
        wanted = {
            sha256 for sha256, by in self.decisions.all_by_derivative().items()
            if session.name not in by and _is_judged_by_one(by)
        }  # fmt: skip
        shas = sight.rows.table["derivative_sha256"].to_pylist() if marks.any() else []
        found = [at for at in np.flatnonzero(marks).tolist() if shas[at] in wanted]
        return sight, np.asarray(found, np.int64)

    def _mark_second(self, rows: Rows, drawn: Drawn) -> Marks:
        return drawn.mark_second(self.config.second_look) & rows.is_ok

    def decide(self, session: Session, said: Said) -> Decision:
        """Take a verdict; it is durable when this returns.

        Raises:
            RefusedError: the picture has no derivative, or another one by now, or the verdict
                cannot be saved.
        """
        rows, at = self.catalog.find(said.row_id)
        row = rows.one(at)
        if not row["derivative_sha256"] or row["status"] != "ok":
            raise RefusedError(409, "this picture has no derivative to judge")
        if row["derivative_sha256"] != said.sha256:
            raise RefusedError(409, "the derivative is another one by now: look at it again")
        decision = Decision(
            new_id(), said.row_id, said.sha256, session.name, said.verdict, said.reason, said.note,
            now_us(), said.seconds, self._purpose_of(session, rows, at, said.sha256),
        )  # fmt: skip
        return self.decisions.write(decision)

    def _purpose_of(self, session: Session, rows: Rows, at: int, sha256: str) -> str:
        drawn = self.draw(rows)
        if sha256 in drawn.honeypots:
            return HONEYPOT
        if self.config.double_blind and self._mark_second(rows, drawn)[at]:
            by = self.decisions.all_by_derivative_of(sha256)
            if own := by.get(session.name):
                return own.purpose
            if _is_judged_by_one(by):
                return "second_look"
        return "review"

    async def preview_pins(self, row_id: str, points: Sequence[Point]) -> bytes:
        """Colour a picture with some points, small.

        Raises:
            RefusedError: it cannot be, or too many wait for that.
        """

        def paint() -> bytes:
            with _refusing_in_words():
                return self.pins.preview(self.catalog.read_row(row_id), points)

        return await self._painters.make(f"{row_id} {points}", paint)

    def save_pins(self, row_id: str, points: Sequence[Point], reviewer: str) -> str:
        """Save a picture's points and have its derivative made from them; gives the work's id.

        Raises:
            RefusedError: it takes none, or they cannot be saved.
        """
        with _refusing_in_words():
            return self.pins.save(self.catalog.read_row(row_id), points, reviewer)

    def count_agreement(self, session: Session) -> dict[str, Any]:
        """Count how well a person agrees with others; everybody, for who only looks."""
        return summarize_agreement(
            self.decisions.all_by_derivative(),
            self.decisions.first_of_honeypots(),
            self.draw(self.catalog.rows).honeypots,
            session.name if session.may_decide else None,
        )


@contextmanager
def _refusing_in_words() -> Iterator[None]:
    try:
        yield
    except (PhotoError, UsageError) as error:
        raise RefusedError(422, " ".join(str(error).split())) from error
    except OSError as error:
        raise RefusedError(507, f"it could not be saved: {error.strerror or error}") from error


def _is_judged_by_one(by: Mapping[str, Decision]) -> bool:
    """Whether just one person has judged: who puts off has not."""
    return sum(one.verdict in ("approved", "rejected") for one in by.values()) == 1
