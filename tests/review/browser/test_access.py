"""Everybody can use it: axe finds no error, nothing is clipped or moves, names are only text."""

from collections.abc import Callable
from typing import Any

import pytest
from desk_browser import DeskProcess, open_picture, open_sheet, until
from desk_pictures import STRANGE_NAME

pytestmark = pytest.mark.browser
WIDTHS = (1440, 1024, 390)
LOCALES = ("en-GB", "ko-KR")
CLIPPED = """() => [...document.querySelectorAll(
    'button, label, legend, summary, h1, h2, h3, kbd, option, .badge, .choice-word')]
  .filter(one => one.checkVisibility({visibilityProperty: true}))
  .filter(one => !one.closest('.picture-title, .cell, .unseen'))
  .filter(one => getComputedStyle(one).display !== 'inline')
  .filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 160))"""
WATCH = """() => { window.moved = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({type: 'layout-shift', buffered: true}); }"""


def check_axe(page: Any, where: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    broken = [
        (one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in found.response["violations"]
    ]
    assert broken == [], where


@pytest.mark.parametrize("locale", LOCALES)
def test_axe_finds_nothing(desk: DeskProcess, new_page: Callable[..., Any], locale: str) -> None:
    page = new_page(locale=locale)
    page.goto(desk.url.partition("?")[0])
    page.wait_for_selector("input[name=secret]")
    assert page.evaluate("document.documentElement.lang") == locale[:2]
    check_axe(page, "signing in")
    open_sheet(page, desk)
    page.wait_for_selector(".queue button")
    check_axe(page, "the sheet")
    page.keyboard.press("?")
    check_axe(page, "the keys")
    page.keyboard.press("Escape")
    page.locator(".head-tools button").first.click()
    page.wait_for_selector(".figures-list")
    check_axe(page, "the agreement")
    page.keyboard.press("Escape")
    open_picture(page)
    check_axe(page, "a picture")
    page.keyboard.press("r")
    check_axe(page, "the reasons")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    check_axe(page, "the pins")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_clipped_and_nothing_moves(
    desk: DeskProcess, new_page: Callable[..., Any], width: int, locale: str
) -> None:
    page = new_page(width=width, height=844, locale=locale)
    page.add_init_script(f"({WATCH})()")
    open_sheet(page, desk)
    page.wait_for_selector(".queue button", state="attached")
    page.wait_for_timeout(300)
    check_layout(page)
    open_picture(page)
    check_layout(page)
    page.keyboard.press("r")
    check_layout(page)
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    check_layout(page)
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    assert page.evaluate("window.moved") == 0


def check_layout(page: Any) -> None:
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    assert page.evaluate(CLIPPED) == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input')]
          .filter(one => one.checkVisibility({visibilityProperty: true}))
          .map(one => [one.closest('label') ?? one, one])
          .map(([whole, one]) => [whole.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
          .filter(([box]) => box.width < 24 || box.height < 24).map(([, text]) => text)"""
    )
    assert small == []


def test_a_name_from_the_archive_is_only_text(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    open_sheet(page, desk)
    page.fill("#search", "onerror")
    until(page, "() => document.querySelectorAll('.cell[data-id]').length === 1")
    assert page.locator(".cell .name").inner_text() == STRANGE_NAME
    open_picture(page)
    assert page.locator("h1").inner_text() == STRANGE_NAME
    page.keyboard.press("l")
    assert STRANGE_NAME in page.locator("#notice").inner_text()
