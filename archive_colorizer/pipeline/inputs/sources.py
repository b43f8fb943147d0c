"""Sources: what the words before OUTPUT name. Folders, pictures, inventories, globs, and a list of
paths on standard input (`-`).
"""

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.inputs.tables import TABLES
from archive_colorizer.storage import Location, parse_location

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """One place to be listed."""

    place: Location
    base: Location | None = None
    """Folder below which its pages have their names; None: a folder itself, or a picture's own."""
    is_found: bool = False
    """Whether a glob found it: then what is no picture by its ending is passed over."""
    may_be_missing: bool = False
    """Whether a list names it: a file that is not there becomes a row, and stops nothing."""


def find_sources(words: Sequence[str]) -> Iterator[Source]:
    """Give the places that the words name, in their order.

    Raises:
        LocationError: a glob that nothing matches, or a scheme that is not supported.
    """
    for word in words:
        if word == STDIN:
            yield from _read_stdin()
        elif _is_glob(word):
            yield from _match(word)
        else:
            yield Source(parse_location(word))


def _is_glob(word: str) -> bool:
    """Tell a glob from a name that has such characters; an object store's keys are no globs."""
    return "://" not in word and glob.has_magic(word) and not os.path.lexists(word)


def _match(word: str) -> Iterator[Source]:
    base = _location(_fixed_folder(word))
    found = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 (names need not be UTF-8)
    if not found:
        raise LocationError(f"{word}: nothing matches")
    folders: set[PurePosixPath] = set()
    for path in found:
        if folders.intersection(PurePosixPath(path).parents):
            continue  # `**` gives folders and what is in them
        if Path(path).is_dir():
            folders.add(PurePosixPath(path))
        yield Source(_location(path), base, is_found=not _names_tables(word))


def _names_tables(word: str) -> bool:
    """Tell whether a glob is for inventories: `lists/*.csv`."""
    return PurePosixPath(word).suffix.lower() in TABLES


def _fixed_folder(word: str) -> str:
    """Give the folders of a glob before its first part that is a pattern."""
    parts = word.split("/")
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first]) or ("/" if first else ".")


def _read_stdin() -> Iterator[Source]:
    """Read a list of paths: one a line, or with zero bytes between them (`find -print0`)."""
    data = sys.stdin.buffer.read()
    here = _location(".")
    names = data.split(b"\0") if b"\0" in data else data.split(b"\n")
    for name in names:
        text = os.fsdecode(name.removesuffix(b"\r"))
        if text.strip():
            yield Source(parse_location(text), here, may_be_missing=True)


def _location(path: str) -> Location:
    return parse_location(os.path.abspath(path))  # noqa: PTH100 (links stay)
