"""The print on a page: where a photograph lies beside a colour target, a stamp or on a mount.

Three answers in turn, each dearer than the one before. Is there colour that the tones do not
explain? Most pictures end there. Which rectangle has the best sides (`rectangles`)? Has it one
tone, while the page has not? No weights and no training. Axes: h height, w width, c channel; angles
in degrees, positive is clockwise as seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float, chroma, rgb_to_lab
from archive_colorizer.imaging.rectangles import Rectangle, find_rectangles
from archive_colorizer.imaging.tone import (
    COLOUR_CLASSES,
    NEUTRAL_CHROMA,
    tone_class,
)

WORK_LONG_PX: Final = 256
GATE_PX: Final = 64
GATE_BAND: Final = 5
"""Lightness in which tones are compared: a strong tone changes much over ten."""
DARKEST_BAND: Final = 2
"""Darker places are left out: their chroma is mostly rounding."""
OFF_TONE: Final = 6.0
"""Distance of (a, b) from what most places of the same lightness have, above which a place has a
colour of its own."""
OFF_TONE_SHARE: Final = 0.006
"""Share of such places at which a print is looked for. A toned print has hardly any."""
PATCH_CHROMA, PATCH_SHARE = 4 * NEUTRAL_CHROMA, 0.04
"""A print may have so much strong colour inside (a stamp that reaches over it) and stay grey."""
SURE_SIDE: Final = 0.5
"""The worst side of a box that is used: of 250 colour photographs one came as far."""
UNSURE_SIDE: Final = 0.2
"""The worst side at which a picture that counts as colour is shown to a person ..."""
UNSURE_TONED_SIDE: Final = 0.4
"""... and one that counts as neutral or toned, where most of what is off the tone are stains."""
MIN_AREA: Final = 0.04
PATCH_COST: Final = 5.0
"""What a rectangle loses by strange colour inside, times its share."""
NESTED_BONUS: Final = 0.35
"""What the root of its share of the page adds to a rectangle: a print holds rectangles of its own
(windows, frames, panels), and they are often better seen than its sides."""
UNSURE_AREA: Final = 0.15
GREY_SHARE: Final = 0.75
"""A page of which so much is neutral, with strong colour beside it, is no colour photograph."""
INNER_MARGIN: Final = 0.03
"""The tone is judged so far inside of the sides, as a share of them."""


class Bounds(NamedTuple):
    """A print's place: the upright rectangle about it and its tilt within, which say it wholly."""

    x: int
    y: int
    w: int
    h: int
    tilt: float
    """Degrees, clockwise; at most 4 either way."""

    def corners(self) -> NDArray[np.float32]:
        """(4, 2) float32: (x, y), clockwise from the print's top left corner."""
        c, s = math.cos(math.radians(self.tilt)), math.sin(math.radians(abs(self.tilt)))
        width = max(1.0, (self.w * c - self.h * s) / (c * c - s * s))
        height = max(1.0, (self.h * c - self.w * s) / (c * c - s * s))
        centre = (self.x + self.w / 2, self.y + self.h / 2)
        return Rectangle(centre, (width, height), self.tilt, 0.0, ()).corners()

    def scaled(self, factor: int) -> "Bounds":
        """The same place in a picture enlarged by a whole factor."""
        x, y, w, h = (value * factor for value in self[:4])
        return Bounds(x, y, w, h, self.tilt)


@dataclass(frozen=True, slots=True)
class Found:
    """What a page shows beside its print."""

    bounds: Bounds | None = None
    """The print, in pixels of the upright master; None: take the picture as a whole."""
    score: float | None = None
    """How well the worst side is seen of the best rectangle that is grey or toned, to 1; None where
    none was looked for."""
    unsure: bool = False
    """There may be a grey print beside colour: a person should look."""
    tone: str = ""
    """Tone class of the print; empty without `bounds`."""
    chroma: float = 0.0
    """Mean CIE Lab chroma of the print."""


NOTHING: Final = Found()


def find_print(rgb_hwc: NDArray[np.uint8], tone: str, size: tuple[int, int]) -> Found:
    """Look for a grey or toned print beside colour.

    Args:
        rgb_hwc: (h, w) or (h, w, 3) uint8, the reduced page.
        tone: its tone class as a whole.
        size: (height, width) of the upright master.

    Returns:
        `NOTHING` for a picture without colour beside its tones, and for one that is a colour
        photograph.
    """
    if rgb_hwc.ndim == 2 or min(rgb_hwc.shape[:2]) < GATE_PX or not _has_colour_beside(rgb_hwc):
        return NOTHING
    scale = min(1.0, WORK_LONG_PX / max(rgb_hwc.shape[:2]))
    work = (round(rgb_hwc.shape[1] * scale), round(rgb_hwc.shape[0] * scale))
    small = np.asarray(cv2.resize(rgb_hwc, work, interpolation=cv2.INTER_AREA))
    return _judge(small, tone, size)


