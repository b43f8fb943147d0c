"""Walk through SOURCE: which files are masters, and by what name the others are counted.

One entry that makes trouble is one page's problem, and one folder that cannot be listed is named
while the rest goes on.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.formats import ENDINGS
from archive_colorizer.pipeline.inputs.filters import Filter
from archive_colorizer.pipeline.inputs.pages import page_of_entry, problem_page
from archive_colorizer.pipeline.inputs.passed_over import PassedOver, Row
from archive_colorizer.pipeline.program_errors import describe, guarded
from archive_colorizer.storage import Entry, Location, S3Settings, open_store

PICTURES: Final = ENDINGS
HIDDEN, NO_ENDING, FILTERED = "hidden", "without ending", "filtered out"
BY_PRODUCTS: Final[Mapping[str, str]] = {
    "@eaDir": "made by a NAS",
    "@tmp": "made by a NAS",
    "@Recycle": "made by a NAS",
    "@Recently-Snapshot": "made by a NAS",
    "@sharebin": "made by a NAS",
    "#recycle": "made by a NAS",
    "#snapshot": "made by a NAS",
    "~snapshot": "made by a NAS",
    "Network Trash Folder": "made by a NAS",
    "$RECYCLE.BIN": "made by Windows",
    "RECYCLER": "made by Windows",
    "System Volume Information": "made by Windows",
    "__MACOSX": "made by a Mac",
}
"""Folders that hold no masters -> who made them. (lost+found is none: what a file system's repair
puts there may be the only copy.)"""
_BY_PRODUCTS: Final = {name.casefold(): name for name in BY_PRODUCTS}
_ENDING: Final = re.compile(r"\.[a-z0-9_+~-]{1,12}")
SHOWN_KINDS: Final = 8
"""Kinds of passed-over files that a note names; the rest is a sum."""


class Walk:
    """One walk through a folder or prefix.

    Args:
        place: SOURCE.
        s3: the way to object stores.
        wanted: what the user includes and excludes.
        prefix: goes before the pages' names, and those that `wanted` is asked for.
    """

    def __init__(self, place: Location, s3: S3Settings, wanted: Filter, prefix: str = "") -> None:
        self._place, self._s3, self._wanted, self._prefix = place, s3, wanted, prefix
        self.unlisted: list[str] = []
        """A line for each folder that could not be listed."""

    def rows(self) -> Iterator[Row]:
        """Yield a row of PAGES for each master, and the kind and name of any other file.

        Raises:
            LocationError: SOURCE itself cannot be listed.
        """
        try:
            for entry in open_store(self._place, self._s3).list(unlisted=self._note_unlisted):
                kind = self._kind(entry)
                if kind is not None:
                    yield PassedOver(kind, self._prefix + entry.key)
                    continue
                row = guarded(partial(page_of_entry, entry, self._prefix + entry.key))
                if isinstance(row, Exception):
                    row = problem_page(entry.uri, self._prefix + entry.key, describe(row))
                yield row
        except OSError as error:
            at = self._place.text if self._place.is_s3 else error.filename or self._place.text
            reason = error.strerror or error
            raise LocationError(f"{_shown(at)}: cannot list it: {reason}") from error

    def _kind(self, entry: Entry) -> str | None:
        """The kind of a file that is passed over; None for a master."""
        *folders, name = entry.key.split("/")
        if _is_hidden(entry.key):
            return HIDDEN
        if by_product := self._find_by_product([*self._prefix.split("/"), *folders]):
            return by_product
        kind = find_kind(name)
        if kind is not None and entry.problem:  # it may be a folder
            self._note_unlisted(entry.key, OSError(0, entry.problem))
        return kind

    def _find_by_product(self, folders: list[str]) -> str:
        for folder in folders:
            name = _BY_PRODUCTS.get(folder.casefold(), "")
            if name and not self._wanted.names(name):
                return name
        return ""

    def _note_unlisted(self, key: str, error: OSError) -> None:
        if _is_hidden(key) or self._find_by_product(key.split("/")):
            return
        if self._wanted.leaves_out(self._prefix + key):
            return
        at = _shown(f"{self._place.text.rstrip('/')}/{key}")
        self.unlisted.append(f"{at}: cannot list it: {error.strerror or error}")


def find_kind(name: str) -> str | None:
    """Find the kind of a file by its name, as counts of passed-over files have it.

    Returns:
        None for a picture.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending in PICTURES:
        return None
    return ending if _ENDING.fullmatch(ending) else NO_ENDING


def _is_hidden(key: str) -> bool:
    """Tell by its parts; in an object's key, "." and ".." are names like any other."""
    return any(part.startswith(".") and part not in {".", ".."} for part in key.split("/"))


def _shown(place: str) -> str:
    return os.fsencode(place).decode(errors="replace")


def passed_over_notes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Say how many files of which kinds were passed over.

    Args:
        counts: by ending, name of a by-product, or one of the other kinds.
    """
    made = {kind: number for kind, number in counts.items() if kind in BY_PRODUCTS}
    notes = tuple(
        f"{_files(number)} in {name} passed over ({BY_PRODUCTS[name]})"
        for name, number in sorted(made.items())
    )
    rest = Counter({kind: number for kind, number in counts.items() if kind not in made})
    if not rest:
        return notes
    shown = [f"{number:,} {kind}" for kind, number in rest.most_common(SHOWN_KINDS)]
    if more := rest.total() - sum(number for _, number in rest.most_common(SHOWN_KINDS)):
        shown.append(f"{more:,} of other kinds")
    return (f"{_files(rest.total())} passed over: {', '.join(shown)}", *notes)


def _files(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"
