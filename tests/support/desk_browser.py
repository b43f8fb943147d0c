"""What browser tests of the desk share: a running desk, signing in, opening, waiting."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive_colorizer.pipeline.output import reviews
from archive_colorizer.storage import open_store

PASSWORD = "a long enough password"  # noqa: S105


@dataclass
class DeskProcess:
    """A desk that answers."""

    output: Path
    url: str
    process: subprocess.Popen[str]

    def decisions(self) -> list[dict[str, Any]]:
        """All that was ever decided, oldest first."""
        rows: list[dict[str, Any]] = reviews.read(open_store(str(self.output))).to_pylist()
        return rows


def sign_in(page: Any, url: str, name: str) -> None:
    """Sign in by name."""
    page.goto(url)
    page.fill("input[name=name]", name)
    page.fill("input[name=secret]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".cell[data-id]")


def open_sheet(page: Any, desk: DeskProcess) -> None:
    """Open the page as whoever started the desk."""
    page.goto(desk.url)
    page.wait_for_selector(".cell[data-id]")


def open_picture(page: Any, number: int = 0) -> str:
    """Open a picture of the sheet by keyboard; gives its id."""
    page.locator(f'.cell[data-number="{number}"]').focus()
    page.keyboard.press("Enter")
    return shown(page)


def until(page: Any, script: str, arg: object = None, seconds: float = 20.0) -> None:
    """Wait for a script to say yes; Playwright's own waiting would need `unsafe-eval`."""
    end_s = time.monotonic() + seconds
    while not page.evaluate(script, arg):
        assert time.monotonic() < end_s, f"not within {seconds} s: {script} {arg or ''}"
        page.wait_for_timeout(25)


def shown(page: Any, other_than: str = "") -> str:
    """Wait until a picture is shown; gives its id."""
    page.wait_for_selector(f'.picture[data-shown]:not([data-shown="{other_than}"])')
    found: str = page.evaluate("document.querySelector('.picture').dataset.shown")
    return found


def says(page: Any, place: str, text: str, seconds: float = 20.0) -> None:
    """Wait until a place of the page says a text."""
    script = "([place, text]) => document.querySelector(place)?.textContent.includes(text)"
    until(page, script, [place, text], seconds)


def sent(page: Any) -> None:
    """Wait until no verdict waits to be sent."""
    until(
        page,
        "() => Object.keys(localStorage).filter(key => key.includes('outbox'))"
        ".every(key => localStorage.getItem(key) === '[]')",
    )
