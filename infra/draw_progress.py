"""Draw docs/images/progress.svg: what `colorize` shows on a terminal, at some moments of one run.

    python infra/draw_progress.py

Colours sample photographs that dependencies carry, one of them cut short, in a terminal of this
program's own. The moments are what was really shown then; the picture loads nothing from elsewhere.
"""

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from PIL import Image
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from archive_colorizer.demo import colour_photographs

TARGET: Final = Path(__file__).parents[1] / "docs" / "images" / "progress.svg"
COLUMNS: Final = 108
COPIES: Final = 12
COMMAND: Final = ("archive-colorizer", "colorize", "scans", "colour", "--engine", "local")
ERASE: Final = re.compile(rb"\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh]|\r\n?")
"""Written by `rich` before it draws a line again."""
BAR: Final = re.compile(r"[\u2800-\u28ff ]* *[\u2501\u2578\u257a][^\w]*")
"""Begins a line that is drawn again and again: a turning mark, and a bar."""
AT_WORK: Final = re.compile(r"([\d,]+)/([\d,]+) done")
Moment = tuple[float, str]
"""Seconds since the start, and a line with its colours."""


def write_scans(folder: Path) -> None:
    """Grey sample photographs, each many times, and a file that ends early."""
    for name, rgb in colour_photographs():
        gray = Image.fromarray(rgb).convert("L")
        gray.thumbnail((700, 700))
        for number in range(COPIES):
            gray.save(folder / f"{name}-{number:03d}.jpg")
    first = next(iter(folder.iterdir()))
    (folder / "cut.jpg").write_bytes(first.read_bytes()[:9_000])


def watch(folder: Path) -> tuple[list[Moment], str]:
    """Run the command in a terminal; gives each line as it was shown, and what stayed."""
    terminal, inside = pty.openpty()
    job = subprocess.Popen(
        [sys.executable, "-m", "archive_colorizer", *COMMAND[1:]], cwd=folder,
        stdin=inside, stdout=inside, stderr=inside,
        env=os.environ | {"COLUMNS": str(COLUMNS), "LINES": "30", "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(inside)
    start_s = time.monotonic()
    shown: list[Moment] = []
    held = b""
    while True:
        try:
            held += os.read(terminal, 1 << 16)
        except OSError:  # the terminal's other side is closed
            break
        *whole, held = ERASE.split(held)
        now_s = time.monotonic() - start_s
        shown += [(now_s, line.decode()) for line in whole if line.strip()]
    job.wait()
    os.close(terminal)
    return shown, "\n".join(line for _, line in shown if not BAR.match(plain(line)))


def plain(line: str) -> str:
    """Take the colours off a line."""
    return Text.from_ansi(line).plain


def choose(shown: list[Moment]) -> list[Moment]:
    """Choose the first sight of each message, and of work a third and two thirds done."""
    chosen: list[Moment] = []
    seen: set[str] = set()
    for at_s, line in shown:
        if not BAR.match(plain(line)):
            continue
        words = BAR.sub("", plain(line))
        found = AT_WORK.search(words)
        if found:
            done, total = (int(one.replace(",", "")) for one in found.groups())
            words = f"{3 * done // total} thirds" if done < total else ""
        if words and words not in seen:
            seen.add(words)
            chosen.append((at_s, line))
    return chosen


def main() -> None:
    """Run, watch, draw."""
    with tempfile.TemporaryDirectory() as scratch:
        scans = Path(scratch) / "scans"
        scans.mkdir()
        write_scans(scans)
        shown, stayed = watch(Path(scratch))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {' '.join(COMMAND)}", style="bold"))
    for at_s, line in choose(shown):
        console.print(Text(f"after {at_s:.0f} s", style="dim"))
        console.print(Text.from_ansi(line))
    console.print(Text("at the end", style="dim"))
    console.print(Text.from_ansi(stayed))
    # rich's own format asks a host on the internet for its font, and names one in a comment.
    web = r"@font-face \{\{.*?\}\}\s*|<!--.*?-->"
    form = re.sub(web, "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="archive-colorizer", code_format=form, unique_id="progress")
    TARGET.write_text(svg.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")
    print(f"written: {TARGET.name}, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
