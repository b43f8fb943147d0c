"""Pages as museums scan them, drawn about a grey print whose place is known.

A page has its print, tilted by up to 3 degrees, and colour beside it: a colour target, a ruler, a
stamp, a mount, an album page, a stereo card, the lid of the scanner. Axes: h height, w width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_TILT_DEGREES: Final = 3.0
SHORT_PX: Final = (300, 500)
"""Short side of a page: what `read_reduced` gives for a proxy of 256."""
OVERSAMPLING: Final = 2
PATCHES: Final = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
)  # fmt: skip
"""The coloured fields of the ColorChecker chart (McCamy, Marcus & Davidson 1976), sRGB."""
GREYS: Final = (243, 200, 160, 122, 85, 52)
NEUTRAL_PAGES: Final = ((248, 248, 246), (128, 128, 128), (30, 30, 32), (205, 205, 203))
CARDS: Final = ((238, 226, 196), (222, 150, 60), (196, 160, 110), (120, 140, 120), (214, 190, 160),
                (170, 60, 50), (240, 214, 120))  # fmt: skip
ALBUM_PAGES: Final = ((92, 70, 52), (70, 78, 62), (120, 96, 76), (64, 52, 60), (150, 128, 100))
INKS: Final = ((190, 40, 40), (40, 60, 150), (120, 50, 120), (30, 110, 70))
Canvas = NDArray[np.float32]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """A composed page."""

    kind: str
    rgb_hw3: NDArray[np.uint8]
    corners_42: NDArray[np.float32]
    """The print's corners as (x, y), clockwise from the top left; pixels."""
    toned: bool


@dataclass(slots=True)
class _Sheet:
    """A page that is being drawn, at OVERSAMPLING times its size."""

    pixels: Canvas
    rng: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def block(
        self, top: float, left: float, height: float, width: float, colour: Colour | float
    ) -> None:
        """Fill a rectangle that is given in shares of the sides."""
        rows, columns = self.size
        a, b = max(0, round(top * rows)), max(0, round(left * columns))
        self.pixels[a : round((top + height) * rows), b : round((left + width) * columns)] = colour

    def pick(self, choices: Sequence[Colour]) -> Colour:
        return choices[int(self.rng.integers(len(choices)))]


