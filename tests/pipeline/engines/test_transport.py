"""Records and errors between workers, without Ray."""

import pyarrow as pa
import pytest

from archive_colorizer.errors import LocationError, LockedError
from archive_colorizer.pipeline.engines.transport import (
    pack,
    pack_recorded,
    pack_stop,
    raise_stop,
    unpack,
    unpack_recorded,
)
from archive_colorizer.pipeline.steps.record import Recorded

DONE = [Recorded("a", "ok", "", {"read": 1.5, "model": None}), Recorded("b", "failed", "x", {})]


def test_records_come_back() -> None:
    records = [("any", 1), {"thing": b"\0"}]
    table = pack(records)
    raise_stop(table)
    assert unpack(table) == records
    assert unpack(pack([])) == []


def test_what_was_recorded_comes_back() -> None:
    table = pack_recorded(DONE)
    raise_stop(table)
    assert unpack_recorded(table) == DONE


@pytest.mark.parametrize("at_end", [False, True])
def test_the_error_that_stopped_a_worker_is_raised_from_among_what_others_did(at_end: bool) -> None:
    whole = pack_recorded(DONE) if at_end else pack([1, 2])
    stop = pack_stop(LockedError("out/: taken over"), at_end=at_end)
    for table in (stop, pa.concat_tables([whole, stop, whole])):
        with pytest.raises(LockedError, match=r"^out/: taken over$"):
            raise_stop(table)


def test_page_references_hold_no_error() -> None:
    raise_stop(pa.table({"row_id": ["a"]}))


def test_an_error_of_several_lines_is_raised_as_one() -> None:
    with pytest.raises(LocationError, match=r"^a: b c$"):
        raise_stop(pack_stop(LocationError("a: b\nc"), at_end=True))
