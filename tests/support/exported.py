"""What tests of exports share: the archive that is exported, and what an export left."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive_colorizer.exports.shelf import Tally
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.storage import open_store

Export = Callable[..., Tally]
"""Exports in a form to a folder of the test, or to a place that is named; takes options."""
LARGE = (1300, 700)
"""Height and width of the picture that has several tiles."""


@dataclass(frozen=True)
class Archive:
    """Masters and OUTPUT."""

    masters: Path
    out: Path
    inventory: Path

    def rows(self) -> list[dict[str, Any]]:
        """The manifest, by path and page."""
        table = manifest.read(open_store(str(self.out)))
        return sorted(table.to_pylist(), key=lambda row: (row["source_path"], row["page"]))

    def ok(self) -> list[dict[str, Any]]:
        """Rows that have a derivative."""
        return [row for row in self.rows() if row["status"] == "ok"]


def files_in(folder: Path) -> dict[str, bytes]:
    """What an export left for others, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".archive-colorizer" not in path.parts
    }
