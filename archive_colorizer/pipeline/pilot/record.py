"""The record of a pilot, OUTPUT/pilot.json: what was drawn, out of what, and how."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.pilot.strata import Labels
from archive_colorizer.storage import Store

PILOT: Final = "pilot.json"


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of what was to be done."""

    labels: Labels
    """One for each key."""
    pictures: float
    """How many are in it; an estimate where tones were probed."""
    drawn: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page of the sample."""

    source_uri: str
    page: int
    stratum: int
    """Index of its stratum."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one run on the sample: what tells wall time from work."""

    job_id: str
    seconds: float
    """Wall time, as the run's rate has it."""
    work_s: float
    """Sum over all steps of all its pictures."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """A sample, and the whole that it was drawn from."""

    sample: int
    """As many as were asked for."""
    by: tuple[str, ...]
    seed: int
    drawn_us: int
    """When it was drawn: rows from then on are the sample's; UTC, microseconds."""
    pictures: int
    """Pages that were to be done then."""
    total_bytes: int
    """Of their masters, as listed: 0 where a listing has no size."""
    strata: tuple[Stratum, ...]
    drawn: tuple[Drawn, ...]
    """In the order in which they are done, which is at random."""
    probed: int = 0
    """Pages that were read for their tone first; 0 where no tone was asked for."""
    notes: tuple[str, ...] = ()
    runs: tuple[Work, ...] = ()

    def is_asked_for(self, sample: int, by: Sequence[str], seed: int) -> bool:
        """Tell whether this is the sample that some settings ask for."""
        return (self.sample, self.by, self.seed) == (sample, tuple(by), seed)

    def with_run(self, work: Work) -> "Pilot":
        """Add the work of a run."""
        others = (one for one in self.runs if one.job_id != work.job_id)
        return replace(self, runs=(*others, work))


def read_pilot(store: Store) -> Pilot | None:
    """Read the pilot of an OUTPUT; None where there is none.

    Raises:
        LocationError: it cannot be read.
    """
    try:
        return _parse(json.loads(store.read(PILOT)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocationError(f"{store.uri_of(PILOT)}: cannot be read: {error}") from error


def _parse(values: Mapping[str, Any]) -> Pilot:
    strata = (Stratum(tuple(one["labels"]), one["pictures"], one["drawn"])
              for one in values["strata"])  # fmt: skip
    lists = {
        "by": tuple(values["by"]),
        "strata": tuple(strata),
        "drawn": tuple(Drawn(*one) for one in values["drawn"]),
        "notes": tuple(values["notes"]),
        "runs": tuple(Work(**one) for one in values["runs"]),
    }
    return Pilot(**(dict(values) | lists))


def write_pilot(store: Store, pilot: Pilot) -> None:
    """Write the pilot whole; its pages as lists, for they may be many."""
    drawn = [[one.source_uri, one.page, one.stratum, one.size_bytes] for one in pilot.drawn]
    values = asdict(replace(pilot, drawn=())) | {"drawn": drawn}
    store.write_atomic(PILOT, json.dumps(values, ensure_ascii=False).encode())


def move_pilot(store: Store, before: str, after: str) -> None:
    """Let the sample follow masters that have moved from below one URI to below another."""
    if pilot := read_pilot(store):
        drawn = tuple(
            replace(one, source_uri=after + one.source_uri.removeprefix(before))
            if one.source_uri.startswith(before) else one
            for one in pilot.drawn
        )  # fmt: skip
        write_pilot(store, replace(pilot, drawn=drawn))
