"""`status` and `report` as an officer types them: lists, CSV, JSON, watching, words."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rowsets import failed, made_row, skipped, write_job

from archive_colorizer.cli import status as cli
from archive_colorizer.cli.main import main
from archive_colorizer.pipeline.output.attention import write_passed_over
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "out")
    write_job(
        store, made_row("fine.jpg"), failed("cut.jpg", object_id="17"), skipped("t.jpg", "tinted"),
        made_row("unsure.jpg", review_needed=True, doubt_mean=0.8),
    )  # fmt: skip
    write_passed_over(store, [("notes.txt", ".txt")])
    return store


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--failed", ["cut.jpg", "17", "truncated", "the file ends", "--retry-failed"]),
        ("--review", ["unsure.jpg", "doubt", "unsure of its colours"]),
        ("--skipped", ["t.jpg", "already_colour", "by hand"]),
        ("--passed-over", ["notes.txt", ".txt", "no ending"]),
    ],
)
def test_a_list_names_pictures_with_reasons(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    flag: str, words: list[str],
) -> None:  # fmt: skip
    file = tmp_path / "list.csv"
    assert main(["status", str(tmp_path / "out"), flag, "--csv", str(file)]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in words)
    (row,) = csv.DictReader(file.read_text().splitlines())
    assert row["path"] == words[0]
    assert main(["status", str(tmp_path / "out"), flag, "--json"]) == 0
    (entries,) = json.loads(capsys.readouterr().out).values()
    assert [one["path"] for one in entries] == words[:1]


def test_the_numbers_explain_their_words(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["status", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "truncated: the file ends before its pixels do" in said
    assert "1  of them to review (--review lists them)" in said
    main(["status", str(tmp_path / "out"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["by_status"] == {"ok": 2, "failed": 1, "skipped": 1}
    assert (found["review"], found["left"], found["running"]) == (1, 0, "no")
    main(["status", str(tmp_path / "out"), "--words"])
    said = capsys.readouterr().out
    for word in ("review: ", "passed over: ", "fixity_mismatch: ", "nearly_grey: ", "doubt: "):
        assert word in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--csv", "x.csv"], "--csv needs --failed"),
        (["--sums", "--csv", "x.csv"], "--csv needs --failed"),
        (["--duplicates", "--json"], "--json does not go with --duplicates"),
        (["--passed-over", "--watch"], "--watch does not go with --passed-over"),
        (["--failed", "--csv", "nowhere/x.csv"], "nowhere/x.csv: cannot be written"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    options: list[str], words: str,
) -> None:  # fmt: skip
    assert main(["status", str(tmp_path / "out"), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_list_of_no_job_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path), "--failed"]) == 2
    assert "no job there" in capsys.readouterr().err
    assert main(["report", str(tmp_path)]) == 2
    assert "no job there" in capsys.readouterr().err


def test_duplicates_have_their_csv_as_before(store: LocalStore, tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    assert main(["status", str(tmp_path / "out"), "--duplicates", "--csv", str(file)]) == 0
    assert file.read_text().startswith("group,kind")


def test_watching_ends_with_the_run(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cli, "WATCH_EVERY_S", 0.02)
    with Lock(store):
        watching = threading.Thread(target=main, args=(["status", store.uri, "--watch"],))
        watching.start()
        shown = ""
        while shown.count("running: process") < 2:
            shown += capsys.readouterr().out
        assert watching.is_alive()
    watching.join(60)
    assert not watching.is_alive()
    assert "running: no" in capsys.readouterr().out


@pytest.mark.slow
def test_watching_can_be_left_with_ctrl_c(store: LocalStore, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "archive_colorizer", "status", str(tmp_path / "out"), "--watch"]
    with Lock(store):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        pipes["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        with subprocess.Popen(words, **pipes, env=dict(os.environ)) as watching:  # type: ignore[call-overload]
            assert "running: process" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            _, said = watching.communicate(timeout=60)
    assert (watching.returncode, said) == (0, "")


def test_report_says_where_it_is(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "out")]) == 0
    assert f"report: {tmp_path}/out/report/index.html" in capsys.readouterr().out
    assert (tmp_path / "out/report/index.html").is_file()


def test_a_run_ends_with_what_failed_and_what_to_do(
    masters: Path, tmp_path: Path, tiny_model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (masters / "cut.jpg").write_bytes((masters / "one.jpg").read_bytes()[:900])
    (masters / "readme.txt").write_text("no picture")
    quick = ["--engine", "local", "--model", tiny_model, "--proxy-px", "64"]
    assert main(["colorize", str(masters), str(tmp_path / "out"), *quick]) == 3
    said = capsys.readouterr().out
    for words in (
        "cut.jpg: the file ends before its pixels do (truncated)",
        "what to do: copy the file anew",
        "--retry-failed",
        "not all is done (exit code 3): 1 failed",
    ):
        assert words in said
    assert main(["colorize", str(masters), str(tmp_path / "out"), *quick]) == 3
    again = capsys.readouterr().out
    assert "nothing to do: 6 of 6" in again
    assert "cut.jpg: the file ends before its pixels do (truncated)" in again
    assert main(["status", str(tmp_path / "out"), "--passed-over"]) == 0
    assert "readme.txt" in capsys.readouterr().out
    rate = said.split("pictures/s")[0].split()[-1]
    main(["status", str(tmp_path / "out")])
    assert f", {rate} pictures/s" in capsys.readouterr().out
