"""Mark: words beside or on a picture that say to the eye that a machine has made its colours.

A strip stands below the picture and leaves its pixels alone; a corner is a solid box in it. White
letters on black are read at any brightness of the picture. `Marked` is a picture for the encoders,
which lays the words over strip by strip, so that a large picture is never whole in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from archive_colorizer.errors import ConfigError
from archive_colorizer.extras import require
from archive_colorizer.imaging.compose import Planes, pad_to_even
from archive_colorizer.imaging.encode import Encodable

Place = Literal["corner", "strip"]
FONT_SHARE: Final = 0.03
"""Height of the letters, of the picture's short side."""
MIN_FONT_PX: Final = 12
"""Smaller letters are not read."""
MAX_CORNER_SHARE: Final = 0.2
"""Of the picture that a corner may cover; words that need more stand in a strip."""
EXTRA: Final = "marks"
UNKNOWN: Final = "\U0010ffff"
"""A character that no font has: it is drawn as .notdef, the box for what is missing."""
NEUTRAL: Final = 128
"""Cb and Cr of grey."""


@lru_cache(maxsize=8)
def find_font(text: str) -> str:
    """Find a font that has every character of a text.

    Returns:
        The font's file; empty for the one that comes with Pillow, which has ASCII alone.

    Raises:
        ConfigError: the font for other letters is not installed, or has not all of them either.
    """
    if not list_missing(text, _open_font("", MIN_FONT_PX)):
        return ""
    require(EXTRA, f"the mark {text!r}")
    import pylopdf_fonts_ko

    path = str(pylopdf_fonts_ko.sans_path())
    if missing := list_missing(text, _open_font(path, MIN_FONT_PX)):
        raise ConfigError(f"the mark {text!r}: the font has no {' '.join(missing)}")
    return path


def list_missing(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """List the characters that a font would draw as .notdef, each once."""
    notdef = _draw(UNKNOWN, font)
    return [one for one in dict.fromkeys(text) if one != " " and _draw(one, font) == notdef]


def _draw(text: str, font: ImageFont.FreeTypeFont) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(text)
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _open_font(path: str, size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(path, size_px) if path else ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ConfigError("the mark needs a Pillow that was built with FreeType")
    return font


def draw_label(text: str, size_px: int, width: int) -> NDArray[np.uint8]:
    """Draw words, white on black, in as many lines as their room asks for.

    Args:
        text: the words.
        size_px: height of the letters.
        width: room, pixels.

    Returns:
        (h, w) uint8, w at most `width`.

    Raises:
        ConfigError: as `find_font`.
    """
    font = _open_font(find_font(text), size_px)
    margin = min(max(2, size_px // 2), width // 4)
    lines = list(_break_lines(text, font, width - 2 * margin))
    step = sum(font.getmetrics())
    widest = max(_measure(line, font) for line in lines)
    size = (min(width, widest + 2 * margin), step * len(lines) + 2 * (margin // 2))
    label = Image.new("L", size, 0)
    draw = ImageDraw.Draw(label)
    for number, line in enumerate(lines):
        draw.text((margin, margin // 2 + number * step), line, 255, font)
    return np.asarray(label)


def _measure(text: str, font: ImageFont.FreeTypeFont) -> int:
    return int(np.ceil(font.getlength(text)))


def _break_lines(text: str, font: ImageFont.FreeTypeFont, room: int) -> Iterator[str]:
    """Break a text at its spaces, and within a word where that alone is too wide."""
    line = ""
    for word in text.split():
        for part in (word,) if _measure(word, font) <= room else word:
            joint = " " if line and part is word else ""
            if line and _measure(line + joint + part, font) > room:
                yield line
                line, joint = "", ""
            line += joint + part
    yield line


@dataclass(frozen=True, slots=True)
class Marked:
    """A picture with words on it or below it; an `encode.Encodable`."""

    picture: Encodable
    label_hw: NDArray[np.uint8]
    """The words; they reach the right side."""
    top: int
    """Row where they begin: the picture's height for a strip."""

    @property
    def luma_hw(self) -> NDArray[Any]:
        """(H, W), of its size and black: encoders ask for no more, and a copy of a large picture's
        luma would be as large.
        """
        height, width = self.picture.luma_hw.shape
        size = (max(height, self.top + len(self.label_hw)), width)
        return np.broadcast_to(np.uint8(0), size)

    def ycc_planes(self) -> Planes:
        """Planes for a 4:2:0 JPEG; a pair of rows that picture and strip share has its chroma."""
        planes = self.picture.ycc_planes()
        bottom = self.top + len(self.label_hw)
        laid = np.pad(planes.luma, [(0, max(0, bottom - len(planes.luma))), (0, 0)])
        laid[self.top : bottom, laid.shape[1] - self.label_hw.shape[1] :] = self.label_hw
        half = [-(-side // 2) for side in laid.shape]
        first, left = -(-self.top // 2), (laid.shape[1] - self.label_hw.shape[1]) // 2
        chroma = []
        for plane in (planes.cb, planes.cr):
            grown = np.full(half, NEUTRAL, np.uint8)
            grown[: len(plane)] = plane
            grown[first:, left:] = NEUTRAL
            chroma.append(grown)
        return Planes(pad_to_even(laid), *chroma)

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Strips of (rows, W, 3) uint8 or uint16, the last may have fewer rows."""
        held: list[NDArray[Any]] = []
        for strip in self._parts(bits, rows):
            held.append(strip)
            while sum(map(len, held)) >= rows:
                whole = np.concatenate(held) if len(held) > 1 else held[0]
                yield whole[:rows]
                held = [whole[rows:]] if len(whole) > rows else []
        if held:
            yield np.concatenate(held)

    def _parts(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """The picture's strips with the words laid over, then what stands below it."""
        dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
        label = np.repeat(_to_depth(self.label_hw, dtype)[..., None], 3, axis=2)
        at = 0
        for strip in self.picture.rgb_strips(bits, rows):
            end = at + len(strip)
            if end > self.top:
                laid, begin = strip.copy(), max(self.top, at)
                part = label[begin - self.top : end - self.top]
                laid[begin - at :, laid.shape[1] - label.shape[1] :] = part
                yield laid
            else:
                yield strip
            at = end
        if self.top + len(label) > at:
            yield label[at - self.top :]


def _to_depth(label: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    return label if dtype == np.uint8 else label.astype(np.uint16) * 257


def mark(picture: Encodable, text: str, place: Place) -> Marked:
    """Put words below a picture, or into its lower right corner.

    Args:
        picture: stays as it is outside of the words.
        text: the words.
        place: `strip`, or `corner`, which becomes a strip on a picture that is too small for it.

    Raises:
        ConfigError: as `find_font`.
    """
    height, width = picture.luma_hw.shape
    size_px = max(MIN_FONT_PX, round(min(height, width) * FONT_SHARE))
    label = draw_label(text, size_px, width)
    fits = label.size <= MAX_CORNER_SHARE * height * width and len(label) <= height // 2
    if place == "corner" and fits:
        # It begins at even pixels, so that it shares no block of chroma with the picture.
        odd = ((height - label.shape[0]) % 2, (width - label.shape[1]) % 2)
        label = np.pad(label, [(odd[0], 0), (odd[1], 0)])
        return Marked(picture, label, height - len(label))
    return Marked(picture, np.pad(label, [(0, 0), (0, width - label.shape[1])]), height)
