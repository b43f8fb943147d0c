"""Putting the imperceptible mark into a picture's chroma.

Axes: h height, w width; planes are Cb and Cr.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from archive_colorizer.imaging.beside import PrintOnPage
from archive_colorizer.imaging.colour import Float
from archive_colorizer.imaging.compose import Composer
from archive_colorizer.imaging.encode import Encodable
from archive_colorizer.imaging.projection import wrapped
from archive_colorizer.imaging.reversible import Reversible
from archive_colorizer.imaging.upsample import ChromaMap
from archive_colorizer.provenance.watermark_code import (
    DEFAULT_KEY,
    PLANES,
    band,
    encode,
    make_plan,
    strengths,
)

STRENGTH: Final = 0.51 / 255
"""Mean deviation of Cb, were all places grey: a mean CIEDE2000 of 0.8 to 1."""
MIN_LONG_PX: Final = 256
"""Long side from which a picture is marked: of a smaller one hardly any copy could be read."""
FINE: Final = 320
"""Least samples per long side of the chroma map that carries the mark: seven a cycle."""
SYNTHESIS: Final = 256
"""Samples per long side at which the pattern is made."""
EDGE: Final = 2


def mark(picture: object, *, job: int, key: bytes = DEFAULT_KEY) -> Encodable | None:
    """Put the mark into a picture that is about to be encoded.

    Args:
        picture: a Composer, a Reversible or a PrintOnPage: chroma laid over a master.
        job: 0 to 2**32 - 1.
        key: that the reader must know.

    Returns:
        The same with the mark; None where it is too small to carry one, or has no chroma of its own
        (a translation).
    """
    if isinstance(picture, Composer):
        return marked(picture, job=job, key=key)
    if isinstance(picture, Reversible):  # turned as it is stored: the reader looks at all turns
        composed = marked(picture.composed, job=job, key=key)
        return None if composed is None else replace(picture, composed=composed)
    if isinstance(picture, PrintOnPage):
        page = (picture.luma_hw.shape[0], picture.luma_hw.shape[1])
        part = marked(picture.print_, job=job, key=key, within=page, origin=picture.origin)
        return None if part is None else replace(picture, print_=part)
    return None


def marked(
    picture: Composer,
    *,
    job: int,
    key: bytes = DEFAULT_KEY,
    within: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
) -> Composer | None:
    """Put the mark into a picture's chroma before it is brought to full size.

    Whatever is made of the picture afterwards, strip by strip, has it; chroma out of the gamut is
    reduced there, as always.

    Args:
        picture: composed; of a page with a print, the print.
        job: 0 to 2**32 - 1.
        key: that the reader must know.
        within: height and width of the page that the picture is a part of, pixels.
        origin: the picture's top and left on that page, pixels.

    Returns:
        The same with the mark; None where the picture is too small to carry one.
    """
    height, width = picture.luma_hw.shape
    long = max(within or (height, width))
    if long < MIN_LONG_PX:
        return None
    coefficients = _refined(picture.chroma)
    size = (coefficients.shape[1], coefficients.shape[0])
    skip = max(1, min(height, width) // (4 * FINE))  # enough to see where there is texture
    luma = np.ascontiguousarray(picture.luma_hw[::skip, ::skip])
    gray = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    gray *= 255 / picture.top_value
    slope_cb, slope_cr, cb, cr = cv2.split(coefficients)
    size_of_chroma = cv2.magnitude(255 * cb + slope_cb * gray, 255 * cr + slope_cr * gray)
    gain = gain_of(gray, size_of_chroma)
    gain *= STRENGTH / float((gain / (1 + size_of_chroma / 25)).mean())
    place = (origin[0] / long, origin[1] / long, height / long, width / long)
    for plane, pattern in enumerate(_pattern(key, job)):
        coefficients[..., 2 + plane] += gain * _lay(pattern, size, place)
    extent = (coefficients.shape[0], coefficients.shape[1])
    if not picture.chroma.beside:
        return replace(picture, chroma=ChromaMap(coefficients, extent))
    # A panorama's long side is one period of the pattern, which goes round with it.
    return replace(picture, chroma=ChromaMap(wrapped(coefficients, 1, axis=1), extent, beside=1))


def _refined(chroma: ChromaMap) -> Float:
    """Sample a map's coefficients on a grid that the picture fills, fine enough for the mark."""
    rows, columns = chroma.extent
    finer = max(1.0, FINE / max(rows, columns))
    size = (max(1, round(columns * finer)), max(1, round(rows * finer)))
    dx, dy = columns / size[0], rows / size[1]
    left = chroma.beside + 0.5 * dx - 0.5
    to_map = np.array([[dx, 0, left], [0, dy, 0.5 * dy - 0.5]], np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            chroma.coefficients_hw4, to_map, size, flags=how, borderMode=cv2.BORDER_REPLICATE
        )
    )


@lru_cache(maxsize=2)
def _pattern(key: bytes, job: int) -> tuple[Float, Float]:
    """The patterns of a job for Cb and Cr: a period of SYNTHESIS samples, and EDGE on each side."""
    plan, signs = make_plan(key), np.append(encode(job), np.float32(1))
    made = []
    for plane, share in enumerate(PLANES):
        half = np.zeros((SYNTHESIS, SYNTHESIS // 2 + 1), np.complex64)
        half[band(SYNTHESIS)] = plan.phases_2f[plane] * signs[plan.signs_2f[plane]] * strengths()
        pattern = np.fft.irfft2(half, s=(SYNTHESIS, SYNTHESIS))
        pattern *= share / pattern.std()
        made.append(np.pad(pattern.astype(np.float32), EDGE, mode="wrap"))
    return made[0], made[1]


def _lay(pattern: Float, size: tuple[int, int], place: tuple[float, float, float, float]) -> Float:
    """Sample the pattern where a map has its pixels.

    Args:
        pattern: of `_pattern`.
        size: columns and rows of the map.
        place: top, left, height and width of the map on the picture, whose long side is 1.
    """
    top, left, height, width = (SYNTHESIS * one for one in place)
    step_x, step_y = width / size[0], height / size[1]
    top, left = top + EDGE - 0.5, left + EDGE - 0.5
    to_pattern = np.array([[step_x, 0, step_x / 2 + left], [0, step_y, step_y / 2 + top]])
    return np.asarray(
        cv2.warpAffine(
            pattern,
            to_pattern,
            size,
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def gain_of(luma_hw: Float, chroma_hw: Float) -> Float:
    """How much more than in a grey, even place the eye lets pass.

    CIEDE2000 divides a difference by 1 + 0.045 C*, which is about 1 + C/25 of Cb and Cr; texture
    masks, and in the dark chroma weighs more than its numbers say.

    Args:
        luma_hw: in [0, 255].
        chroma_hw: distance from grey in Cb and Cr of [0, 255].
    """
    size = max(3, round(max(luma_hw.shape) / 24)) | 1
    mean = cv2.blur(luma_hw, (size, size))
    texture = np.sqrt(np.maximum(cv2.blur(luma_hw * luma_hw, (size, size)) - mean * mean, 0))
    masked = np.clip(0.6 + texture / 50, 0.6, 1.2)
    vivid = 1 + 0.8 / 25 * np.minimum(chroma_hw, 60)
    return np.asarray(masked * vivid * np.clip(luma_hw / 24, 0.3, 1), np.float32)
