"""Standing jobs: pictures that come in, an end at a given time, and who is told."""

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.errors import ConfigError, NoPicturesError
from archive_colorizer.pipeline import announce
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.deadline import Deadline
from archive_colorizer.pipeline.inputs.listing import list_source
from archive_colorizer.pipeline.inputs.settling import hold_unsettled
from archive_colorizer.pipeline.report import JobReport
from archive_colorizer.pipeline.standing_job import run_job

NOON = datetime(2026, 3, 1, 12, 0).astimezone()


def picture(path: Path, value: int = 90) -> None:
    ramp = np.linspace(value, value + 80, 80)[None].repeat(60, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ramp.astype(np.uint8)).save(path)
    os.utime(path, (1_700_000_000, 1_700_000_000))


class Receiver:
    """A real server that keeps what it is sent."""

    def __init__(self, answer: int = 200) -> None:
        self.messages: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.messages.append(json.loads(body))
                self.send_response(answer)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "hours"), [("12:30", 0.5), ("11:00", 23), ("12:00", 24), ("2026-03-02T12:00", 24)]
)
def test_a_time_of_day_is_the_next_one(text: str, hours: float) -> None:
    now = NOON
    deadline = Deadline(text, lambda: now)
    assert deadline.seconds_left() == 3600 * hours
    assert not deadline.is_past()
    now += timedelta(hours=hours)
    assert deadline.is_past()


@pytest.mark.parametrize("text", ["25:00", "7", "soon", "2026-02-28T12:00"])
def test_another_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"run\.until="):
        Deadline(text, lambda: NOON)


def test_a_file_that_is_being_copied_waits(tmp_path: Path) -> None:
    picture(tmp_path / "old.png")
    picture(tmp_path / "new.png")
    picture(tmp_path / "future.png")
    now_s = time.time()
    os.utime(tmp_path / "new.png", (now_s - 3, now_s - 3))
    os.utime(tmp_path / "future.png", (now_s + 9e5, now_s + 9e5))
    held = hold_unsettled(list_source(str(tmp_path)), 10, now_s)
    names = [raw.decode() for raw in held.table["relative_raw"].to_pylist()]
    assert sorted(names) == ["future.png", "old.png"]
    assert held.filtered["relative_raw"].to_pylist() == [b"new.png"]
    assert any("1 files were changed within 10 s" in note for note in held.notes)


