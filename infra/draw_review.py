"""Draw docs/images/review-*.webp: the review desk at three widths, as Chromium shows it.

    python infra/draw_review.py [CHROMIUM]

Colours sample photographs that dependencies carry, starts the desk on them, and photographs it.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
IMAGES = ROOT / "docs" / "images"
SIZES = {
    "1440-en": (1440, 900),
    "1440-ko": (1440, 900),
    "1024-ko": (1024, 768),
    "390-ko": (390, 844),
}


def photograph(page: "Page", name: str) -> None:
    """Write what is shown."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    target = IMAGES / f"review-{name}.webp"
    image.save(target, quality=82, method=6)
    print(f"written: {target.name}, {target.stat().st_size:,} bytes")


def walk(page: "Page", url: str, name: str) -> None:
    """Photograph the sheet and a picture; in English the reasons and the pins, too."""
    page.goto(url)
    page.wait_for_selector(".cell[data-id] img")
    page.wait_for_load_state("networkidle")
    photograph(page, f"sheet-{name}")
    if name == "1440-ko":
        return
    page.goto(f"{url}#/?q=china.jpg")
    page.locator(".cell[data-id]", has_text="china.jpg").click()
    page.wait_for_selector(".picture[data-shown]")
    page.wait_for_timeout(700)
    photograph(page, f"picture-{name}")
    if name != "1440-en":
        return
    page.keyboard.press("r")
    photograph(page, f"reasons-{name}")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    photograph(page, f"pins-{name}")


def main(chromium: str) -> None:
    """Colour, serve, photograph."""
    from desk_pictures import write_archive
    from playwright.sync_api import sync_playwright

    import archive_colorizer as ac
    from archive_colorizer.demo import colour_photographs

    with tempfile.TemporaryDirectory() as scratch:
        scans, output = Path(scratch) / "scans", Path(scratch) / "colour"
        write_archive(scans)
        for name, rgb in colour_photographs():
            Image.fromarray(rgb).convert("L").save(scans / f"{name}.jpg", quality=92)
        print(ac.colorize(scans, output, engine="local").text())
        words = [sys.executable, "-m", "archive_colorizer", "review", str(output), "--port", "0"]
        words += ["--reviewer", "anna", "--audit-log", str(Path(scratch) / "audit.jsonl")]
        desk = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            url = (desk.stdout.readline() if desk.stdout else "").removeprefix("review: ").strip()
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for name, (width, height) in SIZES.items():
                    size: ViewportSize = {"width": width, "height": height}
                    context = browser.new_context(viewport=size, locale=name[-2:])
                    walk(context.new_page(), url, name)
                    context.close()
                browser.close()
        finally:
            desk.terminate()
            desk.wait()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium")
