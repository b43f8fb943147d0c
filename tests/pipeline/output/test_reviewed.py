"""Decisions where people look for them: status, its lists, the report."""

import csv
import json
from pathlib import Path

import pytest
from html_pages import Page
from rowsets import failed, made_row, write_job

from archive_colorizer.cli.main import main
from archive_colorizer.pipeline.html_report import write_report
from archive_colorizer.pipeline.output import reviews
from archive_colorizer.pipeline.output.reviewed import read_list
from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "out")
    rows = [
        made_row(f"{name}.jpg", derivative_sha256=f"sha {name}", review_needed=name in "bc")
        for name in "abcde"
    ]
    write_job(store, *rows, failed("cut.jpg"))
    given = [
        ("a", "kim", "approved", "", ""),
        ("b", "kim", "rejected", "skin", "too red"),
        ("b", "lee", "rejected", "bleeding", ""),
        ("c", "kim", "rejected", "", "no"),
        ("d", "kim", "approved", "", ""),
        ("d", "lee", "rejected", "", ""),
    ]
    reviews.append(
        store,
        [
            Decision(f"{i}", "", f"sha {name}", who, verdict, reason, note)
            for i, (name, who, verdict, reason, note) in enumerate(given)
        ],
    )
    return store


def test_status_counts_what_people_decided(store: LocalStore) -> None:
    report = summarize(store)
    assert report.reviews == reviews.ReviewCounts(
        approved=1, rejected=2, disputed=1, unreviewed=1, reviewers=2, flagged_reviewed=2
    )
    text = " ".join(report.text().split())
    for words in ("looked at by 2 people", "1 approved", "2 rejected", "1 disputed",
                  "1 nobody decided on", "2 of the 2 to review are decided"):  # fmt: skip
        assert words in text
    said = json.loads(json.dumps(report.to_dict()))["reviews"]
    assert (said["rejected"], said["reviewers"]) == (2, 2)


def test_status_says_nothing_of_reviews_where_there_are_none(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "out")
    write_job(store, made_row("a.jpg"))
    assert "looked at" not in summarize(store).text()
    assert read_list(store, "approved") == []


def test_the_rejected_are_listed_with_reasons_notes_and_what_to_do(store: LocalStore) -> None:
    first, second = read_list(store, "rejected")
    assert (first.path, first.kind) == ("b.jpg", "skin bleeding")
    assert first.why == "skin has wrong colours; colour runs over an edge"
    assert first.message == "kim: too red; lee"
    assert "--redo rejected" in first.todo
    assert (second.path, second.kind, second.message) == ("c.jpg", "rejected", "kim: no")
    assert [one.path for one in read_list(store, "approved")] == ["a.jpg"]


def test_the_command_prints_and_writes_the_lists(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    assert main(["status", str(store.root), "--rejected", "--csv", str(file)]) == 0
    assert "skin has wrong colours" in capsys.readouterr().out
    listed = csv.DictReader(file.read_text().splitlines())
    assert [row["path"] for row in listed] == ["b.jpg", "c.jpg"]
    assert main(["status", str(store.root), "--approved", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["approved"][0]["path"] == "a.jpg"


def test_the_report_counts_them_on_its_first_page_in_both_languages(store: LocalStore) -> None:
    write_report(store)
    text = Page(store.read("report/index.html").decode()).text
    for words in ("What people decided", "사람이 내린 판정", "Disputed", "의견 갈림"):
        assert words in text
