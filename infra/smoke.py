"""What `make smoke` runs: the installed command, in an environment without development extras.

    build/smoke/bin/python infra/smoke.py          # after `pip install .`
    build/smoke/bin/python infra/smoke.py --all    # after `pip install 'archive-colorizer[all]'`

Every help is shown, drawn pictures are coloured on both engines, into one file and from Python, and
verified: away from the checkout, and without asking for anything elsewhere. Without extras, what
needs one says its pip command; with `--all` everything is there. What fails first is said in one
line.
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
DEVELOPERS_OWN = ("pytest", "mypy", "hypothesis", "zensical")
OF_EXTRAS = ("boto3", "h5py", "matplotlib", "mlflow", "pypdfium2", "skimage", "torchmetrics")
NEEDING = {
    "status s3://nobody/colour": "s3",
    "models list": "train",
    "evaluate scans --model builtin:default": "metrics",
}
"""Commands that need an extra, without which they name it."""
API = """
import sys, archive_colorizer as ac
assert not {"torch", "ray", "numpy"} & set(sys.modules)
assert ac.Colorizer.load()("scans/one.png").picture.size == (160, 120)
assert len(ac.Manifest.open("colour").to_pandas()) == 1
"""


class SmokeError(Exception):
    """Something that a user would meet in a fresh environment. Its text is one line."""


def call(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout and from the user's own files."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"HOME": str(place), "XDG_CACHE_HOME": str(place / "cache")}
    return subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, check=False)


def run(place: Path, *words: str) -> str:
    """What a command says that succeeds.

    Raises:
        SmokeError: it does not.
    """
    done = call(place, str(COMMAND), *words)
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


def colour(place: Path) -> None:
    """Colour the picture in every way that needs no extra.

    Raises:
        SmokeError: the first fault.
    """
    draw(place / "scans" / "one.png")
    for words in (["colour"], ["on-ray", "--engine", "ray"], ["one.jpg"]):
        run(place, "colorize", "scans/one.png" if words == ["one.jpg"] else "scans", *words)
    for folder in ("colour", "on-ray"):
        if not list((place / folder).glob("one.colorized.*")):
            raise SmokeError("`archive-colorizer colorize` left no derivative")
        run(place, "verify", folder)
    if not (place / "one.jpg").is_file():
        raise SmokeError("`archive-colorizer colorize scans/one.png one.jpg` left no file")
    if "listed 1, left 0" not in (said := run(place, "status", "colour")):
        raise SmokeError(f"`archive-colorizer status` says {said.splitlines()[:1]}")
    done = call(place, sys.executable, "-W", "error::ImportWarning", "-c", API)
    if done.returncode:
        raise SmokeError(f"the Python API: {done.stderr.strip().splitlines()[-1]}")


def name_extras(place: Path) -> None:
    """Run what needs an extra, which is not there.

    Raises:
        SmokeError: a command does not name it in one line.
    """
    for words, extra in NEEDING.items():
        done = call(place, str(COMMAND), *words.split())
        lines = done.stderr.strip().splitlines()
        told = len(lines) == 1 and lines[0].endswith(f"pip install 'archive-colorizer[{extra}]'")
        if done.returncode != 2 or not told:
            last = (lines or ["no word"])[-1]
            raise SmokeError(f"`archive-colorizer {words}` without {extra} says: {last}")


def smoke(place: Path, *, extras: bool = False) -> None:
    """The walk.

    Raises:
        SmokeError: its first fault.
    """
    found = [name for name in DEVELOPERS_OWN if find_spec(name)]
    if found:
        raise SmokeError(f"this environment has {', '.join(found)}, which only developers have")
    there = [name for name in OF_EXTRAS if find_spec(name)]
    if there != (list(OF_EXTRAS) if extras else []):
        raise SmokeError(f"of the extras this environment has: {', '.join(there) or 'none'}")
    if extras:
        run(place, "models", "list")
        return
    for name in HELP:
        if "usage: archive-colorizer" not in run(place, *name.split(), "--help"):
            raise SmokeError(f"`archive-colorizer {name} --help` says nothing of its usage")
    colour(place)
    name_extras(place)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        try:
            smoke(Path(scratch), extras="--all" in sys.argv[1:])
        except SmokeError as error:
            sys.exit(f"smoke: {error}")
    print("smoke: the installed command works")
