"""Decoding: the master's luma at full size, or the whole picture at a reduced size.

Luma is Y' by ITU-R BT.601 on sRGB-encoded R'G'B'; a picture with an ICC profile is brought to sRGB
first. Orientation is applied here, once. Axes: h height, w width, c channel.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.faults import PictureFault, decoding
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.profiles import apply_table, gray_table, is_srgb, rgb_to_srgb
from archive_colorizer.imaging.strips import Pixels, decode_jpeg, read_strips


@dataclass(frozen=True, slots=True)
class Decoded:
    """Upright sRGB-encoded pixels, and what became of the ICC profile."""

    pixels: NDArray[Any]
    """(H, W) grey or (H, W, 3) RGB; uint8, or uint16 for masters of 16 bits."""
    icc_status: str
    """none, used, broken (left aside), or ignored (palette and CMYK are converted elsewhere)."""


def read_luma(source: BinaryIO, header: Header) -> Decoded:
    """The master's luma at full size.

    Returns:
        (H, W) uint8 or uint16.

    Raises:
        PictureFault: truncated, unreadable, unsupported, bad_icc, out_of_memory.
    """
    convert, status = _choose_conversion(header)
    if header.format == "JPEG" and header.photometric == "ycbcr" and status in {"none", "ignored"}:
        with decoding("JPEG pixels"):
            source.seek(0)
            return Decoded(upright(decode_jpeg(source.read(), gray=True), header), status)
    luma: NDArray[Any] | None = None
    top = 0
    for strip in read_strips(source, header):
        gray = luma_of(convert(strip))
        if gray.shape[0] == header.height and top == 0:
            luma = gray
        elif luma is None:
            luma = np.empty((header.height, header.width), gray.dtype)
        if luma is not gray:
            luma[top : top + gray.shape[0]] = gray
        top += gray.shape[0]
    if luma is None or top < header.height:
        raise PictureFault("truncated", f"its pixels end at row {top} of {header.height}")
    return Decoded(upright(luma, header), status)


def read_colours(source: BinaryIO, header: Header) -> Decoded:
    """The master's own colours at full size.

    Returns:
        (H, W, 3) uint8 or uint16.

    Raises:
        PictureFault: as `read_luma`.
    """
    convert, status = _choose_conversion(header)
    pixels = np.concatenate([convert(strip) for strip in read_strips(source, header)])
    if len(pixels) < header.height:
        raise PictureFault("truncated", f"its pixels end at row {len(pixels)} of {header.height}")
    rgb = pixels if pixels.ndim == 3 else cv2.merge([pixels] * 3)
    return Decoded(upright(np.asarray(rgb), header), status)


def read_reduced(source: BinaryIO, header: Header, min_short_px: int) -> Decoded:
    """The whole picture, reduced by a whole factor while both sides stay at least `min_short_px`.

    Returns:
        (h, w) grey or (h, w, 3) RGB, uint8.

    Raises:
        PictureFault: as `read_luma`.
    """
    convert, status = _choose_conversion(header)
    if header.format == "JPEG" and header.photometric in {"grey", "ycbcr"}:
        with decoding("JPEG pixels"):
            source.seek(0)
            gray = header.photometric == "grey"
            pixels = decode_jpeg(source.read(), gray=gray, min_short_px=min_short_px)
        return Decoded(upright(to_8_bits(convert(pixels)), header), status)
    factor = max(1, min(header.width, header.height) // max(1, min_short_px))
    strips = list(_reduce(read_strips(source, header), factor))
    pixels = to_8_bits(convert(np.concatenate(strips)))
    return Decoded(upright(pixels, header), status)


def _reduce(strips: Iterator[Pixels], factor: int) -> Iterator[Pixels]:
    """Area-average by a whole factor, carrying rows over from strip to strip."""
    rest: Pixels | None = None
    for strip in strips:
        pixels = strip if rest is None else np.concatenate((rest, strip))
        rows = pixels.shape[0] // factor * factor
        rest = pixels[rows:]
        if rows:
            yield _shrink(pixels[:rows], factor)
    if rest is not None and len(rest):
        yield _shrink(rest, factor)


def _shrink(pixels: Pixels, factor: int) -> Pixels:
    if factor == 1:
        return pixels
    size = (math.ceil(pixels.shape[1] / factor), math.ceil(pixels.shape[0] / factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _choose_conversion(header: Header) -> tuple[Callable[[Pixels], Pixels], str]:
    """How strips are brought to sRGB, and the profile's status."""
    if not header.icc:
        return _keep, "none"
    if header.photometric in {"palette", "cmyk"} or is_srgb(header.icc, header.icc_name):
        return _keep, "used" if header.photometric == "cmyk" else "ignored"
    if header.samples < 3:
        table = gray_table(header.icc)
        return (_keep, "broken") if table is None else (_through_table(table), "used")
    icc = header.icc
    probe = rgb_to_srgb(np.zeros((1, 1, 3), np.uint8), icc)
    return (_keep, "broken") if probe is None else (_through_profile(icc), "used")


def _keep(strip: Pixels) -> Pixels:
    return strip


def _through_table(table: NDArray[np.uint16]) -> Callable[[Pixels], Pixels]:
    def convert(strip: Pixels) -> Pixels:
        return apply_table(strip, table) if strip.ndim == 2 else strip

    return convert


def _through_profile(icc: bytes) -> Callable[[Pixels], Pixels]:
    def convert(strip: Pixels) -> Pixels:
        if strip.ndim == 2:
            return strip
        converted = rgb_to_srgb(strip, icc)
        return strip if converted is None else converted

    return convert


def luma_of(pixels: Pixels) -> Pixels:
    """Y' of grey (as it is) or RGB. (H, W[, 3]) -> (H, W), the same type."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY))


def to_8_bits(pixels: Pixels) -> Pixels:
    """Scale 16-bit pixels to 8 bits by rounding; 8-bit ones stay."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=1 / 257))


def upright(pixels: Pixels, header: Header) -> Pixels:
    """Apply the orientation tag (TIFF 6.0, tag 274). (H, W, ...) -> (H', W', ...)."""
    turned = pixels
    if header.orientation in {5, 6, 7, 8}:
        turned = turned.swapaxes(0, 1)
    if header.orientation in {3, 4, 7, 8}:
        turned = turned[::-1]
    if header.orientation in {2, 3, 6, 7}:
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)
