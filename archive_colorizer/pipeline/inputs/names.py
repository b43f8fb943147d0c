r"""Names of listed pages, found by what a name in a list means and not by how it is spelt.

People write the same file in many ways: `./box/x.jpg` from find, `box\x.jpg` and `C:\scans\...`
from Windows, decomposed umlauts from a Mac, absolute paths through a link, paths relative to where
their list lies. The ways are tried from the surest to the boldest, and the first that hits counts.
Odd bytes of a name are surrogate escapes in here.
"""

import os
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote_to_bytes

import pyarrow as pa

from archive_colorizer.pipeline.inputs.encodings import LEGACY
from archive_colorizer.storage import parse_location

FILE_URI: Final = re.compile(r"file:(?://(?:localhost)?(?=/)|(?=/(?!/)))", re.IGNORECASE)
"""The beginning of a file URI: file:///x, file://localhost/x or file:/x (RFC 8089)."""
S3_URI: Final = re.compile("s3://", re.IGNORECASE)
LAST_CHARACTER: Final = chr(0x10FFFF)
QUOTES: Final = ('""', "''", "“”", "‘’")


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means."""

    rows: tuple[int, ...] = ()
    """Row numbers of the listing; none where the name names nothing."""
    exact: bool = False
    """Whether it is written as it is listed."""
    pictures: int = 0
    """Pictures that it may mean, and means but one of; an object id written as listed means one."""
    beside: bool = False
    """Whether it is a path from the folder of its list."""
    is_path: bool = True
    """Whether it is a path or URI, and no object id."""
    guessed: bool = False
    """Whether only its end is that of a listed page, and its first folders are other ones."""
    agreement: int = 0
    """Of a guess: further folders, right before SOURCE, whose names agree."""


class ListedNames:
    """The names of a listing. Nothing is indexed until the first name is sought."""

    def __init__(self, table: pa.Table) -> None:
        """Take the columns `source_uri`, `object_id`, `relative` and, if there, `relative_raw`."""
        self._table = table
        self._plain = _Names(self, _fold_nothing)
        self._other_case = _Names(self, _fold_case)

    def find(self, name: str, beside: str = "") -> Found:
        """Find the pages that a name means; `beside` is the folder of its list, a location."""
        return self.find_surely(name, beside) or self.guess(name)

    def find_surely(self, name: str, beside: str = "") -> Found | None:
        """Find the pages that agree with the whole of a name; None where there are none."""
        folder = _absolute(beside)
        found = self._find_as_written(name, folder)
        if found or "\0" in name:
            return found
        spellings = _spellings(name)
        for names in (self._plain, self._other_case):
            for text in spellings:
                found = names.find(text, folder)
                if found:
                    return found
        return self._find_object(name.strip())

    def guess(self, name: str) -> Found:
        """Find the pages whose path below SOURCE is the end of a name: made on another mount."""
        for names in (self._plain, self._other_case):
            for text in _spellings(name):
                found = names.guess(text)
                if found:
                    return found
        return Found()

    def same_files(self, rows: Iterable[int]) -> set[int]:
        """Add the rows that are the same files, through links."""
        given = set(rows)
        return given.union(*(self._real.get(self.real_paths[row]) for row in given))

    @cached_property
    def uris(self) -> Sequence[str]:
        """URI of each row."""
        uris: list[str] = self._table["source_uri"].to_pylist()
        return uris

    @cached_property
    def relatives(self) -> Sequence[str]:
        """Path below SOURCE of each row."""
        if "relative_raw" in self._table.column_names:
            return [os.fsdecode(raw) for raw in self._table["relative_raw"].to_pylist()]
        texts: list[str] = self._table["relative"].to_pylist()
        return texts

    @cached_property
    def paths(self) -> Sequence[str]:
        """Absolute path of each row; of an object its URI."""
        return [uri if S3_URI.match(uri) else path_of(uri) for uri in self.uris]

    @cached_property
    def real_paths(self) -> Sequence[str]:
        """Path of each row after links are resolved; of an object its URI."""
        return [path if S3_URI.match(path) else self.resolve(path) for path in self.paths]

    def resolve(self, path: str) -> str:
        """Resolve links; each folder is read once, for a file server answers slowly."""
        folder, name = os.path.split(path)
        if not name:
            return os.path.realpath(path)
        if folder not in self._folders:
            real = os.path.realpath(folder)
            self._folders[folder] = real, _links_in(real)
        real, links = self._folders[folder]
        whole = os.path.join(real, name)  # noqa: PTH118 (odd bytes and dots stay)
        return os.path.realpath(whole) if name in links else whole

    def count_pictures(self, rows: Iterable[int]) -> int:
        """Count the files that rows are pages of."""
        return len({self.uris[row] for row in rows})

    def keep_files(self, rows: Iterable[int]) -> set[int]:
        """Keep the rows of files: in an object's key `..` means nothing."""
        return {row for row in rows if not S3_URI.match(self.uris[row])}

    @cached_property
    def _folders(self) -> dict[str, tuple[str, frozenset[str]]]:
        return {}

    @cached_property
    def _written(self) -> "_Index":
        texts = (
            self._table["relative"].to_pylist() if "relative" in self._table.column_names else ()
        )
        return _Index(self.relatives, texts, self.uris)

    @cached_property
    def _at(self) -> "_Index":
        return _Index(self.paths)

    @cached_property
    def _real(self) -> "_Index":
        return _Index(self.real_paths)

    @cached_property
    def _objects(self) -> "_Index":
        return _Index(self._table["object_id"].to_pylist())

    @cached_property
    def _objects_folded(self) -> "_Index":
        return _Index([_fold_case(text.strip()) for text in self._objects.names])

    def _find_as_written(self, name: str, folder: str) -> Found | None:
        tidy = S3_URI.match(folder) or name == "/".join(_parts(name))
        from_list = folder and tidy and not S3_URI.match(name)
        beside = set(self._at.get(_tidy(_join(folder, name)))) if from_list else set()
        written = set(self._written.get(name))
        objects = set(self._objects.get(name)) if name else set()
        rows = beside | written | objects
        if not rows:
            return None
        is_path = bool(beside or written)
        pictures = self.count_pictures(rows) if is_path else 1
        exact = bool(written or objects)
        return Found(tuple(sorted(rows)), exact, pictures, bool(beside), is_path)

    def _find_object(self, name: str) -> Found | None:
        rows = self._objects.get(name) or self._objects_folded.get(_fold_case(name))
        if not name or not rows:
            return None
        ids = {self._objects.names[row] for row in rows}
        return Found(tuple(rows), False, len(ids), is_path=False)


