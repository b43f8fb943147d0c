"""The last guard, and when a program is so broken that its job ends."""

import logging
from typing import Any

import pytest

from archive_colorizer.cli import main as command
from archive_colorizer.errors import (
    BrokenProgramError,
    LocationError,
    MissingPhotoError,
    deserialise_error,
    serialise_error,
)
from archive_colorizer.pipeline.program_errors import (
    FIRST,
    MAX_OF_FIRST,
    ProgramErrors,
    broken,
    describe,
    guarded,
)
from archive_colorizer.pipeline.steps.record import Recorded

OK = Recorded("a", "ok", "", {})
FAULT = Recorded("b", "failed", "program_error", {}, "file:///b: ValueError: no", "Traceback ...")
OTHER = Recorded("c", "failed", "truncated", {}, "file:///c: cut")


def count(errors: ProgramErrors, received: list[Recorded], size: int = 7) -> int:
    """Give them batch by batch; how many came before the verdict."""
    for start in range(0, len(received), size):
        try:
            errors.add(received[start : start + size])
        except BrokenProgramError:
            return start + size
    return len(received)


def test_what_is_raised_is_a_value_and_what_ends_a_job_is_raised() -> None:
    def fail(error: BaseException) -> Any:
        raise error

    assert guarded(lambda: 7) == 7
    for error in (ValueError("x"), MemoryError(), MissingPhotoError("gone"), RecursionError()):
        assert guarded(lambda error=error: fail(error)) is error
    for ending in (LocationError("x"), BrokenProgramError("x"), KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(ending)):
            guarded(lambda ending=ending: fail(ending))


def test_an_error_is_described_in_one_line_without_addresses() -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError

    assert describe(ValueError("two\n  lines")) == "ValueError: two lines"
    assert describe(ValueError("<Thing object at 0x7f00deadbeef> is bad")) == (
        "ValueError: <Thing object> is bad"
    )
    assert describe(KeyError()) == "KeyError"
    assert describe(Mute("x")) == "Mute"
    assert len(describe(ValueError("x" * 10_000))) < 400


@pytest.mark.parametrize("between", [OK, OTHER])
def test_only_errors_in_a_row_end_a_job(between: Recorded) -> None:
    scattered = [FAULT, FAULT, between] * 30
    assert count(ProgramErrors(3), scattered) == len(scattered)
    with pytest.raises(BrokenProgramError, match="failed on 3 pictures in a row: file:///b: Value"):
        ProgramErrors(3).add([*scattered, FAULT, FAULT, FAULT, FAULT])


def test_they_are_in_a_row_across_batches() -> None:
    assert count(ProgramErrors(50), [OK] + [FAULT] * 60, size=16) == 64


@pytest.mark.parametrize(
    ("every", "ends"), [(10, False), (9, True)], ids=["a tenth", "more than a tenth"]
)
def test_more_than_a_tenth_of_the_first_thousand_end_a_job(every: int, ends: bool) -> None:
    received = ([FAULT] + [OK] * (every - 1)) * (3 * FIRST // every)
    seen = count(ProgramErrors(50), received, size=1)
    assert (seen < len(received)) == ends
    if ends:
        assert seen == MAX_OF_FIRST * every + 1
        with pytest.raises(BrokenProgramError, match="failed on 101 of the first 901 pictures: "):
            ProgramErrors(50).add(received)


def test_later_ones_do_not_unless_they_are_in_a_row() -> None:
    assert count(ProgramErrors(50), [OK] * FIRST + [FAULT, OK] * 500) == 2 * FIRST


def test_a_limit_of_0_lets_a_job_go_on_to_its_end() -> None:
    errors = ProgramErrors(0)
    assert count(errors, [FAULT] * 2000) == 2000
    with pytest.raises(BrokenProgramError, match=r"on every picture \(2,000\): "):
        errors.finish()


@pytest.mark.parametrize(
    ("received", "others", "ends"),
    [
        ([FAULT] * 3, 0, True),
        ([FAULT], 0, True),
        ([FAULT] * 3, 1, False),
        ([FAULT, OK], 0, False),
        ([FAULT, OTHER], 0, False),
        ([], 0, False),
        ([OK], 0, False),
    ],
)
def test_a_job_none_of_whose_pictures_ended_otherwise_is_broken(
    received: list[Recorded], others: int, ends: bool
) -> None:
    errors = ProgramErrors(50, others)
    errors.add(received)
    if ends:
        with pytest.raises(BrokenProgramError):
            errors.finish()
    else:
        errors.finish()


def test_the_traceback_is_logged_with_the_rows_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "archive_colorizer"):
        ProgramErrors(50).add([OK, FAULT, OTHER])
    (record,) = caplog.records
    assert record.getMessage() == "row b: file:///b: ValueError: no\nTraceback ..."


def test_a_verdict_from_another_process_keeps_its_traceback() -> None:
    error = guarded(lambda: int("x"))
    assert isinstance(error, ValueError)
    made = deserialise_error(serialise_error(broken("a worker failed", error)))
    assert isinstance(made, BrokenProgramError)
    assert str(made).startswith("a worker failed: ValueError: invalid literal")
    assert "Traceback" in made.__notes__[0]


def test_the_command_prints_one_line_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def run(args: Any) -> int:
        raise broken("step colorize cannot start", ZeroDivisionError("by zero"))

    monkeypatch.setattr("archive_colorizer.cli.status.run_status", run)
    assert command.main(["status", "out"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "archive-colorizer: step colorize cannot start: ZeroDivisionError: by zero; "
        "the traceback is in the log"
    )
    assert "ZeroDivisionError: by zero" in caplog.text
