"""The record of pinned colours: OUTPUT/reviews/pins/, where events are only added.

Somebody saves the points of a picture (`saved`), which replace all that it had; later its
derivative is made from them (`made`), or cannot be (`failed`). A saving without an end is work to
do, for this desk or for the one after it.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypedDict

import pyarrow as pa

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.hints import Hints, Point, join_points, read_point
from archive_colorizer.pipeline.output.appended import Appended
from archive_colorizer.pipeline.output.layout import PINS
from archive_colorizer.pipeline.records import Page
from archive_colorizer.storage import Store

SAVED: Final = "saved"
MADE: Final = "made"
FAILED: Final = "failed"
MAX_POINTS: Final = 500
_OF_POINT: Final = ("x", "y", "colour")
_TEXTS: Final = (
    "event_id", "work_id", "event", "source_uri", "row_id", "derivative_sha256", "reviewer",
    "hints", "why",
)  # fmt: skip
_NUMBERS: Final = {"page": pa.int32(), "at_us": pa.int64()}
SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
        *(pa.field(name, kind, nullable=False) for name, kind in _NUMBERS.items()),
    ]
)
_FILES: Final = Appended(PINS, SCHEMA, "event_id", "at_us", "pinned colours")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEvent:
    """One event of the work on a picture's points."""

    work_id: str
    event: str
    """SAVED, MADE or FAILED."""
    source_uri: str
    page: int
    row_id: str
    """Of the derivative that was looked at; where one was made, of that one."""
    derivative_sha256: str
    reviewer: str
    hints: str
    """All points of the picture, as the manifest's column has them; empty for none."""
    event_id: str
    at_us: int
    """Microseconds since 1970, UTC."""
    why: str = ""
    """What went wrong, in one line."""

    @property
    def picture(self) -> Page:
        """The picture: its source URI, and its number in the file."""
        return self.source_uri, self.page


class Stamp(TypedDict):
    """What makes an event one of its own."""

    event_id: str
    at_us: int


def stamp() -> Stamp:
    """Make the stamp of an event that happens now."""
    return {"event_id": make_id(), "at_us": time.time_ns() // 1000}


def make_id() -> str:
    """Make an id that nothing else has."""
    return uuid.uuid4().hex


def append(store: Store, event: PinEvent) -> None:
    """Write an event; it is on disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    _FILES.append(store, pa.Table.from_pylist([asdict(event)], SCHEMA))


def read(store: Store) -> list[PinEvent]:
    """Read all events, oldest first.

    Raises:
        LocationError: a file of them cannot be read, or holds something else.
    """
    return [PinEvent(**row) for row in _FILES.read(store).to_pylist()]


def compact(store: Store) -> None:
    """Merge many small files of events into few.

    Raises:
        LocationError: as `read`.
        OSError: the store cannot be written.
    """
    _FILES.compact(store)


def write_hints(points: Sequence[Point]) -> str:
    """Write a picture's points as the manifest's column `hints` has them; empty for none.

    Raises:
        ConfigError: one is no point in pixels and a colour, or they are too many.
    """
    if len(points) > MAX_POINTS:
        raise ConfigError(f"pins: {len(points):,} points; at most {MAX_POINTS} are taken")
    found = []
    for point in points:
        if len(point) != len(_OF_POINT):
            raise ConfigError(f"pins: {point}: not x, y and a colour")
        texts = map(str, point)
        found.append(read_point(dict(zip(_OF_POINT, texts, strict=True)), "pins"))
    return join_points([Hints("", "pins", found)]) if found else ""