class _Index:
    """Rows by name. Most names have one row, and a million lists of one would be dear."""

    def __init__(self, *columns: Sequence[str]) -> None:
        self.names = columns[0]
        self._first: dict[str, int] = {}
        self._more: dict[str, list[int]] = {}
        for names in columns:
            for row, name in enumerate(names):
                if self._first.setdefault(name, row) != row:
                    self._more.setdefault(name, []).append(row)

    def get(self, name: str) -> Sequence[int]:
        """Give the rows of a name."""
        if name not in self._first:
            return ()
        return (self._first[name], *self._more.get(name, ()))


class _Names:
    """The names after a fold, that is, with some differences of spelling taken away."""

    def __init__(self, listed: ListedNames, fold: Callable[[str], str]) -> None:
        self._listed = listed
        self._fold = fold

    def find(self, text: str, folder: str) -> Found | None:
        """Find a path that is all there: below SOURCE, below its list, absolute, through links."""
        places = tuple(_places(text, folder))
        from_list = folder and places and not text.startswith("/") and not S3_URI.match(text)
        beside = set(self._at(places[-1])) if from_list else set()
        rows = beside.union(self._below(text), *map(self._at, places))
        linked = rows or set().union(*map(self._through_links, places))
        if linked and not rows:  # one file, however many names it has
            return Found(tuple(sorted(linked)), False, 1, bool(from_list))
        rows = rows or set(self._ending(text))
        if not rows:
            return None
        pictures = self._listed.count_pictures(rows)
        return Found(tuple(sorted(rows)), False, pictures, bool(beside))

    def guess(self, text: str) -> Found | None:
        """Find the longest end of a path that is a whole path below SOURCE."""
        parts = _parts(self._fold(text))
        for start in range(1, len(parts)):
            rows = self._relatives.get("/".join(parts[start:]))
            if rows:
                pictures = self._listed.count_pictures(rows)
                agreement = self._agree(rows[0], parts[:start], len(parts) - start)
                return Found(tuple(rows), False, pictures, guessed=True, agreement=agreement)
        return None

    @cached_property
    def _real(self) -> _Index:
        return _Index([self._key(path) for path in self._listed.real_paths])

    @cached_property
    def _relatives(self) -> _Index:
        return _Index([self._key(name) for name in self._listed.relatives])

    @cached_property
    def _ends(self) -> tuple[Sequence[str], Sequence[int]]:
        """Paths with their parts in reverse, sorted: those with one end lie side by side."""
        ends = [self._reverse(path) for path in self._listed.paths]
        order = sorted(range(len(ends)), key=ends.__getitem__)
        return [ends[row] for row in order], order

    def _key(self, text: str) -> str:
        return "/".join(_parts(self._fold(text)))

    def _reverse(self, text: str) -> str:
        return "".join(f"{part}/" for part in reversed(_parts(self._fold(text))))

    def _below(self, text: str) -> Iterable[int]:
        parts = _parts(self._fold(text))
        if ".." not in parts:
            return self._relatives.get("/".join(parts))
        tidy = os.path.normpath("/".join(parts))
        return self._listed.keep_files(self._relatives.get(tidy))

    def _at(self, place: str) -> Sequence[int]:
        return self._between(self._reverse(_tidy(place)), whole=True)

    def _through_links(self, place: str) -> Iterable[int]:
        if S3_URI.match(place):
            return ()
        return self._real.get(self._key(self._listed.resolve(place)))

    def _ending(self, text: str) -> Sequence[int]:
        parts = _parts(text)
        while parts and parts[0] == "..":  # from a folder that nobody knows
            parts = parts[1:]
        if ".." in parts or not parts:
            return ()
        return self._between(self._reverse("/".join(parts)), whole=False)

    def _between(self, end: str, *, whole: bool) -> Sequence[int]:
        ends, order = self._ends
        low = bisect_left(ends, end)
        last = f"{end}\0" if whole else end + LAST_CHARACTER
        return order[low : bisect_left(ends, last, low)] if end else ()

    def _agree(self, row: int, before: Sequence[str], n_parts: int) -> int:
        listed = _parts(self._fold(self._listed.paths[row]))[:-n_parts]
        agreement = 0
        for one, other in zip(reversed(listed), reversed(before), strict=False):
            if one != other:
                break
            agreement += 1
        return agreement


