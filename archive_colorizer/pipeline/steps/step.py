"""The type of a step, and the way of a batch through a list of steps.

A step is an ordinary class: its constructor takes small picklable settings, `setup` loads heavy
state once a worker, and a call maps a batch of records to as many records. It knows neither its
neighbours nor the engine that runs it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeVar

from archive_colorizer.errors import BrokenProgramError, PhotoError, ProgramPhotoError
from archive_colorizer.pipeline.program_errors import broken, describe, guarded, trace_of
from archive_colorizer.pipeline.records import InHand, Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.pipeline.steps.picture_errors import named, naming
from archive_colorizer.pipeline.values import valid_text

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
    alone: bool = False
    """Whether pictures come to it one by one, since it has their full size in hand."""
    takes_outcomes: bool = False
    """Whether records that have become an Outcome are given to it, too."""

    def setup(self) -> None:
        """Load heavy state, once in each worker before the first batch; by default none."""
        return None

    def __call__(self, batch: Sequence[In]) -> Sequence[Out | Outcome]:
        """Map records to records of the same number and order; a picture's error is an Outcome."""


Step = Stage[Any, Any]
"""A step among others: its neighbours' types are its own by the order of `job.steps`."""


def set_up(steps: Sequence[Step]) -> None:
    """Set steps up, in order.

    Raises:
        UsageError: what a step needs is not usable.
        BrokenProgramError: whatever else one raises: it would do so in every worker.
    """
    for step in steps:
        error = guarded(step.setup)
        if isinstance(error, Exception):
            raise broken(f"step {step.name} cannot start", error)


def run_batch(steps: Sequence[Step], batch: Sequence[object]) -> list[Any]:
    """Take a batch through the steps, in order.

    A record that has become an `Outcome` skips the steps between, and only the last step (which
    records outcomes) sees it again. This is the edge of a page: what a step raises, whatever it is,
    becomes the failed row of the page that it was about, and all others go on.

    Raises:
        ArchiveColorizerError: one that ends the job; BrokenProgramError where no row can be
            recorded at all.
    """
    records: list[Any] = list(batch)
    for step in steps:
        if step.takes_outcomes:
            records = _record(step, records)
            continue
        waiting = [i for i, record in enumerate(records) if not isinstance(record, Outcome)]
        results = _do(step, [records[i] for i in waiting], [batch[i] for i in waiting])
        for i, result in zip(waiting, results, strict=True):
            records[i] = result
    return records


def _do(step: Step, records: Sequence[Any], pages: Sequence[Any]) -> list[Any]:
    """Do a batch; one that raises is done again picture by picture, so that neighbours are done.

    Args:
        step: the step.
        records: for it.
        pages: the records that the whole way began with: a step may give what names no page.
    """
    if len(records) > 1:
        done = guarded(lambda: _call(step, records))
        if isinstance(done, list):
            return done
    return [_do_alone(step, *pair) for pair in zip(records, pages, strict=True)]


def _do_alone(step: Step, record: Any, page: Any) -> Any:  # noqa: ANN401 (of any step)
    ref = _find_ref(record) or _find_ref(page)
    if ref is None:
        raise BrokenProgramError(f"step {step.name} was given {type(record).__name__}, not a page")

    def do() -> Any:  # noqa: ANN401
        with naming(ref):
            return _call(step, [record])[0]

    done = guarded(do)
    if not isinstance(done, Exception):
        return done
    known = record if hasattr(record, "facts") else page
    started_at_us = getattr(known, "started_at_us", None) or now_us()
    facts, ms = getattr(known, "facts", None), getattr(known, "ms", None)
    if isinstance(done, PhotoError):
        return failure(ref, done, started_at_us, facts, ms)
    return program_failure(ref, done, started_at_us, facts, ms)


def _record(step: Step, records: Sequence[Any]) -> list[Any]:
    done = guarded(lambda: _call(step, records))
    if isinstance(done, Exception):
        raise broken(f"step {step.name} cannot record anything", done) from done
    return done


def _call(step: Step, records: Sequence[Any]) -> list[Any]:
    """Call a step, and make sure that it gives a record for each.

    Raises:
        TypeError: it does not.
    """
    results = list(step(records))
    if len(results) != len(records) or any(result is None for result in results):
        given = sum(result is not None for result in results)
        raise TypeError(f"step {step.name} gave {given} records for {len(records)}")
    return results


def _find_ref(record: object) -> PhotoRef | None:
    ref = record if isinstance(record, PhotoRef) else getattr(record, "ref", None)
    return ref if isinstance(ref, PhotoRef) else None


def program_failure(
    ref: PhotoRef,
    error: Exception,
    started_at_us: int,
    facts: SourceFacts | None = None,
    ms: Mapping[str, float] | None = None,
) -> Outcome:
    """The outcome of a picture on which the program itself failed."""
    fault = named(ref, ProgramPhotoError(describe(error)))
    return replace(failure(ref, fault, started_at_us, facts, ms), trace=trace_of(error))


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
        error_message=valid_text(str(error)),
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
