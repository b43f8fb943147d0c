"""The queue: what is drawn, honeypots that nobody sees, second looks, agreement."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rowsets import made_row, table

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.output import reviews
from archive_colorizer.review.agreement import cohens_kappa
from archive_colorizer.review.parts import MODEL
from archive_colorizer.review.queue import NO_HONEYPOTS, draw, read_honeypots
from archive_colorizer.review.rows import COLUMNS, Rows
from archive_colorizer.storage import DEFAULT_S3


def rows_of(count: int, flagged: int = 0) -> Rows:
    made = table(
        made_row(f"{i}.jpg", derivative_sha256=f"{i:064x}", review_needed=i < flagged)
        for i in range(count)
    )
    made = made.append_column(MODEL, made["version"]).select(COLUMNS).combine_chunks()
    return Rows(made, ("k",), np.zeros(count, np.int32), np.arange(count), 0)


@pytest.mark.parametrize(
    ("count", "share", "size"),
    [(0, 0.1, 0), (7, 0.1, 7), (50, 0.1, 10), (400, 0.1, 40), (300, 0.5, 150)],
)  # fmt: skip
def test_the_sample_is_ten_or_a_share(count: int, share: float, size: int) -> None:
    assert len(draw(rows_of(count), NO_HONEYPOTS, share, "").order) == size


def test_all_that_are_flagged_are_in_it_and_not_in_front() -> None:
    order = draw(rows_of(1000, flagged=200), NO_HONEYPOTS, 0.1, "").order.tolist()
    assert set(range(200)) < set(order)
    assert 270 <= len(order) <= 300
    assert 60 < sum(one < 200 for one in order[:100]) < 85


def test_the_draw_hangs_on_names_and_seed_alone() -> None:
    def names(rows: Rows, seed: str) -> list[str]:
        found = draw(rows, NO_HONEYPOTS, 0.1, seed).order
        return [row["source_path"] for row in rows.take(found)]

    first = names(rows_of(500), "a")
    assert names(rows_of(500), "a") == first
    assert names(rows_of(500), "b") != first
    grown = names(rows_of(600), "a")
    assert len(set(first) - set(grown)) < 15


def test_the_queue_is_told_and_done(kim: Any) -> None:
    said = kim.get("/api/queue?share=0.1").json()
    listed = kim.get("/api/pictures?queue=1&share=0.1").json()
    assert said["total"] == listed["total"] >= 10
    assert said["first"] == listed["items"][0]["id"]
    kim.say(listed["items"][0], "approved")
    again = kim.get("/api/queue?share=0.1").json()
    assert (again["done"], again["left"]) == (1, said["left"] - 1)
    assert again["first"] == listed["items"][1]["id"]
    left = kim.get("/api/pictures?queue=1&share=0.1&verdict=none").json()
    assert left["total"] == again["left"]


def test_honeypots_cannot_be_told_from_others(
    open_desk: Callable[..., Any], coloured: Any, tmp_path: Path, store: Any
) -> None:
    file = tmp_path / "known.csv"
    known = [(coloured[1], "rejected"), (coloured[5], "approved")]
    file.write_text("path,verdict\n" + "".join(f"{r['source_path']},{v}\n" for r, v in known))
    served = open_desk(honeypots=str(file), share=0.01)
    kim = served.person("kim")
    items = kim.get("/api/pictures?queue=1").json()["items"]
    shas = {one["sha256"] for one in items}
    assert {row["derivative_sha256"] for row, _ in known} <= shas
    assert len({frozenset(one) for one in items}) == 1
    for item in items:
        assert kim.say(item, "approved").status_code == 200
    owns = [kim.get(f"/api/pictures/{one['id']}").json()["own"] for one in items]
    assert len({frozenset(one) for one in owns}) == 1
    assert not any("honeypot" in str(one) for one in owns)
    assert kim.get("/api/agreement").json()["honeypots"] == {"shown": 2, "right": 1}
    for _ in items:  # taking it back does not better it
        kim.post("/api/undo", json={})
    for item in items:
        kim.say(item, "rejected")
    assert kim.get("/api/agreement").json()["honeypots"] == {"shown": 2, "right": 1}
    purposes = Counter(reviews.read(store)["purpose"].to_pylist())
    assert purposes["honeypot"] == 6  # said, taken back and said again, of two


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,verdict\na.jpg,maybe\n", "row 2: verdict must be approved or rejected"),
        ("name,verdict\na.jpg,approved\n", "need the columns"),
        ("path\na.jpg\n", "need the columns"),
    ],
)
def test_honeypots_that_make_no_sense_are_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "known.csv").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_honeypots(str(tmp_path / "known.csv"), DEFAULT_S3)


def test_others_are_hidden_until_ones_own_is_given(kim: Any, lee: Any) -> None:
    item = kim.get("/api/pictures?status=ok").json()["items"][0]
    kim.say(item, "rejected", reason="skin")
    seen = lee.get("/api/pictures?status=ok").json()["items"][0]
    assert seen["verdict"] is None
    assert lee.get("/api/session").json()["facets"]["verdict"] == [["none", 12]]
    said = lee.get(f"/api/pictures/{item['id']}").json()
    assert (said["own"], said["others"]) == (None, [])
    lee.say(item, "approved")
    said = lee.get(f"/api/pictures/{item['id']}").json()
    assert [(one["reviewer"], one["reason"]) for one in said["others"]] == [("kim", "skin")]
    lee.post("/api/undo", json={})
    assert lee.get(f"/api/pictures/{item['id']}").json()["others"] == []


def test_who_only_looks_sees_what_all_say(served: Any, kim: Any, lee: Any) -> None:
    items = kim.get("/api/pictures?status=ok").json()["items"]
    for person, verdicts in (
        (kim, ("approved", "rejected", "later")),
        (lee, ("approved", "approved")),
    ):
        for item, verdict in zip(items, verdicts, strict=False):
            person.say(item, verdict)
    guest = served.person("guest", "viewer")
    seen = guest.get("/api/pictures?status=ok").json()["items"]
    assert [one["verdict"] for one in seen[:4]] == ["approved", "disputed", "later", None]
    assert guest.get("/api/pictures?verdict=disputed").json()["total"] == 1
    assert len(guest.get(f"/api/pictures/{items[0]['id']}").json()["others"]) == 2


def test_a_second_person_looks_at_a_part_without_the_first_verdict(
    open_desk: Callable[..., Any], store: Any
) -> None:
    served = open_desk(double_blind=True, second_look=0.5)
    kim, lee, park = (served.person(name) for name in ("kim", "lee", "park"))
    items = kim.get("/api/pictures?status=ok").json()["items"]
    assert lee.get("/api/second-look").json()["total"] == 0
    for item in items:
        kim.say(item, "approved")
    seconds = lee.get("/api/second-look").json()
    assert 0 < seconds["total"] < 12
    assert kim.get("/api/second-look").json()["total"] == 0
    assert all(one["verdict"] is None for one in seconds["items"])
    for item in seconds["items"]:
        lee.say(item, "rejected")
    assert lee.get("/api/second-look").json()["total"] == 0
    assert park.get("/api/second-look").json()["total"] == 0
    said = lee.get(f"/api/pictures/{seconds['items'][0]['id']}").json()
    assert said["own"]["verdict"] == "rejected"
    assert said["others"] == []
    purposes = Counter(reviews.read(store)["purpose"].to_pylist())
    assert purposes == {"review": 12, "second_look": seconds["total"]}
    figures = lee.get("/api/agreement").json()
    assert (figures["pairs"], figures["agreed"]) == (seconds["total"], 0)


def test_second_looks_are_off_unless_asked_for(kim: Any) -> None:
    assert kim.get("/api/second-look").status_code == 404


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        ([], None), ([("a", "a")] * 3, None), ([("a", "a"), ("b", "b")], 1.0),
        ([("a", "b"), ("b", "a")], -1.0),
        ([("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15, 0.4),
    ],
)  # fmt: skip
def test_cohens_kappa(pairs: list[Any], kappa: float | None) -> None:
    assert cohens_kappa(pairs) == (None if kappa is None else pytest.approx(kappa))
