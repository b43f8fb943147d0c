"""The exiftool at hand: EXIFTOOL, else what `make tools` installed, else the machine's own."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

INSTALLED: Final = (
    Path(__file__).parents[1] / "tools/node_modules/exiftool-vendored.pl/bin/exiftool"
)
EXIFTOOL: Final = (
    os.environ.get("EXIFTOOL")
    or (str(INSTALLED) if INSTALLED.exists() else "")
    or shutil.which("exiftool")
    or ""
)
WHY: Final = "there is no exiftool: `make tools` installs one, or EXIFTOOL names it"
AI_FIELDS: Final = (13, 40)
"""The first version that knows IPTC's AI fields."""


def ask(paths: list[Path], *words: str) -> list[dict[str, Any]]:
    """What exiftool reads of each file."""
    done = subprocess.run(
        [EXIFTOOL, "-json", *words, *map(str, paths)], capture_output=True, text=True, check=False
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def version() -> tuple[int, ...]:
    """Its version."""
    asked = subprocess.run([EXIFTOOL, "-ver"], capture_output=True, text=True, check=True)
    return tuple(map(int, asked.stdout.split(".")))
