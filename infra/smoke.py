"""What `make smoke` runs: the installed command, in an environment without development extras.

    build/smoke/bin/python infra/smoke.py

Every help is shown, the models are listed, one drawn picture is coloured and verified: away from
the checkout, and without asking for anything elsewhere. What fails first is said in one line.
"""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

COMMAND = Path(sys.executable).parent / "archive-colorizer"
HELP = ("", "colorize", "status", "verify", "evaluate", "compare", "train", "data", "models")
DEVELOPERS_OWN = ("pytest", "mypy", "moto", "hypothesis", "skimage")


class SmokeError(Exception):
    """Something that a user would meet in a fresh environment. Its text is one line."""


def run(place: Path, *words: str) -> str:
    """What a command says that succeeds.

    Raises:
        SmokeError: it does not.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"HOME": str(place), "XDG_CACHE_HOME": str(place / "cache")}
    done = subprocess.run(
        [str(COMMAND), *words], cwd=place, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise SmokeError(
            f"`archive-colorizer {' '.join(words)}` ended with {done.returncode}: {last}"
        )
    return done.stdout


def draw(path: Path) -> None:
    """Write a grey picture with edges and slopes, 160x120 pixels."""
    y, x = np.mgrid[:120, :160]
    gray = 90 + 60 * np.sin(x / 17) + 40 * (y > 60)
    path.parent.mkdir(parents=True)
    Image.fromarray(gray.astype(np.uint8)).save(path)


def smoke(place: Path) -> None:
    """The walk.

    Raises:
        SmokeError: its first fault.
    """
    found = [name for name in DEVELOPERS_OWN if find_spec(name)]
    if found:
        raise SmokeError(f"this environment has {', '.join(found)}, which only developers have")
    for name in HELP:
        if "usage: archive-colorizer" not in run(place, *name.split(), "--help"):
            raise SmokeError(f"`archive-colorizer {name} --help` says nothing of its usage")
    run(place, "models", "list")
    draw(place / "scans" / "one.png")
    run(place, "colorize", "scans", "colour", "--engine", "local")
    if not list((place / "colour").glob("one.colorized.*")):
        raise SmokeError("`archive-colorizer colorize` left no derivative")
    if "listed 1, left 0" not in (said := run(place, "status", "colour")):
        raise SmokeError(f"`archive-colorizer status` says {said.splitlines()[:1]}")
    run(place, "verify", "colour")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        try:
            smoke(Path(scratch))
        except SmokeError as error:
            sys.exit(f"smoke: {error}")
    print("smoke: the installed command works")
