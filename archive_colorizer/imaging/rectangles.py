"""Rectangles on a plain ground, tilted a little: the likeliest places of a print on a page.

A side is a straight line of contrast with plain ground beyond it. For each tilt the picture is
turned back, so that sides run along rows and columns; "contrast here less contrast beyond" is
summed along them, and every pair of good columns is tried with every pair of good rows. Axes: h
height, w width.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float

EDGE_FROM, EDGE_FULL = 2.5, 9.0
"""CIE Lab difference over two pixels at which a place begins to count as contrast, and counts in
full: grain and paper stay under the first."""
TILTS: Final = (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5)
FINE_TILTS: Final = (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75)
LINES: Final = 8
"""Lines that are tried for each side."""
APART_PX: Final = 3
ALONG_PX: Final = 15
"""A side is seen by stretches of this length: shorter ones are the picture's own detail."""
BEYOND_PX: Final = (3, 6)
"""Where the ground beyond a side is looked at: this far from it."""
MIN_SIDE: Final = 0.15
"""A rectangle's least width and height, as a share of the picture's."""
BORDER_SIDE: Final = 0.45
"""What a side counts that is the picture's own edge: neither seen nor gainsaid."""
MAX_BORDERS: Final = 2
AREA_BONUS: Final = 0.35
"""A print's white border has sides within and without: the larger rectangle goes first."""
A_TILT: Final = 6
MAX_GIVEN: Final = 24


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle in pixels; (0, 0) is the top left corner of the first pixel."""

    centre_xy: tuple[float, float]
    size_wh: tuple[float, float]
    tilt_degrees: float
    """Clockwise as seen."""
    score: float
    """By which rectangles are ordered; to about 1.2."""
    sides: tuple[float, ...]
    """How well each is seen, up to 1: left, right, top, bottom."""
    borders: int = 0
    """Sides that are the picture's own edge."""

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.size_wh[0] * self.size_wh[1]

    def corners(self) -> NDArray[np.float32]:
        """(4, 2) float32: (x, y), clockwise from the top left corner."""
        turn = math.radians(self.tilt_degrees)
        along = np.array([math.cos(turn), math.sin(turn)]) * self.size_wh[0] / 2
        across = np.array([-math.sin(turn), math.cos(turn)]) * self.size_wh[1] / 2
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return np.array(
            [np.array(self.centre_xy) + a * along + b * across for a, b in signs], np.float32
        )


def find_rectangles(lab_hwc: Float) -> list[Rectangle]:
    """The likeliest rectangles, best first; at most 24.

    Args:
        lab_hwc: (h, w, 3) CIE Lab, sides of 64 to about 300 pixels, smoothed.
    """
    maps = _contrast(lab_hwc)
    found = [one for tilt in TILTS for one in _at_tilt(maps, tilt)]
    best = max(found, key=lambda one: one.score)
    found += [one for step in FINE_TILTS for one in _at_tilt(maps, best.tilt_degrees + step)]
    kept: dict[tuple[int, ...], Rectangle] = {}
    for one in sorted(found, key=lambda one: -one.score):
        kept.setdefault(tuple(np.rint(one.corners()[[0, 2]].ravel() / 8).astype(int)), one)
    return list(kept.values())[:MAX_GIVEN]


def _contrast(lab_hwc: Float) -> Float:
    """(h, w, 3): contrast across columns, across rows, and any contrast nearby; each 0 to 1."""
    padded = cv2.copyMakeBorder(lab_hwc, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    across = np.linalg.norm(padded[1:-1, 2:] - padded[1:-1, :-2], axis=2)
    down = np.linalg.norm(padded[2:, 1:-1] - padded[:-2, 1:-1], axis=2)
    seen = [np.clip((d - EDGE_FROM) / (EDGE_FULL - EDGE_FROM), 0, 1) for d in (across, down)]
    near = cv2.blur(np.maximum(*seen), (3, 3))
    return np.dstack((*seen, near)).astype(np.float32)


class _Turned(NamedTuple):
    """Contrast in a frame that is turned back, and how each place would do in a side."""

    across: Float
    down: Float
    left: Float
    right: Float
    top: Float
    bottom: Float


def _turn_back(maps: Float, tilt: float) -> _Turned:
    height, width = maps.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), tilt, 1.0)
    across, down, near = cv2.split(cv2.warpAffine(maps, turn, (width, height)))
    wide, high = cv2.dilate(across, np.ones((1, 3))), cv2.dilate(down, np.ones((3, 1)))
    length, far = BEYOND_PX[1] - BEYOND_PX[0] + 1, sum(BEYOND_PX) // 2
    beside, above = cv2.blur(near, (length, 1)), cv2.blur(near, (1, length))
    found = (
        across,
        down,
        wide - np.roll(beside, far, 1),
        wide - np.roll(beside, -far, 1),
        high - np.roll(above, far, 0),
        high - np.roll(above, -far, 0),
    )
    return _Turned(*(np.asarray(one, np.float32) for one in found))


