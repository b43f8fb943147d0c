"""Hints of films: points of one frame whose colour somebody knows, which follow their object.

A CSV with one point a line: `path` (or `uri`), `frame` (from 0) or `time` (seconds from the first
frame on), `x`, `y` (pixels of the upright frame) and `colour` (#rrggbb).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.hints import read_point
from archive_colorizer.pipeline.inputs.text_files import open_list, read_csv, reading_list
from archive_colorizer.storage import S3Settings
from archive_colorizer.video.films import Film, Pin

NAMES = ("path", "uri")


def pin_colours(films: Sequence[Film], path: str, s3: S3Settings) -> list[Film]:
    """Give films the points that a file has for them.

    Args:
        films: as they were listed.
        path: of the file.
        s3: the way to it.

    Raises:
        ConfigError: the file cannot be read, a row is something else, or names no film.
    """
    pins: dict[str, list[Pin]] = {film.uri: [] for film in films}
    known = {name: film.uri for film in films for name in (film.uri, film.name)}
    with reading_list(path), open_list(path, s3) as file:
        table = read_csv(file, NAMES)
        names = [name.lower() for name in table.names]
        key = next((name for name in NAMES if name in names), "")
        if not key or not {"x", "y", "colour"} <= set(names) or not {"frame", "time"} & set(names):
            raise ConfigError(
                f"{path}: hints of films need the columns path (or uri), frame or time, x, y and "
                "colour"
            )
        for row in table.rows:
            where = f"{path}: row {row.number}"
            if row.problem:
                raise ConfigError(f"{where}: {row.problem}")
            values = dict(zip(names, row.cells, strict=True))
            if values[key] not in known:
                raise ConfigError(f"{where}: names no film that is listed: {values[key]}")
            pins[known[values[key]]].append(_read_pin(values, where))
    return [replace(film, pins=tuple(sorted(pins[film.uri]))) for film in films]


def _read_pin(row: Mapping[str, str], where: str) -> Pin:
    x, y, colour = read_point(row, where)
    said = row.get("frame", "").strip()
    try:
        frame = int(said) if said else -1
        seconds = -1.0 if said else float(row.get("time", ""))
    except ValueError:
        frame, seconds = -1, -1.0
    if frame < 0 and not 0 <= seconds < 1e6:
        raise ConfigError(f"{where}: no frame from 0 on, and no time in seconds")
    return frame, seconds, x, y, colour