def _judge(small: NDArray[np.uint8], tone: str, size: tuple[int, int]) -> Found:
    """Choose among the rectangles of a small page the first that a print can be."""
    lab = rgb_to_lab(np.asarray(cv2.blur(small, (3, 3))))
    page_area = small.shape[0] * small.shape[1]
    coloured = tone in COLOUR_CLASSES
    unsure, score = coloured and _is_mostly_grey(lab), 0.0
    for rectangle in sorted(find_rectangles(lab), key=partial(_rank, lab)):
        inner = _inside(small, rectangle)
        if rectangle.area < MIN_AREA * page_area or inner.size == 0:
            continue
        inner_tone, inner_chroma = _tone_inside(inner)
        if inner_tone in COLOUR_CLASSES:
            continue
        worst = min(rectangle.sides)
        if worst >= SURE_SIDE and not rectangle.borders:
            bounds = _bounds(rectangle, small.shape[:2], size)
            return Found(bounds, round(worst, 4), False, inner_tone, inner_chroma)
        score = max(score, worst)
        enough = UNSURE_SIDE if coloured else UNSURE_TONED_SIDE
        large = rectangle.area >= UNSURE_AREA * page_area
        unsure |= large and worst >= enough and rectangle.borders <= coloured
    return Found(score=round(score, 4), unsure=unsure)


def _rank(lab_hwc: Float, rectangle: Rectangle) -> float:
    """Order rectangles: the best first, and those last that take colour in (a target's patches)."""
    ab = _inside(lab_hwc, rectangle, margin=0.0)[..., 1:].reshape(-1, 2)
    if not len(ab):
        return 0.0
    gap = ab - np.median(ab, axis=0)
    strange = float((np.hypot(gap[:, 0], gap[:, 1]) > PATCH_CHROMA).mean())
    share = rectangle.area / (lab_hwc.shape[0] * lab_hwc.shape[1])
    return PATCH_COST * strange - rectangle.score - NESTED_BONUS * math.sqrt(share)


def _has_colour_beside(rgb_hwc: NDArray[np.uint8]) -> bool:
    """Whether some places have another colour than most of their lightness."""
    small = cv2.resize(rgb_hwc, (GATE_PX, GATE_PX), interpolation=cv2.INTER_AREA)
    lab = rgb_to_lab(np.asarray(small)).reshape(-1, 3)
    band = (lab[:, 0] / GATE_BAND).astype(np.intp)
    order = np.argsort(band, kind="stable")
    edges = np.searchsorted(band[order], np.arange(DARKEST_BAND, 100 // GATE_BAND + 2))
    off = 0
    for start, end in pairwise(edges):
        if start < end:
            members = lab[order[start:end], 1:]
            gap = members - np.median(members, axis=0)
            off += int((np.hypot(gap[:, 0], gap[:, 1]) > OFF_TONE).sum())
    return off >= OFF_TONE_SHARE * len(lab)


def _is_mostly_grey(lab_hwc: Float) -> bool:
    strength = chroma(lab_hwc)
    strong = float((strength > PATCH_CHROMA).mean())
    return float((strength < NEUTRAL_CHROMA).mean()) >= GREY_SHARE and strong >= OFF_TONE_SHARE


def _inside(
    picture_hwc: NDArray[Any], rectangle: Rectangle, margin: float = INNER_MARGIN
) -> NDArray[Any]:
    """The upright part that lies wholly inside of a rectangle, and off its sides."""
    height, width = picture_hwc.shape[:2]
    (x, y), (w, h) = rectangle.centre_xy, rectangle.size_wh
    lean = math.sin(math.radians(abs(rectangle.tilt_degrees)))
    half_w = w / 2 * (1 - 2 * margin) - lean * h / 2 - 2
    half_h = h / 2 * (1 - 2 * margin) - lean * w / 2 - 2
    rows = slice(max(0, round(y - half_h)), max(0, min(height, round(y + half_h))))
    columns = slice(max(0, round(x - half_w)), max(0, min(width, round(x + half_w))))
    return picture_hwc[rows, columns]


def _tone_inside(rgb_hwc: NDArray[np.uint8]) -> tuple[str, float]:
    tone, mean_chroma = tone_class(rgb_hwc)
    if tone == "tinted" and mean_chroma < NEUTRAL_CHROMA:
        strong = chroma(rgb_to_lab(rgb_hwc)) > PATCH_CHROMA
        return ("neutral" if strong.mean() < PATCH_SHARE else tone), mean_chroma
    return tone, mean_chroma


def _bounds(rectangle: Rectangle, work: Sequence[int], size: tuple[int, int]) -> Bounds:
    """The place in the master of what was found in the small page."""
    corners = rectangle.corners() * np.array([size[1] / work[1], size[0] / work[0]])
    low = np.maximum(np.rint(corners.min(0)).astype(int), 0)
    high = np.minimum(np.rint(corners.max(0)).astype(int), [size[1], size[0]])
    x, y, w, h = (int(value) for value in (*low, *(high - low)))
    return Bounds(x, y, w, h, round(float(rectangle.tilt_degrees), 2))
