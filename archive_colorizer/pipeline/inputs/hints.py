"""Colour hints: points of a picture whose colour somebody knows.

A CSV with one point a line: `uri` (or `path`, or `object_id`), `x`, `y` (pixels of the upright
picture from its top left corner) and `colour` (#rrggbb); other columns are left. A picture's points
travel as text, become part of its row id, so that other points colour it anew, and stand in the
manifest.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE, rgb_to_lab
from archive_colorizer.pipeline.inputs.text_files import open_list, read_csv, reading_list
from archive_colorizer.storage import DEFAULT_S3, S3Settings

NAMES: Final = ("uri", "path", "object_id")
COLOUR: Final = re.compile(r"#?([0-9a-fA-F]{6})")
RADIUS: Final = 1
"""Pixels of the proxy that a point covers to each side: as large as in training."""


Point = tuple[float, float, str]
"""x, y and colour."""


@dataclass(frozen=True, slots=True)
class Hints:
    """The points of one name in a file of hints."""

    name: str
    where: str
    """File and row of the first, as a message shows it."""
    points: list[Point] = field(default_factory=list)


def read_hints(path: str, s3: S3Settings = DEFAULT_S3) -> Sequence[Hints]:
    """Read a file of hints.

    Raises:
        ConfigError: the file cannot be read, or a row is something else; the row is named.
    """
    hints: dict[str, Hints] = {}
    with reading_list(path), open_list(path, s3) as file:
        table = read_csv(file, NAMES)
        names = [name if name in NAMES else name.lower() for name in table.names]
        key = next((name for name in NAMES if name in names), "")
        if not key or not {"x", "y", "colour"} <= set(names):
            raise ConfigError(
                f"{path}: hints need the columns uri (or path, or object_id), x, y and colour"
            )
        for row in table.rows:
            where = f"{path}: row {row.number}"
            if row.problem:
                raise ConfigError(f"{where}: {row.problem}")
            values = dict(zip(names, row.cells, strict=True))
            point = read_point(values, where)
            hints.setdefault(values[key], Hints(values[key], where)).points.append(point)
    return list(hints.values())


def join_points(hints: Iterable[Hints]) -> str:
    """Give the points of one picture in an order of their own, JSON: [[x, y, "#rrggbb"], ...]."""
    return json.dumps(sorted({point for one in hints for point in one.points}))


def read_point(row: Mapping[str, str], where: str) -> Point:
    """Read a point from its texts `x`, `y` and `colour`.

    Raises:
        ConfigError: it is none; `where` is named.
    """
    colour = COLOUR.fullmatch(row["colour"].strip())
    try:
        x, y = float(row["x"]), float(row["y"])
    except ValueError:
        x = y = -1.0
    if not colour or not (0 <= x < 1e6 and 0 <= y < 1e6):
        said = ", ".join(str(row[name]) for name in ("x", "y", "colour"))
        raise ConfigError(f"{where}: not a point in pixels and a colour #rrggbb: {said}")
    return x, y, f"#{colour[1].lower()}"


def hint_planes(
    hints: str, picture: tuple[int, int], proxy: tuple[int, int]
) -> NDArray[np.float32]:
    """Draw a picture's points as planes for the model.

    Args:
        hints: as `join_points` gives them; empty for none.
        picture: height and width of the upright picture, pixels.
        proxy: height and width of its proxy, pixels.

    Returns:
        (3, height, width): a and b over 110, and a mask of 0 and 1.

    Raises:
        ValueError: a point lies outside of the picture.
    """
    planes = np.zeros((3, *proxy), np.float32)
    for x, y, colour in json.loads(hints) if hints else ():
        if y >= picture[0] or x >= picture[1]:
            raise ValueError(f"hint at {x:g}, {y:g} lies outside of {picture[1]}x{picture[0]}")
        rgb = np.array([[list(bytes.fromhex(colour[1:]))]], np.uint8)
        a, b = rgb_to_lab(rgb)[0, 0, 1:] / AB_SCALE
        row, column = int(y / picture[0] * proxy[0]), int(x / picture[1] * proxy[1])
        rows = slice(max(0, row - RADIUS), row + RADIUS + 1)
        columns = slice(max(0, column - RADIUS), column + RADIUS + 1)
        planes[:, rows, columns] = np.array([a, b, 1], np.float32)[:, None, None]
    return planes
