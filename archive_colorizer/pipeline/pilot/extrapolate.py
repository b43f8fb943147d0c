"""What the rows of a sample say of the whole that it was drawn from."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.flags import MULTIPAGE
from archive_colorizer.pipeline.pilot.intervals import (
    Design,
    Floats,
    Interval,
    estimate_share,
    estimate_total,
    make_design,
)
from archive_colorizer.pipeline.pilot.record import Pilot
from archive_colorizer.pipeline.records import STEP_TIMES
from archive_colorizer.progress import duration

TIMES: Final = tuple(f"ms_{name}" for name in STEP_TIMES)
COLUMNS: Final = (
    "source_uri", "page", "started_at", "status", "error_class", "review_needed", "flags",
    "n_pages", "derivative_bytes", *TIMES,
)  # fmt: skip
"""Columns of the manifest that tell of a sample."""
SHARES: Final[Mapping[str, str]] = {
    "failed": "failed",
    "review": "to review",
    "skipped": "left out",
    "multipage": "further pages left",
}
"""Figure -> its name in the summary."""


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """What is expected of the whole, each figure with its interval of 95 %."""

    pictures: int
    """Of the whole: pages that were to be done when the sample was drawn."""
    drawn: int
    done: int
    """Pages of the sample that have their row: what is said follows from these."""
    by: tuple[str, ...]
    seed: int
    strata: int
    probed: int
    shares: Mapping[str, Interval]
    """Pictures that fail, want review, are left out, or have further pages that are: by figure."""
    further_pages: Interval | None
    """Pages left out; None where the sample has none."""
    work_s: Interval | None
    """Work of all steps: on Ray a worker has one core, so these are core-seconds."""
    wall_s: Interval | None
    """Wall time, with as much at once as in the sample's runs."""
    derivative_bytes: Interval | None
    notes: tuple[str, ...] = ()
    """Of its drawing."""

    def figures(self) -> list[tuple[str, tuple[str, str, str]]]:
        """Write each figure that is known: (its name, (estimate, low, high))."""
        rows = [(name, _write(one, _count)) for name, one in self.shares.items()]
        sums = (
            ("further_pages", self.further_pages, _count),
            ("work", self.work_s, duration),
            ("wall", self.wall_s, duration),
            ("derivative_bytes", self.derivative_bytes, format_bytes),
        )
        return rows + [(name, _write(one, write)) for name, one, write in sums if one]

    def lines(self) -> list[str]:
        """Say it to people."""
        how = f"by {', '.join(self.by)}, seed {self.seed}" if self.by else f"seed {self.seed}"
        told = f"{self.drawn:,} of {self.pictures:,} pictures, drawn {how}"
        if self.probed:
            told += f", after {self.probed:,} were read for their tone"
        if self.done < self.drawn:
            told += f"; {self.done:,} of them are done"
        lines = [f"pilot: {told}", "expected of all of them (95 % intervals):"]
        names = {
            **SHARES,
            "further_pages": "pages left", "work": "work, h:mm:ss", "wall": "wall time",
            "derivative_bytes": "derivatives",
        }  # fmt: skip
        for name, (estimate, low, high) in self.figures():
            text = f"  {names[name]:<20}{estimate}, {low} to {high}"
            if name in self.shares:
                share = self.shares[name].times(100 / self.pictures)
                text += f" ({share.estimate:.2g} %, {share.low:.2g} to {share.high:.2g} %)"
            lines.append(text)
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them; those of `shares` are pictures."""
        return asdict(self)


def _write(one: Interval, write: Callable[[float], str]) -> tuple[str, str, str]:
    return write(one.estimate), write(one.low), write(one.high)


def _count(number: float) -> str:
    return f"{number:,.0f}"


def format_bytes(number: float) -> str:
    """Write a number of bytes for people."""
    return f"{number / 1e9:,.2f} GB" if number >= 1e9 else f"{number / 1e6:,.2f} MB"


def select_sample(pilot: Pilot, rows: pa.Table) -> tuple[pa.Table, list[int]]:
    """Select the rows of a sample that were made since it was drawn.

    Args:
        pilot: the sample.
        rows: of the manifest, with COLUMNS.

    Returns:
        The rows, and of each its place in the sample.
    """
    index = {(one.source_uri, one.page): at for at, one in enumerate(pilot.drawn)}
    rows = _made_since(rows, pilot.drawn_us)
    rows = rows.filter(
        pc.is_in(rows["source_uri"], value_set=pa.array([uri for uri, _ in index], pa.string()))
    )
    pairs = zip(rows["source_uri"].to_pylist(), rows["page"].to_pylist(), strict=True)
    found = [(row, index[pair]) for row, pair in enumerate(pairs) if pair in index]
    taken = rows.take(pa.array([row for row, _ in found], pa.int64()))
    return taken, [at for _, at in found]


def _made_since(rows: pa.Table, since_us: int) -> pa.Table:
    return rows.filter(pc.greater_equal(rows["started_at"].cast(pa.int64()), since_us))


def count_made(pilot: Pilot, rows: pa.Table) -> int:
    """Count pages that were done since a sample was drawn; excluded ones are not of the whole."""
    rows = _made_since(rows, pilot.drawn_us)
    excluded = pc.sum(pc.equal(rows["error_class"], "excluded")).as_py() or 0
    return int(rows.num_rows - excluded)


def add_times(rows: pa.Table) -> Floats:
    """Add the seconds of all steps, by row."""
    columns = (pc.fill_null(rows[name], 0.0).to_numpy() for name in TIMES)
    return np.asarray(sum(columns, np.zeros(rows.num_rows)) / 1000)


def extrapolate(pilot: Pilot, rows: pa.Table) -> Extrapolation | None:
    """Extrapolate from the sample's rows to the whole.

    A page of the sample that has no row yet counts as missing at random: the sample is done in a
    random order.

    Args:
        pilot: the sample.
        rows: of the manifest, with COLUMNS.

    Returns:
        None before the first row, and once the whole is done.
    """
    if count_made(pilot, rows) >= pilot.pictures:
        return None
    mine, places = select_sample(pilot, rows)
    if not places:
        return None
    drawn = [pilot.drawn[place] for place in places]
    strata = np.array([one.stratum for one in drawn], np.intp)
    sizes = np.array([one.pictures for one in pilot.strata])
    design = make_design(strata, sizes, pilot.probed)
    known = np.array([one.size_bytes for one in drawn], np.float64)
    work = _total(design, pilot, add_times(mine), known)
    wall = None
    if work and (told := sum(run.work_s for run in pilot.runs)):
        wall = work.times(sum(run.seconds for run in pilot.runs) / told)
    multipage = np.array([MULTIPAGE in (one or ()) for one in mine["flags"].to_pylist()], bool)
    status = np.array(mine["status"].to_pylist())
    has = {
        "failed": status == "failed",
        "review": (status == "ok") & np.array(pc.fill_null(mine["review_needed"], False)),
        "skipped": status == "skipped",
        "multipage": multipage,
    }
    further = np.where(multipage, pc.fill_null(mine["n_pages"], 1).to_numpy() - 1.0, 0.0)
    delivered = pc.fill_null(mine["derivative_bytes"], 0).to_numpy().astype(np.float64)
    return Extrapolation(
        pictures=pilot.pictures, drawn=len(pilot.drawn), done=len(places), by=pilot.by,
        seed=pilot.seed, strata=len(pilot.strata), probed=pilot.probed,
        shares={
            name: estimate_share(design, one).times(pilot.pictures) for name, one in has.items()
        },
        further_pages=_total(design, pilot, further) if multipage.any() else None,
        work_s=work, wall_s=wall,
        derivative_bytes=_total(design, pilot, delivered, known), notes=pilot.notes,
    )  # fmt: skip


def _total(
    design: Design, pilot: Pilot, values: Floats, known: Floats | None = None
) -> Interval | None:
    return estimate_total(design, values, known, float(pilot.total_bytes), pilot.seed)
