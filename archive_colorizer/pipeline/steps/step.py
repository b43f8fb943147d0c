"""What a step is, and how a batch goes through a list of them.

A step is an ordinary class: its constructor takes small picklable settings, `setup` loads heavy
state once a worker, and a call maps a batch of records to as many records. It knows neither its
neighbours nor the engine that runs it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from archive_colorizer.errors import PhotoError
from archive_colorizer.pipeline.records import Outcome, PhotoRef, SourceFacts, Status

Kind = Literal["cpu", "gpu"]
In = TypeVar("In")


class Step(Protocol):
    """One step of the way of a picture. `kind` says which workers it belongs on."""

    name: str
    kind: Kind

    def setup(self) -> None:
        """Load heavy state. Called once in each worker before the first batch."""

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        """Map records to records of the same number and order."""


def run_batch(steps: Sequence[Step], batch: Sequence[object]) -> list[Any]:
    """Take a batch through the steps, in order.

    A record that has become an `Outcome` skips the steps between, and only the last step (which
    records outcomes) sees it again.
    """
    records: list[Any] = list(batch)
    for step in steps:
        if getattr(step, "takes_outcomes", False):
            records = step(records)
            continue
        waiting = [i for i, record in enumerate(records) if not isinstance(record, Outcome)]
        for i, result in zip(waiting, step([records[i] for i in waiting]), strict=True):
            records[i] = result
    return records


def failure(
    ref: PhotoRef,
    error: PhotoError,
    started_at_us: int,
    facts: SourceFacts | None = None,
    ms: Mapping[str, float] | None = None,
) -> Outcome:
    """The outcome of a picture whose own fault ended its way."""
    return Outcome(
        ref=ref,
        status=Status.FAILED,
        started_at_us=started_at_us,
        ms=ms or {},
        facts=facts,
        flags=facts.flags if facts else (),
        error_class=error.error_class,
        error_message=str(error),
    )


def each(function: Callable[[In], object], batch: Sequence[In]) -> list[object]:
    """Apply a step of single pictures to a batch."""
    return [function(record) for record in batch]


def now_us() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def ms_since(start_s: float) -> float:
    """Milliseconds since `time.perf_counter()` gave `start_s`."""
    return (time.perf_counter() - start_s) * 1000
