"""The type of a step, and the way of a batch through a list of steps.

A step is an ordinary class: its constructor takes small picklable settings, `setup` loads heavy
state once a worker, and a call maps a batch of records to as many records. It knows neither its
neighbours nor the engine that runs it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from archive_colorizer.errors import PhotoError
from archive_colorizer.pipeline.records import InHand, Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.pipeline.steps.picture_errors import naming

Kind = Literal["cpu", "gpu"]
"""The workers that a step belongs on."""
In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Taken = TypeVar("Taken", bound=InHand)
Given = TypeVar("Given")


class Stage(Protocol[In, Out]):
    """One step of the way of a picture: records of one type to records of another."""

    name: str
    kind: Kind = "cpu"
    takes_outcomes: bool = False
    """Whether records that have become an Outcome are given to it, too."""

    def setup(self) -> None:
        """Load heavy state, once in each worker before the first batch; by default none."""
        return None

    def __call__(self, batch: Sequence[In]) -> Sequence[Out | Outcome]:
        """Map records to records of the same number and order; a picture's error is an Outcome."""


Step = Stage[Any, Any]
"""A step among others: its neighbours' types are its own by the order of `job.steps`."""


def run_batch(steps: Sequence[Step], batch: Sequence[object]) -> list[Any]:
    """Take a batch through the steps, in order.

    A record that has become an `Outcome` skips the steps between, and only the last step (which
    records outcomes) sees it again.
    """
    records: list[Any] = list(batch)
    for step in steps:
        if step.takes_outcomes:
            records = list(step(records))
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
    """The outcome of a picture that failed by an error of its own."""
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


def failed(record: InHand, error: PhotoError) -> Outcome:
    """The outcome of a picture whose way ends with this record."""
    return failure(record.ref, error, record.started_at_us, record.facts, record.ms)


def each(function: Callable[[Taken], Given], batch: Sequence[Taken]) -> list[Given | Outcome]:
    """Apply a step of single pictures to a batch; a picture's error becomes its outcome."""
    return [_attempt(function, record) for record in batch]


def _attempt(function: Callable[[Taken], Given], record: Taken) -> Given | Outcome:
    try:
        with naming(record.ref):
            return function(record)
    except PhotoError as error:
        return failed(record, error)


def now_us() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def ms_since(start_s: float) -> float:
    """Milliseconds since `time.perf_counter()` gave `start_s`."""
    return (time.perf_counter() - start_s) * 1000
