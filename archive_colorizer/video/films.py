"""Films of SOURCE: files by their endings, and folders of numbered frames."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from archive_colorizer.errors import LocationError, NoPicturesError
from archive_colorizer.pipeline.inputs.sources import Source, find_sources
from archive_colorizer.pipeline.output.layout import check_apart
from archive_colorizer.storage import Entry, S3Settings, find_entry, open_store
from archive_colorizer.storage.location import TEMPORARIES, parse_location

FILMS: Final = frozenset(
    [
        ".3gp",
        ".asf",
        ".avi",
        ".dv",
        ".flv",
        ".gxf",
        ".m1v",
        ".m2t",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".nut",
        ".ogv",
        ".qt",
        ".rm",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".y4m",
    ]
)
"""Endings of films in a folder; a file that is named itself may have any."""
FRAMES: Final = frozenset(
    [".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".exr", ".jp2", ".j2k"]
)
_NUMBERED: Final = re.compile(r"(?P<name>.*?)[ ._-]?(?P<number>\d+)")
LEAST_FRAMES: Final = 2


Pin = tuple[int, float, float, float, str]
"""A point of known colour: frame, or -1 and seconds; x, y; colour."""


@dataclass(frozen=True, slots=True)
class Film:
    """One film that was listed, not yet opened."""

    uri: str
    """Of the file; of a sequence its folder, or `FOLDER/NAME` where the folder holds several."""
    raw: bytes
    name: str
    """Path below SOURCE, without the ending for a sequence."""
    size_bytes: int
    mtime_ns: int | None = None
    etag: str | None = None
    frames: tuple[str, ...] = ()
    """URIs of the frames of a sequence, in their order; empty for a file."""
    pins: tuple[Pin, ...] = ()
    """Points of known colour."""


def list_films(words: Sequence[str], output: str, s3: S3Settings) -> list[Film]:
    """List the films that the words name, in order, each once.

    Args:
        words: files, folders, s3:// prefixes or globs.
        output: OUTPUT, which may not hold them.
        s3: the way to object stores.

    Raises:
        LocationError: a place that is not there, cannot be listed, or meets OUTPUT.
        NoPicturesError: there are no films.
    """
    found: dict[str, Film] = {}
    for source in find_sources(words):
        check_apart(source.place.text, output)
        for film in _list(source, s3):
            found.setdefault(film.uri, film)
    if not found:
        raise NoPicturesError(f"{', '.join(words)}: no films there")
    return list(found.values())


def _list(source: Source, s3: S3Settings) -> Iterator[Film]:
    place = source.place
    entry = _find_file(source, s3)
    if entry is not None:
        yield _film(entry, place.raw, place.name)
        return
    store = open_store(place, s3)
    try:
        entries = [one for one in store.list() if not one.key.startswith(f"{TEMPORARIES}/")]
    except OSError as error:
        raise LocationError(f"{place.text}: cannot be listed: {error.strerror or error}") from error
    if not entries and not (place.is_s3 or place.path.is_dir()):
        raise LocationError(f"{place.text}: no such file or folder")
    for one in entries:
        if PurePosixPath(one.key).suffix.lower() in FILMS:
            yield _film(one, parse_location(one.uri).raw, one.key)
    yield from _sequences(entries, store.uri, place.name or "film")


def _find_file(source: Source, s3: S3Settings) -> Entry | None:
    """Find what is one file; None for folders and prefixes."""
    place = source.place
    if place.is_s3:
        ended = PurePosixPath(place.key).suffix.lower() in FILMS
        return find_entry(place, s3) if ended else None
    if not place.path.is_file():
        return None
    stat = place.path.stat()
    return Entry(place.name, place.uri, stat.st_size, stat.st_mtime_ns)


def _film(entry: Entry, raw: bytes, name: str) -> Film:
    return Film(entry.uri, raw, name, entry.size_bytes, entry.mtime_ns, entry.etag)


def _sequences(entries: Iterable[Entry], root: str, top: str) -> Iterator[Film]:
    """Yield the folders of numbered frames among some files."""
    groups: dict[tuple[str, str, str], list[tuple[int, Entry]]] = defaultdict(list)
    for entry in entries:
        path = PurePosixPath(entry.key)
        numbered = _NUMBERED.fullmatch(path.stem)
        if numbered and path.suffix.lower() in FRAMES:
            folder = "" if str(path.parent) == "." else str(path.parent)
            key = (folder, numbered["name"], path.suffix.lower())
            groups[key].append((int(numbered["number"]), entry))
    folders = [folder for (folder, _, _), frames in groups.items() if len(frames) >= LEAST_FRAMES]
    for (folder, name, _), frames in groups.items():
        if len(frames) < LEAST_FRAMES:
            continue
        frames.sort(key=lambda pair: pair[0])
        own = name if folders.count(folder) > 1 and name else ""
        below = "/".join(filter(None, (folder, own)))
        uri = root + below if below else root.rstrip("/")
        yield Film(
            uri, parse_location(uri).raw, below or top,
            sum(entry.size_bytes for _, entry in frames),
            max((entry.mtime_ns or 0) for _, entry in frames) or None, None,
            tuple(entry.uri for _, entry in frames),
        )  # fmt: skip
