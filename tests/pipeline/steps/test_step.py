"""A batch on its way through steps, and how records travel."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from archive_colorizer.errors import (
    BrokenProgramError,
    LocationError,
    LockedError,
    PhotoError,
    TruncatedPhotoError,
)
from archive_colorizer.pipeline.engines.transport import (
    pack,
    pack_recorded,
    refs_of,
    unpack,
    unpack_recorded,
)
from archive_colorizer.pipeline.records import Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import Stage, failure, ms_since, now_us, run_batch

FACTS = SourceFacts(
    "0" * 64, "image/png", 1, 1, 8, 1, "grey", 1, 1, None, None, "", "none", "match",
    flags=("multipage",),
)  # fmt: skip


def ref(number: int) -> PhotoRef:
    return PhotoRef(f"{number}", f"file:///{number}", b"/\xff", f"{number}.jpg", 1, mtime_ns=5)


class Odd(Stage[int, Any]):
    """Fails odd numbers, and notes what it was given."""

    name = "odd"

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, batch: Sequence[int]) -> list[Any]:
        self.seen.append(list(batch))
        error = TruncatedPhotoError("cut")
        return [failure(ref(n), error, 1) if n % 2 else n * 10 for n in batch]


class Last(Odd):
    """Sees outcomes too."""

    takes_outcomes = True

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        self.seen.append(list(batch))
        return [type(record).__name__ for record in batch]


class Losing(Odd):
    """Gives back fewer records than it got."""

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        return list(batch[1:])


def test_a_record_that_became_an_outcome_skips_the_steps_between() -> None:
    first, second, last = Odd(), Odd(), Last()
    assert run_batch([first, second, last], [1, 2, 3, 4]) == ["Outcome", "int", "Outcome", "int"]
    assert (first.seen, second.seen) == ([[1, 2, 3, 4]], [[20, 40]])
    assert [getattr(record, "error_class", record) for record in last.seen[0]] == [
        "truncated", 200, "truncated", 400,
    ]  # fmt: skip


@pytest.mark.parametrize("given", [2, 1])
def test_a_step_that_loses_a_record_is_found_out(given: int) -> None:
    done = run_batch([Losing()], [ref(number) for number in range(given)])
    assert [one.error_class for one in done] == ["program_error"] * given
    assert done[0].error_message == "file:///0: TypeError: step odd gave 0 records for 1"


def test_a_step_that_gives_what_is_no_record_is_found_out_with_the_page() -> None:
    class Nonsense(Odd):
        def __call__(self, batch: Sequence[Any]) -> list[Any]:
            return ["nonsense" for _ in batch]

    class Picky(Odd):
        def __call__(self, batch: Sequence[Any]) -> list[Any]:
            return [one.facts for one in batch]

    done = run_batch([Nonsense(), Picky()], [ref(1), ref(2)])
    assert [one.ref for one in done] == [ref(1), ref(2)]
    assert {one.error_class for one in done} == {"program_error"}
    with pytest.raises(BrokenProgramError, match="was given int, not a page"):
        run_batch([Picky()], [7])


def test_neighbours_of_a_record_that_makes_a_step_raise_are_done() -> None:
    class Odder(Odd):
        def __call__(self, batch: Sequence[PhotoRef]) -> list[Any]:
            self.seen.append(len(batch))
            if any(one.row_id == "3" for one in batch):
                raise ZeroDivisionError
            return list(batch)

    step = Odder()
    done = run_batch([step], [ref(number) for number in range(5)])
    assert [isinstance(one, Outcome) for one in done] == [False, False, False, True, False]
    assert step.seen == [5, 1, 1, 1, 1, 1]
    assert done[3].error_message == "file:///3: ZeroDivisionError"


@pytest.mark.parametrize("error", [LockedError("over"), LocationError("gone"), KeyboardInterrupt()])
def test_what_ends_a_job_is_no_pictures_error(error: BaseException) -> None:
    class Ending(Odd):
        def __call__(self, batch: Sequence[Any]) -> list[Any]:
            raise error

    for count in (1, 2):
        with pytest.raises(type(error)):
            run_batch([Ending()], [ref(number) for number in range(count)])


def test_a_failure_says_whose_fault_it_was_and_keeps_what_is_known() -> None:
    bare = failure(ref(1), PhotoError("no"), 7)
    assert (bare.status, bare.error_class, bare.error_message) == (
        Status.FAILED,
        "unreadable",
        "no",
    )
    assert (bare.facts, bare.flags, dict(bare.ms), bare.started_at_us) == (None, (), {}, 7)
    known = failure(ref(1), TruncatedPhotoError("cut"), 7, FACTS, {"read": 1.0})
    assert (known.facts, known.flags, known.ms) == (FACTS, ("multipage",), {"read": 1.0})


def test_times_are_in_their_units() -> None:
    assert now_us() > 1_600_000_000_000_000
    assert ms_since(0.0) > 0


def test_records_travel_and_come_back_the_same() -> None:
    records = [ref(1), Outcome(ref(2), Status.OK, 3, facts=FACTS)]
    table = pack(records)
    assert unpack(table) == records
    assert unpack(pa.concat_tables([table.slice(1), table.slice(0, 1)])) == records[::-1]
    assert unpack(pack([])) == []


def test_rows_of_a_table_become_page_references_and_other_columns_are_passed_over() -> None:
    table = pa.Table.from_pylist(
        [
            {
                "row_id": "r",
                "source_uri": "file:///a",
                "source_path_raw": b"/\xff",
                "output_key": "a.jpg",
                "size_bytes": 3,
                "elsewhere": "a",
            }
        ]
    )
    expected = PhotoRef("r", "file:///a", b"/\xff", "a.jpg", 3)
    assert refs_of(table) == unpack(table) == [expected]


def test_what_the_driver_hears_travels_as_plain_columns() -> None:
    times = {"read": 1.5, "model": None}
    recorded = [Recorded("a", "ok", "", times), Recorded("b", "failed", "missing", {})]
    table = pack_recorded(recorded)
    assert table.column_names == [
        "row_id", "status", "error_class", "ms", "error_message", "trace", "started_at_us",
        "stopped_by",
    ]  # fmt: skip
    assert unpack_recorded(table) == recorded
