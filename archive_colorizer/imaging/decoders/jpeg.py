"""JPEG: libjpeg-turbo through simplejpeg, which reports damage; odd kinds through imagecodecs.

Lossless frames (SOF3) and samples of more than 8 bits never reach simplejpeg: it would write 16-bit
samples into a buffer for bytes.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

import cv2
import imagecodecs
import numpy as np
import simplejpeg
from PIL import Image

from archive_colorizer.imaging.decoders.jpeg_head import LOSSLESS, REFUSED, JpegHead, read_head
from archive_colorizer.imaging.decoders.jpeg_shift import find_shift
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import (
    CM_PER_INCH,
    Header,
    exif_dpi,
    exif_orientation,
    sensible_dpi,
)
from archive_colorizer.imaging.profiles import cmyk_to_srgb, icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, widened

END: Final = b"\xff\xd9"
_COLOURS: Final = {"grey": "GRAY", "cmyk": "CMYK"}


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of the marker segments; no pixel is decoded."""
    head = read_head(source)
    _check_readable(head, page)
    icc = head.icc
    dpi_x, dpi_y = _dpi(head)
    return Header(
        format="JPEG",
        width=head.width,
        height=head.height,
        bits_per_sample=head.bits,
        samples=len(head.components),
        photometric=head.photometric,
        orientation=exif_orientation(head.exif),
        dpi_x=dpi_x,
        dpi_y=dpi_y,
        icc=icc,
        icc_name=icc_name(icc),
    )


def _check_readable(head: JpegHead, page: int) -> None:
    kind = REFUSED.get(head.frame)
    if kind:
        raise PictureFault("unsupported", f"{kind} JPEG (frame marker 0xff{head.frame:02x})")
    if page:
        raise PictureFault("unreadable", f"page {page}: a JPEG has one page")
    if not head.height:
        raise PictureFault("unsupported", "JPEG whose height stands behind its pixels (DNL)")
    lossless = head.frame == LOSSLESS
    if head.bits not in (range(2, 17) if lossless else (8, 12)):
        raise PictureFault("unsupported", f"JPEG with {head.bits} bits a sample")
    allowed = {1, 3} if lossless or head.bits != 8 else {1, 3, 4}
    if len(head.components) not in allowed:
        kind = "lossless " if lossless else ""
        raise PictureFault("unsupported", f"{kind}JPEG with {len(head.components)} components")


def _dpi(head: JpegHead) -> tuple[float | None, float | None]:
    unit, x, y = head.density
    factor = {1: 1.0, 2: CM_PER_INCH}.get(unit)
    return sensible_dpi((x * factor, y * factor)) if factor else exif_dpi(head.exif)


def decode_plain(
    data: bytes, header: Header, heard: Heard, *, luma: bool, min_short_px: int = 0
) -> Pixels | None:
    """Decode by the short ways of libjpeg: its own luma, or a smaller picture.

    Args:
        data: the file.
        header: its header.
        heard: gets the decoder's words.
        luma: whether the luma alone is wanted, instead of grey or RGB.
        min_short_px: as `decode_jpeg`.

    Returns:
        (H, W) or (H, W, 3) uint8; None where only `read_strips` does.
    """
    head = read_head(io.BytesIO(data))
    if header.photometric not in {"grey", "ycbcr"} or head.frame == LOSSLESS or head.bits != 8:
        return None
    colours = "GRAY" if luma or header.photometric == "grey" else "RGB"
    pixels = decode_jpeg(data, colours, min_short_px=min_short_px, heard=heard)
    if colours == "GRAY" and not min_short_px:
        _hear_shift(pixels, head, heard)
    return pixels


def _hear_shift(pixels: Pixels, head: JpegHead, heard: Heard) -> None:
    """Look at whole pixels, (H, W) or (H, W, 3), for what no decoder reports."""
    if heard.damaged:
        return
    luma_hw = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    row = find_shift(luma_hw, head.block)
    if row is not None:
        heard.note(f"from row {row} on, blocks are lighter or darker than before", damage=True)


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Decode the whole picture: libjpeg gives it at once."""
    data = source.read()
    source.seek(0)
    head = read_head(source)
    _check_readable(head, 0)
    if head.frame == LOSSLESS or head.bits != 8:
        yield _decode_deep(data, head, heard)
    elif header.photometric == "cmyk":
        # Adobe's convention, which everybody follows: ink is stored inverted.
        ink = ~decode_jpeg(data, "CMYK", heard=heard)
        yield cmyk_to_srgb(Image.fromarray(ink, "CMYK"), header.icc)
    else:
        pixels = decode_jpeg(data, _COLOURS.get(header.photometric, "RGB"), heard=heard)
        _hear_shift(pixels, head, heard)
        yield pixels


def _decode_deep(data: bytes, head: JpegHead, heard: Heard) -> Pixels:
    """Lossless, or of 12 bits. Its decoder says nothing of damage but an early end."""
    if data.rfind(END) < head.scan_at:
        raise PictureFault("truncated", "JPEG pixels: the end mark is missing")
    pixels = np.asarray(imagecodecs.jpeg8_decode(data))
    if pixels.shape[:2] != (head.height, head.width):
        raise PictureFault("unreadable", f"JPEG pixels: they are {pixels.shape}")
    return np.ascontiguousarray(widened(pixels, head.bits))


def decode_jpeg(
    data: bytes, colours: str = "RGB", *, min_short_px: int = 0, heard: Heard | None = None
) -> Pixels:
    """Decode a JPEG of 8 bits, reduced by the decoder itself when `min_short_px` allows.

    Args:
        data: the file.
        colours: GRAY, RGB or CMYK.
        min_short_px: both sides stay at least that long where the picture's are.
        heard: gets the decoder's words about damage.

    Returns:
        (H, W), (H, W, 3) or (H, W, 4) uint8.

    Raises:
        PictureFault: truncated: pixels are missing, and so is the end mark.
        ValueError: the data are broken.
    """
    sides = {"min_height": min_short_px, "min_width": min_short_px, "min_factor": 1}
    options = {"colorspace": colours, **(sides if min_short_px else {})}
    try:
        pixels = simplejpeg.decode_jpeg(data, **options)
    except ValueError as error:
        pixels = _decode_in_spite(data, options, str(error), heard or Heard())
    return np.asarray(pixels[..., 0] if colours == "GRAY" else pixels)


def _decode_in_spite(data: bytes, options: dict[str, object], words: str, heard: Heard) -> Pixels:
    """Decode what libjpeg has a complaint about.

    It stops at the first one, so the header's oddities are mended, which hurt nothing, and the end
    mark is put there; what it says then is about pixels.
    """
    head = read_head(io.BytesIO(data))
    ended = data.rfind(END) > data.rfind(b"\xff\xda")
    mended = b"".join((b"\xff\xd8", *head.pieces, data[head.scan_at :], b"" if ended else END))
    try:
        pixels = simplejpeg.decode_jpeg(mended, **options)
    except ValueError as error:
        if not ended:
            raise PictureFault("truncated", f"JPEG pixels: {words}") from error
        heard.note(error, damage=True)
        return np.asarray(simplejpeg.decode_jpeg(mended, **options, strict=False))
    heard.note(words, damage=not ended)
    return np.asarray(pixels)
