"""Colours are pinned by mouse and by keys, seen again, saved, and made anew."""

from collections.abc import Callable
from typing import Any

import pytest
from desk_browser import DeskProcess, open_picture, open_sheet, says, sent, shown

pytestmark = pytest.mark.browser


def test_pins_are_set_seen_saved_and_the_old_picture_cannot_be_judged_any_more(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    open_picture(page)
    other = page.context.new_page()
    other.goto(page.url)
    shown(other)
    page.bring_to_front()

    page.keyboard.press("c")
    box = page.locator(".stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5)
    page.wait_for_selector(".pin-list .spot")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.locator(".pin-list .spot").count() == 2
    page.keyboard.press("Delete")
    page.keyboard.press("z")
    assert page.locator(".pin-list .spot").count() == 2
    page.locator(".pane .pin").last.click(button="right")
    assert page.locator(".pin-list .spot").count() == 1
    page.locator(".swatch").nth(13).click()
    page.keyboard.press("h")
    assert page.locator(".pin-list .spot").count() == 2
    page.locator(".swatch").nth(4).click()

    page.keyboard.press("w")
    says(page, ".pin-status", "not saved")
    page.keyboard.press("s")
    says(page, "#notice", "new picture is here", seconds=60)
    page.wait_for_timeout(500)
    hints = page.evaluate(
        "[...document.querySelectorAll('.fields > div')]"
        ".find(one => one.firstChild.textContent === 'hints')?.textContent"
    )
    assert "#a2523d" in hints

    other.keyboard.press("a")
    says(other, "#notice", "made anew")
    other.keyboard.press("p")
    sent(other)
    assert desk.decisions() == []


def test_the_eyedropper_takes_what_is_drawn(
    start_desk: Callable[..., DeskProcess], new_page: Callable[..., Any]
) -> None:
    desk, page = start_desk(), new_page()
    open_sheet(page, desk)
    open_picture(page)
    page.keyboard.press("c")
    page.keyboard.press("e")
    taken = page.locator(".colour-input").input_value()
    page.keyboard.press("Enter")
    assert taken in page.locator(".pin-list").inner_text()
