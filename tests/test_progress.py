"""How far a job has come, and how it is said."""

import logging
import time

import pytest

from archive_colorizer import progress
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.progress import Bar, Lines, Tally, duration


class Clock:
    """A clock that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def recorded(ok: int = 0, failed: int = 0, skipped: int = 0) -> list[Recorded]:
    return [
        *(Recorded("a", "ok", "", 1.0) for _ in range(ok)),
        *(Recorded("b", "failed", "truncated", 1.0) for _ in range(failed)),
        *(Recorded("c", "skipped", "already_colour", 1.0) for _ in range(skipped)),
    ]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_tally_counts_by_status_and_by_error_class(clock: Clock) -> None:
    tally = Tally(10, clock)
    tally.add(recorded(ok=2, failed=1))
    tally.add(recorded(failed=1, skipped=1))
    assert tally.done == 5
    assert tally.counts == {"ok": 2, "failed": 2, "skipped": 1}
    assert tally.errors == {"truncated": 2, "already_colour": 1}


def started(at_s: float, count: int) -> list[Recorded]:
    return [Recorded("a", "ok", "", {}, started_at_us=round(at_s * 1e6)) for _ in range(count)]


def test_the_rate_is_of_the_works_wall_time_and_leaves_the_start_up_out(clock: Clock) -> None:
    tally = Tally(1012, clock)
    assert tally.line() == "0/1,012 done, 0 failed, 0 skipped"
    clock.now_s += 60
    tally.add(started(clock.now_s - 4, 8))
    assert (tally.pictures_per_s(), tally.seconds) == (2.0, 4.0)
    clock.now_s += 2
    tally.add(started(clock.now_s - 1, 4))
    assert tally.pictures_per_s() == 2
    assert tally.line() == "12/1,012 done, 0 failed, 0 skipped, 2.0 pictures/s, 0:08:20 left"


def test_one_slow_batch_has_an_honest_rate_and_time_left(clock: Clock) -> None:
    tally = Tally(32, clock)
    clock.now_s += 160
    tally.add(started(clock.now_s - 160, 16))
    assert "0.1 pictures/s, 0:02:40 left" in tally.line()
    clock.now_s += 160  # and the next one lets others wait
    assert tally.rate_now() == 0.05
    assert tally.pictures_per_s() == 0.1


def test_a_worker_whose_clock_is_behind_makes_no_job_slower(clock: Clock) -> None:
    tally = Tally(10, clock)
    clock.now_s += 5
    tally.add(started(clock.now_s - 3600, 10))
    assert tally.pictures_per_s() == 2.0


def test_a_rate_is_nothing_while_unknown() -> None:
    assert (progress.rate(0, 5.0), progress.rate(5, 0.0), progress.rate(5, 2.0)) == (0, 0, 2.5)


def test_lines_go_on_while_nothing_new_comes(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "archive_colorizer")

    def wait_for(words: str) -> None:
        while not any(words in record.message for record in list(caplog.records)):
            clock.now_s += 20
            time.sleep(0.01)

    with Lines(clock, every_s=0.01) as shown:
        shown.say("starting Ray")
        wait_for("starting Ray (for 0:0")
        tally = Tally(16, clock)
        tally.add(started(clock.now_s, 1))
        shown.update(tally)
        wait_for(" left")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (-3, "0:00:00"), (59.6, "0:01:00"), (90061, "25:01:01")]
)
def test_a_duration_is_hours_minutes_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_come_at_the_start_every_ten_seconds_and_at_the_end(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "archive_colorizer")
    tally = Tally(4, clock)
    with Lines(clock) as shown:
        shown.say("loading")
        for step_s in (0, 5, 5, 1):
            clock.now_s += step_s
            tally.add(recorded(ok=1))
            shown.update(tally)
    said = [record.message.partition(" ")[0] for record in caplog.records]
    assert said == ["loading", "1/4", "3/4", "4/4"]


def test_a_bar_takes_the_same_calls(clock: Clock) -> None:
    tally = Tally(2, clock)
    with Bar() as bar:
        bar.say("loading")
        tally.add(recorded(ok=1))
        bar.update(tally)


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bar), (False, Lines)])
def test_a_terminal_gets_the_bar_and_a_file_gets_lines(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, kind: type
) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: terminal)
    assert isinstance(progress.display(), kind)
