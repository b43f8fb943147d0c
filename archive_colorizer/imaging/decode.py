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

from archive_colorizer.imaging.decoders import jpeg
from archive_colorizer.imaging.faults import PictureFault, decoding
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.profiles import apply_table, gray_table, is_srgb, rgb_to_srgb
from archive_colorizer.imaging.samples import Heard, Pixels
from archive_colorizer.imaging.strips import read_strips


@dataclass(frozen=True, slots=True)
class Decoded:
    """Upright sRGB-encoded pixels, what became of the ICC profile, and what the decoder said."""

    pixels: NDArray[Any]
    """(H, W) grey or (H, W, 3) RGB; uint8, or uint16 for masters of more than 8 bits."""
    icc_status: str
    """none, used, broken (left aside), or ignored (it is sRGB)."""
    warnings: tuple[str, ...] = ()
    """The decoder's words, one line each."""
    damaged: bool = False
    """Whether the words mean that pixels are not what they were when the master was made."""


def read_luma(source: BinaryIO, header: Header) -> Decoded:
    """The master's luma at full size.

    Returns:
        (H, W) uint8 or uint16.

    Raises:
        PictureFault: truncated, unreadable, unsupported, bad_icc, out_of_memory.
    """
    heard = Heard()
    with decoding(f"{header.format} pixels"):
        convert, status = _choose_conversion(header)
        luma: NDArray[Any] | None = None
        if header.format == "JPEG" and convert is _keep:
            source.seek(0)
            luma = jpeg.decode_plain(source.read(), header, heard, luma=True)
        if luma is None:
            luma = _gather_luma(read_strips(source, header, heard), header, convert)
        return _decoded(luma, header, status, heard)


def _gather_luma(
    strips: Iterator[Pixels], header: Header, convert: Callable[[Pixels], Pixels]
) -> Pixels:
    luma: NDArray[Any] | None = None
    top = 0
    for strip in strips:
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
    return luma


def read_colours(source: BinaryIO, header: Header) -> Decoded:
    """The master's own colours at full size.

    Returns:
        (H, W, 3) uint8 or uint16.

    Raises:
        PictureFault: as `read_luma`.
    """
    heard = Heard()
    with decoding(f"{header.format} pixels"):
        convert, status = _choose_conversion(header)
        strips = [convert(strip) for strip in read_strips(source, header, heard)]
        pixels = np.concatenate(strips) if strips else np.empty((0, header.width), np.uint8)
        if len(pixels) < header.height:
            raise PictureFault(
                "truncated", f"its pixels end at row {len(pixels)} of {header.height}"
            )
        rgb = pixels if pixels.ndim == 3 else cv2.merge([pixels] * 3)
        return _decoded(np.asarray(rgb), header, status, heard)


def read_reduced(source: BinaryIO, header: Header, min_short_px: int) -> Decoded:
    """The whole picture, reduced by a whole factor while both sides stay at least `min_short_px`.

    Returns:
        (h, w) grey or (h, w, 3) RGB, uint8.

    Raises:
        PictureFault: as `read_luma`.
    """
    heard = Heard()
    with decoding(f"{header.format} pixels"):
        convert, status = _choose_conversion(header)
        pixels: Pixels | None = None
        if header.format == "JPEG":
            source.seek(0)
            data = source.read()
            pixels = jpeg.decode_plain(data, header, heard, luma=False, min_short_px=min_short_px)
        if pixels is None:
            factor = max(1, min(header.width, header.height) // max(1, min_short_px))
            pixels = np.concatenate(list(_reduce(read_strips(source, header, heard), factor)))
        return _decoded(to_8_bits(convert(pixels)), header, status, heard)


def _decoded(pixels: Pixels, header: Header, status: str, heard: Heard) -> Decoded:
    return Decoded(upright(pixels, header), status, tuple(heard.words), heard.damaged)


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
    icc = header.icc
    if not icc:
        return _keep, "none"
    if header.photometric == "cmyk":  # converted where the ink is read
        return _keep, "used"
    if is_srgb(icc):
        return _keep, "ignored"
    if header.photometric in {"grey", "white_is_zero"}:
        table = gray_table(icc)
        return (_keep, "broken") if table is None else (_through_table(table), "used")
    probe = rgb_to_srgb(np.zeros((1, 1, 3), np.uint8), icc)
    return (_keep, "broken") if probe is None else (_through_profile(icc), "used")


def _keep(strip: Pixels) -> Pixels:
    return strip


def _through_table(table: NDArray[np.uint16]) -> Callable[[Pixels], Pixels]:
    def convert(strip: Pixels) -> Pixels:
        # A colour strip of a grey picture is a grey one that its decoder gave as RGB.
        return apply_table(luma_of(strip), table)

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


def as_stored(pixels: Pixels, orientation: int) -> Pixels:
    """Undo `upright`. (H, W, ...) -> (H', W', ...)."""
    turned = pixels
    if orientation in {2, 3, 6, 7}:
        turned = turned[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        turned = turned[::-1]
    if orientation in {5, 6, 7, 8}:
        turned = turned.swapaxes(0, 1)
    return np.ascontiguousarray(turned)
