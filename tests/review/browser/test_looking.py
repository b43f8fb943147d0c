"""The zoom and the place stay; every way to compare shows both pictures; keys can be others."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from desk_browser import DeskProcess, open_picture, open_sheet, says, shown, until

pytestmark = pytest.mark.browser


OUTSIDE = """() => {
  const stage = document.querySelector('.stage').getBoundingClientRect();
  return [...document.querySelectorAll('.pane canvas')].map(one => one.getBoundingClientRect())
    .filter(box => box.top < stage.top || box.right > stage.right || box.bottom > stage.bottom);
}"""
"""Panes that are drawn where nobody sees them."""


def scale(page: Any) -> str:
    found: str = page.locator(".scale").inner_text()
    return found


def test_zoom_stays_from_picture_to_picture_and_each_way_of_comparing_draws(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    open_sheet(page, desk)
    now = open_picture(page)
    assert scale(page) != "100%"
    page.keyboard.press("1")
    says(page, ".scale", "100%")
    page.keyboard.press("n")
    now = shown(page, other_than=now)
    assert scale(page) == "100%"
    for mode in ("side", "toggle", "slider"):
        page.keyboard.press("v")
        page.wait_for_selector(f'.stage[data-mode="{mode}"]')
        says(page, ".scale", "100%")
        page.wait_for_timeout(300)
        assert colours_drawn(page) == {"before": False, "after": True}
        assert page.evaluate(OUTSIDE) == []
    page.keyboard.press("0")
    until(page, "() => parseInt(document.querySelector('.scale').textContent) > 150")
    page.keyboard.down("b")
    page.wait_for_selector(".stage.held")
    page.keyboard.up("b")
    page.wait_for_selector(".stage:not(.held)")
    page.keyboard.press("d")
    page.wait_for_selector('[aria-label="Doubt map"][aria-pressed="true"]')
    page.keyboard.press("Escape")
    page.wait_for_selector(f'.cell[data-id="{now}"]:focus')


def test_a_large_picture_gets_tiles_where_its_preview_would_be_stretched(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page(motion="no-preference")
    tiles: dict[str, int] = {}
    page.on("response", lambda answer: tiles.update({answer.url: answer.status}))
    page.goto(f"{desk.url}#/?q=large")
    until(page, "() => document.querySelectorAll('.cell[data-id]').length === 1")
    now = open_picture(page)
    page.wait_for_timeout(300)
    assert not any(f"{now}/after/" in url for url in tiles)
    page.keyboard.press("1")
    for side in ("before", "after"):
        end_s = time.monotonic() + 20
        while not any(f"{now}/{side}/" in url for url in tiles) and time.monotonic() < end_s:
            page.wait_for_timeout(50)
        assert {status for url, status in tiles.items() if f"{now}/{side}/" in url} == {200}
    says(page, ".scale", "100%")
    page.wait_for_timeout(500)
    assert scale(page) == "100%"
    assert colours_drawn(page)["after"]


def colours_drawn(page: Any) -> dict[str, bool]:
    """Whether what each pane draws has any colour."""
    found: dict[str, bool] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.pane')].map((pane, number) => {
          const canvas = pane.querySelector('canvas');
          const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let most = 0;
          for (let at = 0; at < data.length; at += 4)
            most = Math.max(most, Math.abs(data[at] - data[at + 2]));
          return [number === 0 ? 'before' : 'after', most > 12];
        }))"""
    )
    return found


def test_a_key_can_be_another_and_a_taken_one_is_told(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    open_sheet(page, desk)
    page.keyboard.press("?")
    change = page.get_by_label("Change the key of: Approve, go to the next")
    change.click()
    page.keyboard.press("r")
    assert "already" in page.locator(".key-told").inner_text()
    page.keyboard.press("y")
    assert "Y now does this" in page.locator(".key-told").inner_text()
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector(".cell[data-id]")
    first = open_picture(page)
    page.keyboard.press("a")
    page.keyboard.press("y")
    shown(page, other_than=first)
    assert len(page.evaluate("Object.keys(localStorage)")) >= 2


def test_a_hangul_keyboard_judges_by_the_same_keys(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page(locale="ko-KR")
    open_sheet(page, desk)
    first = open_picture(page)
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅁ', code: 'KeyA'}))")
    shown(page, other_than=first)
    says(page, "#notice", "승인")


def test_failed_and_left_out_pictures_say_why(
    desk: DeskProcess, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    open_sheet(page, desk)
    page.fill("#search", "cut short")
    until(page, "() => document.querySelectorAll('.cell[data-id]').length === 1")
    assert "Failed" in page.locator(".no-thumb").inner_text()
    assert len(page.locator(".no-thumb p").inner_text()) > 10
    assert page.evaluate("document.activeElement.id") == "search"
    open_picture(page)
    assert page.locator("button.verdict").first.is_disabled()
