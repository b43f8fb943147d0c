"""Draw docs/images/report.png: a report's review page, as Chromium shows it.

    python infra/draw_report.py [CHROMIUM]

Colours sample photographs that dependencies carry, one of them a negative and one cut short, and
photographs the pages. Nothing is loaded from elsewhere.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

import archive_colorizer as ac
from archive_colorizer.demo import colour_photographs

TARGET = Path(__file__).parents[1] / "docs" / "images" / "report.png"
PAGE = "report/pages/review-000001.html"
SIZE = (1200, 760)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-quic",
)  # fmt: skip


def write_scans(folder: Path) -> None:
    """Grey sample photographs, a negative, and a file that ends early."""
    for number, (name, rgb) in enumerate(colour_photographs()):
        gray = Image.fromarray(rgb).convert("L")
        gray.thumbnail((700, 700))
        gray.save(folder / f"{name}.jpg")
        if number == 0:
            ImageOps.invert(gray).save(folder / "glass plate 12.jpg")
            sink = io.BytesIO()
            gray.save(sink, "JPEG")
            (folder / "cut.jpg").write_bytes(sink.getvalue()[:20_000])


def main(chromium: str) -> None:
    """Colour, report, photograph."""
    with tempfile.TemporaryDirectory() as scratch:
        scans, output = Path(scratch) / "scans", Path(scratch) / "colour"
        scans.mkdir()
        write_scans(scans)
        print(ac.colorize(scans, output, engine="local").text())
        words = [chromium, *QUIET, f"--user-data-dir={scratch}/profile", f"--screenshot={TARGET}",
                 f"--window-size={SIZE[0]},{SIZE[1]}", (output / PAGE).as_uri()]  # fmt: skip
        subprocess.run(words, check=True, capture_output=True)
    image = Image.open(TARGET).convert("RGB").quantize(256)
    image.save(TARGET, optimize=True)
    print(f"written: {TARGET.name}, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    found = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium")
    main(found or sys.exit("no chromium here"))
