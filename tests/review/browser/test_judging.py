"""People judge: by keyboard alone, two at once, and take it back."""

from collections.abc import Callable
from typing import Any

import pytest
from desk_browser import DeskProcess, open_picture, open_sheet, says, sent, shown, sign_in, until

pytestmark = pytest.mark.browser


def test_twenty_pictures_are_judged_by_keyboard_alone(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    judged = {}
    now = open_picture(page)
    keys = {"approved": ["a"], "rejected": ["r", "s"], "later": ["l"]}
    for number in range(20):
        verdict = list(keys)[number % 3]
        judged[now] = verdict
        for key in keys[verdict]:
            page.keyboard.press(key)
        now = shown(page, other_than=now)
    sent(page)
    decisions = desk.decisions()
    assert {row["row_id"]: row["verdict"] for row in decisions} == judged
    assert {row["reason"] for row in decisions if row["verdict"] == "rejected"} == {"skin"}
    assert all(row["seconds"] is not None for row in decisions)


def test_a_note_travels_with_its_rejection(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    first = open_picture(page)
    page.keyboard.press("r")
    page.keyboard.press("n")
    page.keyboard.type("잎이 파랗다; a blue leaf")
    page.keyboard.press("Enter")
    page.keyboard.press("g")
    shown(page, other_than=first)
    sent(page)
    (row,) = desk.decisions()
    assert (row["reason"], row["note"]) == ("foliage", "잎이 파랗다; a blue leaf")


def test_undo_brings_back_pictures_that_the_filter_hides(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    page.check("input[name=verdict][value=none]")
    until(page, "() => location.hash.includes('verdict=none')")
    page.wait_for_selector(".cell[data-id]")
    gone = [open_picture(page)]
    for keys in ("rb", "a", "l"):
        for key in keys:
            page.keyboard.press(key)
        gone.append(shown(page, other_than=gone[-1]))
    sent(page)
    for earlier in reversed(gone[:-1]):
        page.keyboard.press("u")
        page.wait_for_selector(f'.picture[data-shown="{earlier}"]')
        assert page.locator(".own-verdict").inner_text() == "No verdict"
    page.keyboard.press("u")
    says(page, "#notice", "Nothing is left")
    assert [row["verdict"] for row in desk.decisions()][:3] == ["rejected", "approved", "later"]


def test_the_end_says_so_and_offers_what_is_left(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    page.goto(f"{desk.url}#/?q=rocket&status=ok")
    until(page, "() => document.querySelectorAll('.cell[data-id]').length === 4")
    now = open_picture(page)
    for key in "nal":
        page.keyboard.press(key)
        if key != "l":
            now = shown(page, other_than=now)
    now = shown(page, other_than=now)
    page.keyboard.press("a")
    page.wait_for_selector(".end:not([hidden]) button.main")
    assert "Still without your verdict: 1" in page.locator(".end").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_selector(".picture .end", state="hidden")
    says(page, ".own-verdict", "No verdict")


def test_two_reviewers_at_once_lose_nothing(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any], accounts: str
) -> None:
    desk = start_desk("--accounts", accounts)
    pages = {name: new_page() for name in ("anna", "boris")}
    now = {}
    for name, page in pages.items():
        sign_in(page, desk.url, name)
        now[name] = open_picture(page)
    for number in range(8):
        for name, page in pages.items():
            page.keyboard.press("a" if (number + (name == "boris")) % 2 else "l")
        for name, page in pages.items():
            now[name] = shown(page, other_than=now[name])
    for page in pages.values():
        sent(page)
    decisions = desk.decisions()
    assert len({(row["reviewer"], row["row_id"]) for row in decisions}) == len(decisions) == 16
    page = pages["anna"]
    assert "Shown after you have given yours" in page.locator(".details").inner_text()
    page.keyboard.press("p")
    shown(page, other_than=now["anna"])
    assert "boris" in page.locator(".details").inner_text()


def test_who_only_looks_sees_no_verdict_buttons(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any], accounts: str
) -> None:
    desk, page = start_desk("--accounts", accounts), new_page()
    sign_in(page, desk.url, "vera")
    first = open_picture(page)
    assert page.locator("button.verdict").count() == 0
    page.keyboard.press("a")
    page.keyboard.press("n")
    shown(page, other_than=first)
    assert desk.decisions() == []


def test_a_verdict_that_cannot_be_sent_is_kept_and_sent_later(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    first = open_picture(page)
    page.wait_for_timeout(600)  # the next pictures are fetched in advance
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.wait_for_selector("#offline:not([hidden])")
    assert "1 not yet sent" in page.locator(".unsent").inner_text()
    assert shown(page, other_than=first)
    assert desk.decisions() == []
    page.context.set_offline(False)
    sent(page)
    page.wait_for_selector("#offline", state="hidden")
    assert [row["row_id"] for row in desk.decisions()] == [first]