def test_what_comes_in_is_done_and_told_until_the_time(
    job: Callable[..., JobConfig], masters: Path, rows: Callable[..., Any], receiver: Receiver
) -> None:
    until = (datetime.now().astimezone() + timedelta(minutes=90)).strftime("%H:%M")
    config = job(run={"follow": True, "until": until, "on_end": receiver.url,
                      "settle_s": 1.0, "follow_every_s": 5.0})  # fmt: skip
    for path in masters.rglob("*.*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    offset, looks = timedelta(0), 0

    def wait(seconds: float) -> None:
        nonlocal offset, looks
        looks += 1
        assert 0 < seconds <= 5
        if looks == 1:
            picture(masters / "late.png")
        elif looks == 3:
            offset = timedelta(hours=2)

    seen: list[JobReport] = []
    report = run_job(config, show=seen.append, wait=wait,
                     clock=lambda: datetime.now().astimezone() + offset)  # fmt: skip
    assert [one.ok for one in seen] == [5, 1]
    assert report.is_clean
    assert len(rows(config.output)) == 6
    assert [one["event"] for one in receiver.messages] == ["round", "round", "ended"]
    assert receiver.messages[0]["ok"] == 5
    job_json = (Path(config.output) / "job.json").read_text()
    assert "secret" not in job_json


def test_a_run_ends_in_order_at_its_time(
    job: Callable[..., JobConfig], rows: Callable[..., Any]
) -> None:
    config = job(run={"until": "23:59", "batch_size": 2})
    first = datetime.now().astimezone().replace(hour=12, minute=0)
    asked = iter([first, *[first] * 1, *[first + timedelta(hours=12)] * 99])
    report = run_job(config, clock=lambda: next(asked))
    assert 0 < report.ok < 5
    assert report.left == 5 - report.ok
    assert f"{report.left} are left for later" in report.text()
    assert report.is_clean
    assert run_job(job()).ok == report.left
    assert len(rows(config.output)) == 5


def test_an_empty_folder_may_be_followed(job: Callable[..., JobConfig], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    offset = timedelta(0)
    base = job(run={"follow": True, "until": "23:59"})
    config = JobConfig(source=str(empty), output=base.output, color=base.color, run=base.run)
    start = datetime.now().astimezone().replace(hour=12)

    def wait(seconds: float) -> None:
        nonlocal offset
        offset = timedelta(hours=13)

    with pytest.raises(NoPicturesError, match="no picture came until 23:59"):
        run_job(config, wait=wait, clock=lambda: start + offset)


def test_failures_are_told(
    job: Callable[..., JobConfig], masters: Path, receiver: Receiver
) -> None:
    (masters / "broken.jpg").write_bytes(b"no picture at all")
    run_job(job(run={"on_end": receiver.url}))
    (message,) = receiver.messages
    assert message["event"] == "ended"
    assert "failures" in message["needs"]
    assert (message["ok"], message["failed"], message["clean"]) == (5, 1, False)


def test_a_command_gets_the_message(job: Callable[..., JobConfig], tmp_path: Path) -> None:
    target = tmp_path / "told"
    code = (
        "import os, sys; event = os.environ['ARCHIVE_COLORIZER_EVENT']; "
        f"open({str(target)!r}, 'w').write(event + sys.stdin.read())"
    )
    run_job(job(run={"on_end": shlex.join([sys.executable, "-c", code])}))
    text = target.read_text()
    assert text.startswith("ended{")
    assert json.loads(text.removeprefix("ended"))["ok"] == 5


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("http://127.0.0.1:9/hook?key=secret", "127.0.0.1:9 was not told"),
        ("/no/such/command", "the command did not run"),
        (f"{sys.executable} -c 'raise SystemExit(4)'", "ended with 4"),
        ("unclosed 'quote", "the command did not run"),
    ],
)
def test_what_cannot_be_told_is_a_note(job: Callable[..., JobConfig], to: str, said: str) -> None:
    report = run_job(job(run={"on_end": to}))
    assert report.ok == 5
    (note,) = (note for note in report.notes if note.startswith("--on-end"))
    assert said in note
    assert "secret" not in note


def test_an_unhappy_receiver_is_a_note() -> None:
    receiver = Receiver(answer=500)
    try:
        assert "was not told" in announce.tell(receiver.url, {"event": "ended"})
    finally:
        receiver.close()


@pytest.mark.parametrize(
    ("allowed", "clean"), [("0", False), ("1", True), ("20%", True), ("10%", False), ("100%", True)]
)
def test_so_many_may_fail(
    job: Callable[..., JobConfig], masters: Path, allowed: str, clean: bool
) -> None:
    (masters / "broken.jpg").write_bytes(b"no picture at all")
    report = run_job(job(run={"max_failed": allowed}))
    assert (report.failed, report.is_clean) == (1, clean)
    assert ("exit code 3" in report.text()) is not clean


@pytest.mark.parametrize("allowed", ["-1", "1.5", "101%", "many", ""])
def test_another_count_of_failures_is_refused(job: Callable[..., JobConfig], allowed: str) -> None:
    with pytest.raises(ConfigError, match=r"run\.max_failed="):
        job(run={"max_failed": allowed})


def test_a_look_that_finds_nothing_says_nothing(
    job: Callable[..., JobConfig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "archive_colorizer")
    start, looks = datetime.now().astimezone().replace(hour=12), 0

    def wait(seconds: float) -> None:
        nonlocal looks
        looks += 1

    run_job(job(run={"follow": True, "until": "23:59", "settle_s": 0.0}), wait=wait,
            clock=lambda: start + timedelta(hours=12 if looks > 2 else 0))  # fmt: skip
    assert looks == 3
    assert [one.message for one in caplog.records].count("listing") == 1
