"""Decisions: appended by many at once, read whole, counted by one rule."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from breaking import Breaking
from rowsets import failed, made_row, write_job

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.output import appended, layout, manifest, reviews
from archive_colorizer.pipeline.output.reviews import Decision, Journal
from archive_colorizer.storage import open_store
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def said(sha256: str, reviewer: str, verdict: str, **more: Any) -> Decision:
    return Decision(uuid.uuid4().hex, f"row-{sha256}", sha256, reviewer, verdict, **more)


def write(store: LocalStore, *decisions: Decision) -> None:
    reviews.append(store, decisions)


def verdicts(store: LocalStore) -> dict[str, str]:
    table = reviews.verdicts(reviews.standing(reviews.read(store)))
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def keys(store: LocalStore) -> list[str]:
    return [entry.key for entry in store.list(layout.REVIEWS)]


# --- writing and reading


def test_a_decision_comes_back_as_it_was_given(store: LocalStore) -> None:
    given = said("a", "kim", "rejected", reason="skin", note="zu rot\n피부", seconds=1.5)
    write(store, given)
    (row,) = reviews.read(store).to_pylist()
    assert abs(row.pop("decided_at_us") / 1e6 - time.time()) < 60
    assert row == {name: getattr(given, name) for name in row}


def test_what_is_on_disk_is_plain_parquet(store: LocalStore) -> None:
    write(store, said("a", "kim", "approved"))
    assert ds.dataset(store.path_of("reviews")).to_table()["reviewer"].to_pylist() == ["kim"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "aproved"}, "unknown verdict 'aproved': did you mean 'approved'"),
        ({"reason": "ugly"}, "unknown reason 'ugly'"),
        ({"purpose": "fun"}, "unknown purpose 'fun'"),
        ({"reviewer": ""}, "without reviewer"),
    ],
)
def test_what_is_no_decision_is_refused(changes: dict[str, str], message: str) -> None:
    sound = {"decision_id": "1", "row_id": "r", "derivative_sha256": "a", "reviewer": "kim",
             "verdict": "approved"}  # fmt: skip
    with pytest.raises(ConfigError, match=message):
        Decision(**{**sound, **changes})


def test_a_decision_that_was_written_twice_counts_once(store: LocalStore) -> None:
    one = said("a", "kim", "approved", decided_at_us=5)
    write(store, one)
    write(store, one)
    assert reviews.read(store).num_rows == 1


def test_an_output_without_reviews_has_none(store: LocalStore) -> None:
    assert reviews.read(store).num_rows == 0
    rows = pa.table({"derivative_sha256": ["a", None]})
    assert reviews.mark(rows, store).to_pylist() == [False, False]


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1half", manifest.to_parquet(pa.table({"x": [1]})),
     manifest.to_parquet(pa.table({f.name: pa.nulls(1, f.type) for f in reviews.SCHEMA}))],
    ids=["empty", "half", "foreign", "nulls"],
)  # fmt: skip
def test_a_file_that_is_not_sound_is_named_in_one_line(store: LocalStore, data: bytes) -> None:
    write(store, said("a", "kim", "approved"))
    key = f"reviews/20260101T000000000000Z-{'a' * 32}.parquet"
    store.write_atomic(key, data)
    with pytest.raises(LocationError, match="is no sound file of decisions") as caught:
        reviews.read(store)
    assert store.uri_of(key) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(LocationError):
        appended.Appended("reviews", reviews.SCHEMA, "decision_id", "decided_at_us", "x").compact(
            store, 1
        )
    assert len(keys(store)) == 2  # nothing was deleted


def test_files_of_others_are_nobodys_decisions(store: LocalStore) -> None:
    write(store, said("a", "kim", "approved"))
    for key in ("reviews/notes.parquet", "reviews/one.colorized.jpg", "reviews/.x.parquet"):
        store.write_atomic(key, b"somebody's")
        assert not layout.is_own_file(key)
    assert reviews.read(store).num_rows == 1
    assert sum(layout.is_own_file(key) for key in keys(store)) == 1


def test_a_job_that_starts_and_sweeps_does_not_lose_a_decision(store: LocalStore) -> None:
    class Swept(LocalStore):
        left = 2

        def write_atomic(self, key: str, data: bytes) -> None:
            if self.left:
                self.left -= 1
                raise FileNotFoundError(2, "swept", key)
            super().write_atomic(key, data)

    write(Swept(store.root), said("a", "kim", "approved"))
    assert verdicts(store) == {"a": "approved"}


# --- the rule


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (["approved"], "approved"),
        (["approved", "rejected"], "rejected"),
        (["approved", "rejected", "undone"], "approved"),
        (["approved", "undone"], None),
        (["approved", "undone", "undone", "rejected"], "rejected"),
        (["undone", "later"], "later"),
        (["approved", "rejected", "later", "undone", "undone"], "approved"),
    ],
)
def test_what_was_said_last_stands_and_undone_takes_it_back(
    store: LocalStore, given: list[str], verdict: str | None
) -> None:
    for number, one in enumerate(given):
        write(store, said("a", "kim", one, decided_at_us=number + 1))
        write(store, said("b", "kim", "approved", decided_at_us=number + 1))
    assert verdicts(store).get("a") == verdict
    assert verdicts(store)["b"] == "approved"


@pytest.mark.parametrize(
    ("kim", "lee", "verdict"),
    [
        ("approved", "approved", "approved"),
        ("approved", "later", "approved"),
        ("later", "rejected", "rejected"),
        ("approved", "rejected", "disputed"),
        ("later", "later", "later"),
    ],
)
def test_reviewers_are_joined(store: LocalStore, kim: str, lee: str, verdict: str) -> None:
    write(store, said("a", "kim", kim), said("a", "lee", lee))
    assert verdicts(store) == {"a": verdict}


def test_a_honeypot_tries_the_reviewer_and_is_no_verdict(store: LocalStore) -> None:
    write(store, said("a", "kim", "approved"), said("a", "kim", "rejected", purpose="honeypot"))
    write(store, said("b", "kim", "rejected", purpose="honeypot"))
    assert verdicts(store) == {"a": "approved"}
    assert reviews.standing(reviews.read(store)).num_rows == 3


def test_rows_are_marked_and_counted_by_the_bytes_that_they_have_now(store: LocalStore) -> None:
    write(store, said("a", "kim", "approved"), said("b", "kim", "rejected"))
    write(store, said("c", "lee", "rejected"), said("c", "kim", "approved"))
    write(store, said("d", "lee", "later"), said("old", "lee", "rejected"))
    to_review = dict(zip(["a", "b", "c", "d", "new"], [True, False, True, True, True], strict=True))
    made = [made_row(f"{name}.jpg", derivative_sha256=name, review_needed=asks)
            for name, asks in to_review.items()]  # fmt: skip
    write_job(store, *made, failed("cut.jpg"))
    rows = manifest.read(store, ["row_id", "derivative_sha256"]).sort_by("row_id")
    assert reviews.mark(rows, store).to_pylist() == [True, *[False] * 5]
    assert reviews.mark(rows, store, "rejected").to_pylist() == [False, True, *[False] * 4]
    assert reviews.count(store) == reviews.ReviewCounts(
        approved=1, rejected=1, disputed=1, later=1, unreviewed=1, reviewers=2, flagged_reviewed=2
    )


def test_standing_decisions_are_those_of_a_stack_for_each_reviewer() -> None:
    rng = np.random.default_rng(3)
    texts = [rng.choice(values, 3000).tolist() for values in (list("abcdef"), ["k", "l"])]
    verdict = rng.choice([*reviews.VERDICTS, "undone"], 3000).tolist()
    table = pa.Table.from_pylist(
        [
            {"decision_id": str(i), "row_id": "", "derivative_sha256": sha, "reviewer": who,
             "verdict": one, "reason": "", "note": "", "purpose": "review", "decided_at_us": i}
            for i, (sha, who, one) in enumerate(zip(*texts, verdict, strict=True))
        ],
        reviews.SCHEMA,
    )  # fmt: skip
    stacks: dict[tuple[str, str], list[int]] = {}
    for i, (sha, who, one) in enumerate(zip(*texts, verdict, strict=True)):
        stack = stacks.setdefault((sha, who), [])
        if one != "undone":
            stack.append(i)
        elif stack:
            stack.pop()
    assert reviews.standing(table).equals(
        table.take(sorted(one[-1] for one in stacks.values() if one))
    )


# --- many at once


def test_a_journal_writes_what_many_threads_give_it_in_few_files(store: LocalStore) -> None:
    def give(name: str) -> None:
        for number in range(10):
            journal.write(said(f"{number}", name, "approved"))

    with Journal(store) as journal:
        threads = [threading.Thread(target=give, args=(f"r{i}",)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert reviews.read(store).num_rows == 120
    assert len(keys(store)) < 60


def test_what_a_journal_took_is_on_disk_and_what_it_cannot_write_is_said(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(store) as journal:
        journal.write(said("a", "kim", "approved"))
        assert reviews.read(store).num_rows == 1

        def full(*_: object) -> None:
            raise OSError(28, "no room")

        with monkeypatch.context() as broken:
            broken.setattr(LocalStore, "write_atomic", full)
            with pytest.raises(OSError, match="no room"):
                journal.write(said("b", "kim", "approved"))
        journal.write(said("c", "kim", "approved"))
    assert set(verdicts(store)) == {"a", "c"}
    with pytest.raises(OSError, match="closed"):
        journal.write(said("d", "kim", "approved"))


WRITER = """
import sys
from archive_colorizer.pipeline.output import reviews
from archive_colorizer.storage import open_store

