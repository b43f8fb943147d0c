"""Status of a job, read from OUTPUT alone, while it runs or after."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.derivatives import find_present
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.lease import read_lease
from archive_colorizer.pipeline.output.pilots import read_extrapolation
from archive_colorizer.pipeline.output.reviews import ReviewCounts
from archive_colorizer.pipeline.output.reviews import count as count_reviews
from archive_colorizer.pipeline.pilot.extrapolate import Extrapolation
from archive_colorizer.pipeline.reasons import passed_over_reason, reason_of
from archive_colorizer.pipeline.records import STEP_TIMES
from archive_colorizer.progress import rate
from archive_colorizer.storage import Store

SLOWEST = 5
NOBODY = "no"
_COLUMNS = (
    "status", "error_class", "source_uri", "started_at", "job_id", "recipe_sha256",
    "review_needed",
)  # fmt: skip
_TIMES = tuple(f"ms_{name}" for name in STEP_TIMES)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Counts of a job."""

    location: str
    job_id: str
    running: str
    """The process that holds the lease, or "no"."""
    listed: int
    by_status: dict[str, int]
    by_error: dict[str, int]
    other_recipe: int
    """Rows of an earlier recipe that this job has not done again."""
    pictures_per_s: float
    unlisted: tuple[str, ...]
    """Folders of SOURCE that could not be listed, of the last run that had something to do."""
    passed_over: dict[str, int]
    """Files of SOURCE that are no pictures to be coloured, by kind."""
    slowest: tuple[tuple[float, str], ...]
    """Seconds of work and source URI of the slowest pages."""
    review: int = 0
    """Pictures that a person should look at."""
    pilot: Extrapolation | None = None
    """What a sample says of the whole; None where none was drawn, or all is done."""
    reviews: ReviewCounts = field(default_factory=ReviewCounts)
    """What people said of the derivatives."""

    @property
    def left(self) -> int:
        """Count of listed pages without a row."""
        return max(0, self.listed - sum(self.by_status.values()))

    def text(self) -> str:
        """Format the report for people."""
        lines = [
            f"{self.location}: job {self.job_id}, running: {self.running}",
            f"listed {self.listed:,}, left {self.left:,}, {self.pictures_per_s:.1f} pictures/s",
            *(f"  {count:>9,}  {name}" for name, count in sorted(self.by_status.items())),
        ]
        if self.review:
            lines.append(f"  {self.review:>9,}  of them to review (--review lists them)")
        lines += self._review_lines()
        if self.by_error:
            lines.append("by error class (--failed and --skipped list the pictures):")
            lines += [
                f"  {count:>9,}  {name}: {reason_of(name).why.en}"
                for name, count in sorted(self.by_error.items())
            ]
        if self.other_recipe:
            lines.append(f"{self.other_recipe:,} rows are of an earlier recipe")
        lines += self.pilot.lines() if self.pilot else []
        lines += [f"not listed: {line}" for line in self.unlisted]
        if self.passed_over:
            lines.append("passed over (--passed-over lists the files):")
            kinds = sorted(self.passed_over.items(), key=lambda item: (-item[1], item[0]))
            lines += [
                f"  {count:>9,}  {kind}: {passed_over_reason(kind).why.en}" for kind, count in kinds
            ]
        if self.slowest:
            lines.append("slowest:")
            lines += [f"  {seconds:8.2f} s  {uri}" for seconds, uri in self.slowest]
        return "\n".join(lines)

    def _review_lines(self) -> list[str]:
        found = self.reviews
        if not found.reviewers:
            return []
        counts = {
            "approved": found.approved, "rejected": found.rejected,
            "disputed": found.disputed, "put off": found.later,
            "nobody decided on": found.unreviewed,
        }  # fmt: skip
        people = f"{found.reviewers:,} {'person' if found.reviewers == 1 else 'people'}"
        return [
            f"looked at by {people} (--approved and --rejected list the pictures):",
            *(f"  {count:>9,}  {name}" for name, count in counts.items() if count),
            f"  {found.flagged_reviewed:>9,}  of the {self.review:,} to review are decided",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        slowest = [{"seconds": seconds, "source_uri": uri} for seconds, uri in self.slowest]
        return asdict(self) | {"left": self.left, "slowest": slowest}

    @property
    def is_running(self) -> bool:
        """Whether a run holds OUTPUT."""
        return self.running != NOBODY


def check_job(store: Store) -> dict[str, Any]:
    """Read job.json.

    Raises:
        LocationError: there is no job at that place.
    """
    job = read_job(store)
    if not job:
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    return job


def summarize(store: Store) -> StatusReport:
    """Read the state of a job.

    Raises:
        LocationError: there is no job at that place.
    """
    job = check_job(store)
    rows = manifest.read(store, (*_COLUMNS, *_TIMES))
    here = rows.filter(pc.equal(rows["job_id"], job["job_id"]))
    is_ok = pc.equal(rows["status"], "ok")
    other = pc.sum(pc.not_equal(rows["recipe_sha256"], job["recipe_sha256"])).as_py() or 0
    running = _describe_lease(store)
    return StatusReport(
        location=store.uri,
        job_id=job["job_id"],
        running=running,
        listed=int(job["listed"]),
        by_status=dict(Counter(rows["status"].to_pylist())),
        by_error=dict(Counter(name for name in rows["error_class"].to_pylist() if name)),
        other_recipe=int(other),
        pictures_per_s=_compute_rate(here, job, running=running != NOBODY),
        unlisted=tuple(job.get("unlisted", ())),
        passed_over=dict(job.get("passed_over", {})),
        slowest=_find_slowest(rows),
        review=pc.sum(pc.and_kleene(rows["review_needed"], is_ok)).as_py() or 0,
        pilot=read_extrapolation(store),
        reviews=count_reviews(store),
    )


def list_sums(store: Store) -> Iterator[str]:
    """Yield a line for each derivative and marked file, as `sha256sum` writes them.

    Paths are relative to OUTPUT.

    Raises:
        LocationError: there is no job at that place.
    """
    check_job(store)
    names = ["derivative_key", "derivative_uri", "derivative_sha256", "marked_key", "marked_sha256"]
    rows = manifest.read(store, names)
    present = find_present(store, rows)
    made = rows.filter(pc.is_valid(rows["derivative_sha256"]))
    marked = rows.filter(pc.is_valid(rows["marked_sha256"]))
    keys = [*present.keys_of(made).to_pylist(), *marked["marked_key"].to_pylist()]
    sums = [*made["derivative_sha256"].to_pylist(), *marked["marked_sha256"].to_pylist()]
    for key, sha256 in zip(keys, sums, strict=True):
        escaped = key.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        yield f"{'' if escaped == key else chr(92)}{sha256}  {escaped}"


def _describe_lease(store: Store) -> str:
    lease = read_lease(store)
    if lease is None or lease.is_dead(time.time()):
        return NOBODY
    return f"process {lease.pid} on {lease.host}"


def _compute_rate(rows: pa.Table, job: dict[str, Any], *, running: bool) -> float:
    """Compute the rate of the last run, as its summary told it.

    While it runs, or after it was killed, its rows tell when the work began and ended.
    """
    if work := job.get("work"):
        return rate(work["pictures"], work["seconds"])
    excluded = pc.fill_null(pc.equal(rows["error_class"], "excluded"), False)
    rows = rows.filter(pc.invert(excluded))  # never opened: no work
    if not rows.num_rows:
        return 0.0
    starts = pc.cast(rows["started_at"], pa.int64())
    ends = pc.add(starts, pc.cast(pc.multiply(_add_times(rows), 1e3), pa.int64(), safe=False))
    now_us = datetime.now(UTC).timestamp() * 1e6
    end_us = now_us if running else pc.max(ends).as_py()
    return rate(rows.num_rows, (end_us - pc.min(starts).as_py()) / 1e6)


def _add_times(rows: pa.Table) -> pa.Array:
    """Add the milliseconds of all steps, by row."""
    total = pa.array([0.0] * rows.num_rows, pa.float64())
    for name in _TIMES:
        total = pc.add(total, pc.fill_null(rows[name].combine_chunks(), 0.0))
    return total


def _find_slowest(rows: pa.Table) -> tuple[tuple[float, str], ...]:
    total = _add_times(rows)
    order = pc.sort_indices(total, sort_keys=[("", "descending")])[:SLOWEST]
    uris = rows["source_uri"].combine_chunks().take(order).to_pylist()
    return tuple(zip((ms / 1000 for ms in total.take(order).to_pylist()), uris, strict=True))