def path_of(uri: str) -> str:
    """Give the path of a file URI in any spelling; another text stays as it is."""
    begin = FILE_URI.match(uri)
    return os.fsdecode(unquote_to_bytes(os.fsencode(uri[begin.end() :]))) if begin else uri


def _spellings(name: str) -> Sequence[str]:
    """Spell a name in the ways that it may be meant, as it is before others."""
    text = path_of(name.strip())
    texts = [path_of(name), text]
    if len(text) > 2 and text[0] + text[-1] in QUOTES:
        texts.append(path_of(text[1:-1]))
    texts += [one.replace("\\", "/") for one in texts]
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        raw = [os.fsencode(one) for one in texts]  # odd bytes: of Windows, most likely
        texts += [one.decode(name, errors="replace") for name in LEGACY for one in raw]
    return tuple(dict.fromkeys(one for one in texts if one))


def _places(text: str, folder: str) -> Iterator[str]:
    """Give the absolute places that a path may be, the one in its list's folder last."""
    if S3_URI.match(text):
        yield text
        return
    if text.startswith("/"):
        yield text
    if folder:
        yield _join(folder, text)


def _absolute(folder: str) -> str:
    place = parse_location(folder) if folder else None
    if place is None:
        return ""
    return place.uri if place.is_s3 else os.path.abspath(place.key)  # noqa: PTH100 (links stay)


def _join(folder: str, text: str) -> str:
    if S3_URI.match(folder):
        return f"{folder.rstrip('/')}/{text}"
    return os.path.join(folder, text)  # noqa: PTH118 (odd bytes and dots stay)


def _tidy(place: str) -> str:
    """Take `..` out of a path; in an object's key it means nothing."""
    return place if S3_URI.match(place) else os.path.normpath(place)


def _parts(text: str) -> list[str]:
    return [part for part in text.split("/") if part not in ("", ".")]


def _fold_nothing(text: str) -> str:
    """Leave all but the Unicode normal form, which people do not see."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _fold_case(text: str) -> str:
    text = text.replace("\\", "/")
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _links_in(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_symlink())
    except (OSError, ValueError):
        return frozenset()