store, name, count = open_store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    one = reviews.Decision(f"{name}-{number}", "r", f"{number % 7}", name, "approved")
    reviews.append(store, [one])
    print(one.decision_id, flush=True)
    if number % 5 == 4:
        reviews._FILES.compact(store, 3)
"""


def start(location: str, name: str, count: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, location, name, str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def check_nothing_is_lost(location: str, count: int) -> None:
    writers = [start(location, name, count) for name in ("kim", "lee")]
    outs = [writer.communicate(timeout=240)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    told = sorted(line for out in outs for line in out.split())
    assert sorted(reviews.read(open_store(location))["decision_id"].to_pylist()) == told
    assert len(told) == 2 * count


def test_two_processes_that_append_and_compact_lose_nothing(store: LocalStore) -> None:
    check_nothing_is_lost(str(store.root), 40)


@pytest.mark.s3
def test_so_it_is_in_an_object_store(bucket: str) -> None:
    check_nothing_is_lost(f"s3://{bucket}/colour", 20)


def test_a_writer_that_is_killed_has_written_all_that_it_told(store: LocalStore) -> None:
    writer = start(str(store.root), "kim", 10_000)
    assert writer.stdout
    told = [writer.stdout.readline().strip() for _ in range(23)]
    writer.send_signal(signal.SIGKILL)
    told += writer.communicate()[0].split()
    there = set(reviews.read(store)["decision_id"].to_pylist())
    assert set(told) <= there
    assert len(there) <= len(told) + 1


def test_a_compaction_that_breaks_off_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for breaks_at in range(7):
        store = Breaking(tmp_path / str(breaks_at))
        for number in range(5):
            write(store, said(f"{number}", "kim", "approved"))
        store.left = breaks_at
        with pytest.raises(OSError, match="went down") if breaks_at < 6 else nullcontext():
            reviews._FILES.compact(store, 2)
        store.left = 10**9
        assert sorted(reviews.read(store)["derivative_sha256"].to_pylist()) == list("01234")
        write(store, said("5", "lee", "approved"))
        reviews._FILES.compact(store, 1)
        assert sorted(reviews.read(store)["derivative_sha256"].to_pylist()) == list("012345")
        assert len(keys(store)) == 1


def test_a_reader_that_lists_while_files_are_merged_misses_none(store: LocalStore) -> None:
    class Late(LocalStore):
        """Its first listing is of a moment at which the merged file was not there yet."""

        first = True

        def list(self, *args: Any) -> Any:
            found = list(super().list(*args))
            if self.first:
                self.first = False
                reviews._FILES.compact(store, 1)
            return iter(found)

    for number in range(3):
        write(store, said(f"{number}", "kim", "approved"))
    assert reviews.read(Late(store.root)).num_rows == 3
