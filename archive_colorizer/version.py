"""Which state of the code is running."""

import subprocess
from pathlib import Path


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