def _lines(side: Float, axis: int, border: int) -> NDArray[np.intp]:
    """Indices of the best lines that run along an axis; the picture's own edge comes last."""
    window = (1, ALONG_PX) if axis == 0 else (ALONG_PX, 1)
    profile = np.clip(cv2.blur(side, window), 0, None).sum(axis, dtype=np.float32)
    highest = cv2.dilate(profile[None], np.ones((1, 2 * APART_PX + 1)))[0]
    at = np.flatnonzero((profile >= highest - 1e-6) & (profile > 0))
    return np.append(at[np.argsort(-profile[at], kind="stable")[:LINES]], border)


def _means(side: Float, at: NDArray[Any], start: NDArray[Any], end: NDArray[Any]) -> Float:
    """Mean of a side map along rows `at`, from each start to each end: (at, start, end)."""
    sums = np.pad(np.cumsum(side, axis=1, dtype=np.float64), ((0, 0), (1, 0)))[at]
    length = np.maximum(end[None, :] - start[:, None], 1)
    return np.asarray((sums[:, None, end] - sums[:, start, None]) / length, np.float32)


def _at_tilt(maps: Float, tilt: float) -> Iterator[Rectangle]:
    """Yield the best rectangles of one tilt."""
    turned = _turn_back(maps, tilt)
    height, width = maps.shape[:2]
    x1, x2 = _lines(turned.left, 0, 0), _lines(turned.right, 0, width - 1)
    y1, y2 = _lines(turned.top, 1, 0), _lines(turned.bottom, 1, height - 1)
    seen = [
        _means(turned.left.T, x1, y1, y2),
        _means(turned.right.T, x2, y1, y2),
        _means(turned.top, y1, x1, x2),
        _means(turned.bottom, y2, x1, x2),
    ]
    for side in seen:
        side[-1] = BORDER_SIDE
    left, right, top, bottom = seen
    # All as (x1, x2, y1, y2).
    sides = np.stack(
        np.broadcast_arrays(
            left[:, None],
            right[None],
            np.moveaxis(top, 0, 2)[..., None],
            np.moveaxis(bottom, 0, 2)[:, :, None],
        )
    )
    wide, high = x2[None, :] - x1[:, None], y2[None, :] - y1[:, None]
    area = np.clip(wide, 0, None)[:, :, None, None] * np.clip(high, 0, None) / (width * height)
    score = 0.5 * sides.mean(0) + 0.5 * sides.min(0) + AREA_BONUS * np.sqrt(area)
    borders = _count_last(score.shape)
    score[(wide < MIN_SIDE * width)] = -1
    score[:, :, (high < MIN_SIDE * height)] = -1
    score[borders > MAX_BORDERS] = -1
    for flat in np.argsort(-score, axis=None)[:A_TILT]:
        i, j, k, m = np.unravel_index(flat, score.shape)
        lines = (int(x1[i]), int(x2[j]), int(y1[k]), int(y2[m]))
        values = tuple(float(value) for value in sides[:, i, j, k, m])
        place = _refine(turned, lines)
        yield _upright(place, tilt, (height, width), float(score[i, j, k, m]), values,
                       int(borders[i, j, k, m]))  # fmt: skip


def _count_last(shape: Sequence[int]) -> NDArray[np.intp]:
    """How many of the indices of each place are the last of their axis."""
    last = [np.arange(size) == size - 1 for size in shape]
    grids = np.meshgrid(*last, indexing="ij", sparse=True)
    return np.asarray(sum(grid.astype(np.intp) for grid in grids))


def _refine(turned: _Turned, lines: Sequence[int]) -> tuple[float, ...]:
    """Place four lines to parts of a pixel: at the centre of the contrast about them."""
    x1, x2, y1, y2 = lines
    across, down = turned.across[y1:y2].mean(0), turned.down[:, x1:x2].mean(1)
    return (
        _centre(across, x1),
        _centre(across, x2),
        _centre(down, y1),
        _centre(down, y2),
    )


def _centre(profile: Float, at: int) -> float:
    if at in (0, len(profile) - 1):
        return at + (0.5 if at else -0.5)
    start, end = max(0, at - 2), min(len(profile), at + 3)
    part = profile[start:end] - 0.9 * profile[start:end].min()
    return float((part * np.arange(start, end)).sum() / max(float(part.sum()), 1e-6))


def _upright(
    place: Sequence[float],
    tilt: float,
    shape: tuple[int, int],
    score: float,
    sides: tuple[float, ...],
    borders: int,
) -> Rectangle:
    """A rectangle of the turned frame in the picture's own; pixel centres become edges' places."""
    x1, x2, y1, y2 = place
    middle_x, middle_y = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    dx, dy = (x1 + x2) / 2 - middle_x, (y1 + y2) / 2 - middle_y
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    centre = (middle_x + c * dx - s * dy + 0.5, middle_y + s * dx + c * dy + 0.5)
    return Rectangle(centre, (x2 - x1, y2 - y1), tilt, score, sides, borders)
