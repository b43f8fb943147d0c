"""Which state of the code is running.

The package shows `__version__`, too. Modules take it from here: the package's own file names what
is above them.
"""

import subprocess
from pathlib import Path
from typing import Final

__version__: Final = "0.2.0"


def git_commit() -> str:
    """Commit of the checkout that the package runs from; empty when it is installed otherwise."""
    folder = Path(__file__).parents[1]
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(  # noqa: S603 (fixed words and our own folder)
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 (the user's own git)
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