def compose_page(gray_hw: NDArray[np.uint8], rng: np.random.Generator, kind: str = "") -> Page:
    """Draw a page about a grey photograph.

    Args:
        gray_hw: (h, w) uint8, the print.
        rng: decides everything else.
        kind: one of KINDS; empty draws one.
    """
    kind = kind or str(rng.choice(list(KINDS)))
    short = int(rng.integers(*SHORT_PX)) * OVERSAMPLING
    long = int(short * rng.uniform(1.0, 1.5))
    size = (short, long) if rng.random() < 0.5 else (long, short)
    colour, draw = KINDS[kind](rng)
    sheet = _Sheet(np.empty((*size, 3), np.float32), rng)
    sheet.pixels[:] = colour
    sheet.pixels += rng.normal(0, 2, (*size, 1)) + _unevenness(size, rng)
    draw(sheet)
    toned = bool(rng.random() < 0.25)
    picture = _stereo_pair(gray_hw) if kind == "stereo card" else gray_hw
    place, corners = _place(picture.shape[:2], size, rng)
    _lay(sheet, _as_print(picture, toned, rng, float(np.mean(colour))), place, corners)
    if kind == "stamp":
        _draw_stamp(sheet, corners)
    small = cv2.resize(sheet.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small += rng.normal(0, 1, (*small.shape[:2], 1))
    return Page(
        kind,
        small.clip(0, 255).astype(np.uint8),
        (corners / OVERSAMPLING).astype(np.float32),
        toned,
    )


def _unevenness(size: tuple[int, int], rng: np.random.Generator) -> Canvas:
    """Light that falls off across the page, in grey values."""
    y, x = np.mgrid[0 : 1 : size[0] * 1j, 0 : 1 : size[1] * 1j]
    slope = rng.uniform(-6, 6, 2)
    return np.asarray((slope[0] * y + slope[1] * x)[..., None], np.float32)


def _place(
    shape: tuple[int, ...], size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the print lies: the affine from its pixels, and its corners."""
    height, width = shape
    share = rng.uniform(0.55, 0.80)
    scale = min(share * size[0] / height, share * size[1] / width)
    tilt = np.deg2rad(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES))
    turn = scale * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    box = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    spread = box @ turn.T
    room = np.array([size[1], size[0]]) - np.ptp(spread, axis=0)
    # In the upper part: what lies beside the print is below it and to its sides.
    at = room * np.array([rng.uniform(0.25, 0.75), rng.uniform(0.15, 0.45)]) - spread.min(0)
    return np.hstack([turn, at[:, None]]).astype(np.float32), (spread + at).astype(np.float32)


def _lay(
    sheet: _Sheet, rgb: Canvas, place: NDArray[np.float32], corners: NDArray[np.float32]
) -> None:
    rows, columns = sheet.size
    if sheet.rng.random() < 0.5:  # a print is thicker than nothing: it throws a shadow
        shadow = np.zeros((rows, columns), np.float32)
        cv2.fillConvexPoly(shadow, np.rint(corners + 4).astype(np.int32), 1.0)
        sheet.pixels *= 1 - 0.25 * cv2.GaussianBlur(shadow, (0, 0), 4)[..., None]
    shrunk = np.float32(np.hypot(place[0, 0], place[1, 0]))
    if shrunk < 1:
        rgb = cv2.GaussianBlur(rgb, (0, 0), 0.4 / float(shrunk))
    # A pixel's centre lies half a pixel from its edge, in the print as on the page.
    moved = place.copy()
    moved[:, 2] += place[:, :2] @ np.array([0.5, 0.5], np.float32) - 0.5
    laid = cv2.warpAffine(rgb, moved, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((rows, columns), np.uint8)
    cv2.fillConvexPoly(mask, np.rint((corners - 0.5) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    part = mask[..., None].astype(np.float32) / 255
    sheet.pixels[:] = sheet.pixels * (1 - part) + laid * part


def _as_print(
    gray_hw: NDArray[np.uint8], toned: bool, rng: np.random.Generator, page: float
) -> Canvas:
    """A photograph on paper: with a white border or without, neutral or toned."""
    gray = gray_hw.astype(np.float32)
    paper, ink = rng.uniform(215, 245), rng.uniform(10, 40)
    gray = (ink + gray * (paper - ink) / 255).astype(np.float32)
    if rng.random() < 0.3 and page < 190:
        border = max(2, round(min(gray.shape) * rng.uniform(0.02, 0.06)))
        gray = np.pad(gray, border, constant_values=paper).astype(np.float32)
    gray += rng.normal(0, 2, gray.shape)
    if not toned:
        return np.repeat(gray[..., None], 3, axis=2)
    strength = rng.uniform(10, 30)
    # Sepia is strongest in the middle tones.
    tone = strength * 4 * (gray / 255) * (1 - gray / 255)
    return np.stack((gray + 0.6 * tone, gray, gray - tone), axis=-1)


def _stereo_pair(gray_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two nearly equal halves beside each other, upright."""
    height, width = gray_hw.shape
    half = gray_hw[:, : min(width, height)]
    shift = max(1, half.shape[1] // 40)
    return np.hstack((half, np.roll(half, shift, axis=1)))


def _target(sheet: _Sheet) -> None:
    top, left, step = 0.90, 0.05, 0.05
    for i, colour in enumerate(PATCHES):
        sheet.block(top, left + step * i, 0.06, step * 0.9, colour)


def _target_upright(sheet: _Sheet) -> None:
    for i, colour in enumerate([*PATCHES[6:], *((g, g, g) for g in GREYS)]):
        sheet.block(0.05 + 0.05 * i, 0.945, 0.045, 0.045, colour)


def _ruler(sheet: _Sheet) -> None:
    sheet.block(0.91, 0.05, 0.07, 0.9, sheet.pick(((235, 200, 40), (240, 240, 235), (60, 90, 160))))
    for i in range(60):
        sheet.block(0.91, 0.06 + i * 0.0147, 0.035 if i % 5 == 0 else 0.02, 0.003, 25)
    for i, colour in enumerate(PATCHES[6:14]):
        sheet.block(0.95, 0.5 + 0.05 * i, 0.02, 0.04, colour)


def _caption(sheet: _Sheet) -> None:
    ink = np.array(sheet.pick(INKS), np.float32)
    rows, columns = sheet.size
    for line in range(int(sheet.rng.integers(1, 3))):
        y = int(rows * (0.92 + 0.03 * line))
        at = np.cumsum(sheet.rng.integers(3, 14, 60)) + columns // 8
        for x in at[at < columns * 0.8]:
            cv2.line(sheet.pixels, (int(x), y), (int(x) + 4, y - int(sheet.rng.integers(3, 14))),
                     ink.tolist(), 2, cv2.LINE_AA)  # fmt: skip


def _album(sheet: _Sheet) -> None:
    _caption(sheet)
    if sheet.rng.random() < 0.5:  # the table under the page's edge
        sheet.block(0, 0, 1, 0.04, sheet.pick(NEUTRAL_PAGES))


def _card(sheet: _Sheet) -> None:
    if sheet.rng.random() < 0.5:
        _caption(sheet)


def _lid(sheet: _Sheet) -> None:
    sheet.block(0.92, 0.1, 0.05, 0.8, sheet.pick(PATCHES))
    sheet.block(0.92, 0.55, 0.05, 0.2, sheet.pick(PATCHES))


def _draw_stamp(sheet: _Sheet, corners: NDArray[np.float32]) -> None:
    """A round stamp under the print, or over its lower edge."""
    ink = np.array(sheet.pick(INKS), np.float32)
    rows, columns = sheet.size
    radius = int(min(rows, columns) * sheet.rng.uniform(0.05, 0.08))
    bottom = float(corners[:, 1].max())
    gap = sheet.rng.uniform(-0.3, 1.4)
    centre = (int(columns * sheet.rng.uniform(0.25, 0.75)), int(bottom + radius * gap))
    layer = np.zeros((rows, columns), np.float32)
    cv2.circle(layer, centre, radius, 0.8, max(2, radius // 8), cv2.LINE_AA)
    cv2.circle(layer, centre, radius // 2, 0.7, -1, cv2.LINE_AA)
    cv2.line(layer, (centre[0] - radius, centre[1]), (centre[0] + radius, centre[1]), 0.8, 4)
    sheet.pixels[:] = sheet.pixels * (1 - layer[..., None]) + ink * layer[..., None]


Draw = Callable[[_Sheet], None]


def _of(
    colours: Sequence[Colour], *draws: Draw
) -> Callable[[np.random.Generator], tuple[Colour, Draw]]:
    def make(rng: np.random.Generator) -> tuple[Colour, Draw]:
        return colours[int(rng.integers(len(colours)))], draws[int(rng.integers(len(draws)))]

    return make


KINDS: Final[dict[str, Callable[[np.random.Generator], tuple[Colour, Draw]]]] = {
    "colour target": _of(NEUTRAL_PAGES, _target, _target_upright),
    "ruler": _of(NEUTRAL_PAGES, _ruler),
    "stamp": _of(((246, 246, 244), (238, 230, 210)), lambda sheet: None),
    "mount": _of(CARDS, _card),
    "album page": _of(ALBUM_PAGES, _album),
    "stereo card": _of(CARDS, _card),
    "scanner lid": _of(((250, 250, 250), (18, 18, 20)), _lid),
}
"""Kind of page -> its ground, and what is drawn on it."""
