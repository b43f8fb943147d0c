"""Some sixty masters, one of each kind that has made trouble."""

from pathlib import Path

import described
import layouts

EVERY = 14
"""One of so many layouts is taken."""
ENDINGS = {"jpeg 2000": ".jp2", "jpeg xl": ".jxl", "webp": ".webp"}


def write_difficult(masters: Path) -> dict[str, str]:
    """Write them into a new folder; name -> error class, empty where it can be coloured."""
    masters.mkdir()
    wanted = {}
    for number, cell in enumerate(list(layouts.cells())[::EVERY]):
        name = f"{number:02d}.tif"  # a wrong ending does no harm
        (masters / name).write_bytes(cell.data)
        wanted[name] = ""
    for number, kind in enumerate(described.KINDS):
        name = f"described {number}{ENDINGS.get(kind, '.tif')}"
        (masters / name).write_bytes(described.master(kind))
        wanted[name] = ""
    whole = described.master("jpeg")
    bad = {
        "cut.jpg": (whole[: len(whole) - len(whole) // 10], "truncated"),
        "empty.jpg": (b"", "unreadable"),
        "page.png": (b"<!doctype html>", "unreadable"),
        "raw.tif": (b"8BPS" + bytes(99), "unsupported"),
    }
    for name, (data, error) in bad.items():
        (masters / name).write_bytes(data)
        wanted[name] = error
    return wanted
