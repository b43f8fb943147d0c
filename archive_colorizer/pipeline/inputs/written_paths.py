r"""Paths as an inventory writes them, found on this machine.

A path is tried as it is written, then as Windows and Macs may have meant it: backslashes, other
Unicode normal forms, the bytes of the inventory's own encoding. Paths of another machine
(`C:\scans\a.tif`, `\\server\scans\a.tif`, `/Volumes/scans/a.tif`) are mapped by what the user says.
"""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.pages import page_of_path
from archive_colorizer.storage import Location, absolute, parse_location

OF_WINDOWS: Final = re.compile(r"/?([A-Za-z]:[\\/].*)|(\\\\[^\\].*)", re.DOTALL)
"""An absolute path of Windows, also out of a file URI (`/C:/scans`)."""
ROOT: Final = parse_location("/")


class WrittenPaths:
    """Finds the files that an inventory names.

    Args:
        folder: of the inventory, or the working directory: relative paths begin there.
        path_map: pairs of a path there and the folder or s3:// prefix that it is here.
    """

    def __init__(self, folder: Location, path_map: Sequence[tuple[str, str]] = ()) -> None:
        self._folder = folder
        self._base = ROOT if folder.is_s3 else parse_location(str(folder.path.absolute()))
        self._map = [_MapEntry(old, new) for old, new in path_map]
        self._map.sort(key=lambda entry: -len(entry.old))

    def translate(self, written: str) -> str:
        """Give a path or URI as it is here: mapped, if an entry has its beginning.

        Raises:
            ConfigError: an absolute path of Windows that no entry has, beside an object store.
        """
        for entry in self._map:
            if (found := entry.apply(written)) is not None:
                return found
        if self._folder.is_s3:
            _check_unmapped(written)
        return written

    def find(self, written: str, encoding: str) -> dict[str, Any]:
        """Make the row of PAGES of a file of this machine; one that is not there stays listed.

        Args:
            written: absolute, or relative to the folder.
            encoding: of the inventory.

        Raises:
            ConfigError: an absolute path of Windows, and no file's name here.
        """
        rows: dict[str, dict[str, Any]] = {}
        for spelt in _spellings(written, encoding):
            place = self._base.join(spelt)
            path = place.path
            found = page_of_path(path, place.name_below(self._base) or f"absolute{path}")
            if found["size_bytes"] or found["mtime_ns"]:
                return found
            rows[spelt] = found
        _check_unmapped(written)
        return rows.get(written.replace("\\", "/"), rows[written])


def _check_unmapped(written: str) -> None:
    if OF_WINDOWS.fullmatch(written):
        said = r"is a path of Windows (--path-map 'C:\scans=FOLDER' says where that is)"
        raise ConfigError(f"{written[:200]}: {said}")


class _MapEntry:
    """One entry of a path map."""

    def __init__(self, old: str, new: str) -> None:
        self._new = new.rstrip("/") or "/"
        self._folds = bool(OF_WINDOWS.match(f"{old}\\"))
        self.old = self._fold(old).rstrip("/")

    def apply(self, written: str) -> str | None:
        """Give the path here; None where the entry does not have its beginning."""
        plain = written.replace("\\", "/") if self._folds else written
        if self._folds and re.match("/[A-Za-z]:", plain):  # out of a file URI
            plain = plain[1:]
        start = self._fold(plain[: len(self.old) + 1])
        if start != self.old and start != f"{self.old}/":
            return None
        rest = plain[len(self.old) :].lstrip("/")
        return f"{self._new.rstrip('/')}/{rest}"

    def _fold(self, text: str) -> str:
        return text.replace("\\", "/").lower() if self._folds else text


def _spellings(written: str, encoding: str) -> Iterator[str]:
    """Spell a path in the ways that it may be meant, as it is before others, each once."""
    yield written
    seen = {written}
    if "\\" not in written and written.isascii():
        return
    for text in dict.fromkeys((written, written.replace("\\", "/"))):
        forms = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]
        if encoding not in ("utf-8", "utf-8-sig"):
            forms.append(os.fsdecode(text.encode(encoding, errors="ignore")))
        for form in forms:
            if form not in seen and "\0" not in form:
                seen.add(form)
                yield form


def read_path_map(words: Sequence[str]) -> Sequence[tuple[str, str]]:
    r"""Read `OLD=NEW` words, such as `C:\scans=/mnt/scans`; NEW may begin in the working directory.

    Raises:
        ConfigError: a word of another form.
    """
    pairs = []
    for word in words:
        old, sign, new = word.partition("=")
        if not (sign and old.strip() and new.strip()):
            raise ConfigError(f"--path-map {word}: must be OLD=NEW, such as 'C:\\scans=/mnt/scans'")
        pairs.append((old.strip(), absolute(new.strip())))
    return tuple(pairs)
