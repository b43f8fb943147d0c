"""JPEG XL (ISO/IEC 18181): libjxl through imagecodecs."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import imagecodecs
import numpy as np

from archive_colorizer.imaging.decoders.jpegxl_head import (
    CUSTOM,
    D65,
    GREY,
    LINEAR,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    JxlHead,
    codestream_of,
    read_head,
)
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header, exif_dpi
from archive_colorizer.imaging.profiles import enumerated_profile, icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, on_white, split_alpha, widened

WHITES: Final = {D65: (0.3127, 0.3290), 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
PRIMARIES: Final = {
    SRGB_PRIMARIES: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Enumerated white points and primaries (annex E): x, y of red, green, blue."""
GAMMAS: Final = {LINEAR: 1.0, 1: 2.2, 17: 2.6}
"""Enumerated curves as exponents, BT.709's as the displays' that it is shown on."""


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of the codestream's header; the orientation is the codestream's own."""
    if page:
        raise PictureFault("unreadable", f"page {page}: of a JPEG XL only the first is read")
    stream, exif = codestream_of(source.read())
    head = read_head(stream)
    if head.floating or head.bits > 16:
        kind = "floating-point " if head.floating else ""
        raise PictureFault("unsupported", f"JPEG XL with {kind}samples of {head.bits} bits")
    if head.icc and not head.xyb:
        raise PictureFault(
            "bad_icc", "JPEG XL with a profile inside its codestream, which no library here unpacks"
        )
    dpi_x, dpi_y = exif_dpi(exif)
    icc = _profile(head)
    grey = head.space == GREY
    return Header(
        format="JXL",
        width=head.width,
        height=head.height,
        bits_per_sample=head.bits,
        samples=(1 if grey else 3) + head.extras,
        photometric="grey" if grey else "rgb",
        n_pages=2 if head.animated else 1,
        orientation=head.orientation,
        dpi_x=dpi_x,
        dpi_y=dpi_y,
        icc=icc,
        icc_name=icc_name(icc),
    )


def _profile(head: JxlHead) -> bytes | None:
    """The enumerated colours as a profile; None for sRGB, which is what XYB with a profile becomes.

    Raises:
        PictureFault: unsupported: high dynamic range, or unknown colours.
    """
    if head.icc:
        return None
    gamma = 1 / head.gamma if head.gamma else GAMMAS.get(head.curve)
    if gamma is None and head.curve != SRGB_CURVE:
        raise PictureFault("unsupported", f"JPEG XL with transfer function {head.curve}")
    plain = head.white == D65 and head.primaries == SRGB_PRIMARIES
    if gamma is None and plain:
        return None
    xy = list(head.xy)
    white = tuple(xy[:2]) if head.white == CUSTOM else WHITES.get(head.white)
    primaries = tuple(xy[-6:]) if head.primaries == CUSTOM else PRIMARIES.get(head.primaries)
    if white is None or primaries is None:
        raise PictureFault("unsupported", "JPEG XL with unknown colours")
    return enumerated_profile(white, primaries, gamma, grey=head.space == GREY)


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Decode the whole picture, laid on white where it has transparency."""
    data = source.read()
    head = read_head(codestream_of(data)[0])
    pixels = np.asarray(
        imagecodecs.jpegxl_decode(data, 0 if head.animated else None, keeporientation=True)
    )
    if pixels.shape[:2] != (header.height, header.width):
        raise PictureFault("unreadable", f"JPEG XL pixels: they are {pixels.shape}")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PictureFault("unsupported", f"JPEG XL with pixels of type {pixels.dtype}")
    pixels = widened(pixels, header.bits_per_sample)
    colours = 1 if header.photometric == "grey" else 3
    if pixels.ndim == 2:
        yield pixels
    elif pixels.shape[2] > colours and head.alpha in {"straight", "premultiplied"}:
        yield on_white(*split_alpha(pixels, colours), premultiplied=head.alpha == "premultiplied")
    else:
        yield np.ascontiguousarray(pixels[..., 0] if colours == 1 else pixels[..., :3])
