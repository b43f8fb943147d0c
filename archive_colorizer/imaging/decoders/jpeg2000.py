"""JPEG 2000 (ISO/IEC 15444-1), in boxes or as a bare codestream: openjpeg through imagecodecs."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import imagecodecs
import numpy as np

from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header, sensible_dpi
from archive_colorizer.imaging.profiles import icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, on_white, split_alpha, widened

CODESTREAM, END = b"\xff\x4f\xff\x51", b"\xff\xd9"
MAX_BOX_BYTES: Final = 64 << 20
INCHES_IN_A_METRE: Final = 0.0254
SPACES: Final = {16: "rgb", 17: "grey", 18: "ycbcr"}
UNREAD: Final = {12: "CMYK", 14: "CIELab"}
"""Enumerated colour spaces (annex I.5.3.3; 15444-2, annex M)."""
OPACITY, PREMULTIPLIED = 1, 2
EXIF_UUID: Final = b"JpgTiffExif->JP2"


@dataclass(slots=True)
class _Boxes:
    """What the boxes before the codestream say."""

    space: int = 0
    icc: bytes | None = None
    opacity: dict[int, int] = field(default_factory=dict)
    """Channel -> its kind, for channels that are no colour."""
    palette: bool = False
    dpi: tuple[float | None, float | None] = (None, None)
    exif: bytes | None = None


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of the boxes and of the codestream's SIZ segment."""
    if page:
        raise PictureFault("unreadable", f"page {page}: a JPEG 2000 file has one page")
    boxes = _read_boxes(source)
    width, height, depths = _read_siz(source)
    if boxes.space in UNREAD:
        raise PictureFault("unsupported", f"JPEG 2000 with {UNREAD[boxes.space]} colours")
    if len(set(depths)) > 1 or depths[0] & 0x80 or (depths[0] & 0x7F) > 15:
        raise PictureFault("unsupported", "JPEG 2000 with signed, mixed or over 16 bits a sample")
    guess = "grey" if len(depths) <= 2 else "rgb"
    photometric = "palette" if boxes.palette else SPACES.get(boxes.space, guess)
    return Header(
        format="JPEG2000",
        width=width,
        height=height,
        bits_per_sample=depths[0] + 1,
        samples=len(depths),
        photometric=photometric,
        dpi_x=boxes.dpi[0],
        dpi_y=boxes.dpi[1],
        icc=boxes.icc,
        icc_name=icc_name(boxes.icc),
    )


def _read_boxes(source: BinaryIO) -> _Boxes:
    """Read the boxes; the handle is left at the codestream."""
    found = _Boxes()
    if source.read(4) == CODESTREAM:
        source.seek(0)
        return found
    end = source.seek(0, io.SEEK_END)
    source.seek(0)
    _walk(source, end, found)
    return found


def _walk(source: BinaryIO, end: int, found: _Boxes) -> bool:
    """Go through boxes up to `end`; whether the codestream was met."""
    while source.tell() + 8 <= end:
        at = source.tell()
        size, kind = struct.unpack(">I4s", source.read(8))
        if size == 1:
            size = int.from_bytes(source.read(8), "big")
        after = at + size if size else end
        if after <= source.tell() and kind != b"jp2c":
            raise PictureFault("unreadable", f"JPEG 2000 header: a box of {size} bytes")
        if kind == b"jp2c":
            return True
        if kind in {b"jp2h", b"res "}:
            if _walk(source, min(after, end), found):
                return True
        elif after - source.tell() <= MAX_BOX_BYTES and kind in _TAKEN:
            _take(kind, source.read(after - source.tell()), found)
        source.seek(after)
    return False


_TAKEN: Final = {b"colr", b"cdef", b"pclr", b"resc", b"resd", b"uuid"}


def _take(kind: bytes, body: bytes, found: _Boxes) -> None:
    if kind == b"colr" and body[:1] == b"\1" and not found.space:
        found.space = int.from_bytes(body[3:7], "big")
    elif kind == b"colr" and body[:1] in {b"\2", b"\3"}:
        found.icc = found.icc or body[3:] or None
    elif kind == b"cdef":
        entries = struct.iter_unpack(">HHH", body[2 : 2 + (len(body) - 2) // 6 * 6])
        found.opacity = {channel: what for channel, what, _ in entries if what}
    elif kind == b"pclr":
        found.palette = True
    elif kind == b"uuid" and body.startswith(EXIF_UUID):
        found.exif = body[16:]
    elif kind in {b"resc", b"resd"} and len(body) >= 10:
        vn, vd, hn, hd, ve, he = struct.unpack(">HHHHbb", body[:10])
        metre = (hn / (hd or 1) * 10.0**he, vn / (vd or 1) * 10.0**ve)
        found.dpi = sensible_dpi([value * INCHES_IN_A_METRE for value in metre])


def _read_siz(source: BinaryIO) -> tuple[int, int, list[int]]:
    """Width, height, and for each component its depth less one, with bit 7 where it is signed."""
    head = source.read(42)
    if len(head) < 42:
        raise PictureFault("truncated", "JPEG 2000 header: it ends before its size")
    if head[:4] != CODESTREAM:
        raise PictureFault("unreadable", "JPEG 2000 header: no codestream")
    right, bottom, left, top = struct.unpack(">IIII", head[8:24])
    count = int.from_bytes(head[40:42], "big")
    components = source.read(3 * count)
    if not count or len(components) < 3 * count:
        raise PictureFault("truncated", "JPEG 2000 header: it ends before its components")
    if any(step != 1 for step in (*components[1::3], *components[2::3])):
        raise PictureFault("unsupported", "JPEG 2000 with subsampled components")
    return right - left, bottom - top, list(components[::3])


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Decode the whole picture, laid on white where it has transparency."""
    boxes = _read_boxes(source)
    source.seek(0)
    data = source.read()
    if END not in data[-4096:]:
        # openjpeg would decode what is there and leave the rest soft or black.
        raise PictureFault("truncated", "JPEG 2000 pixels: the end mark is missing")
    pixels = np.asarray(imagecodecs.jpeg2k_decode(data))
    if pixels.shape[:2] != (header.height, header.width):
        raise PictureFault("unreadable", f"JPEG 2000 pixels: they are {pixels.shape}")
    if not boxes.palette:
        pixels = widened(pixels, header.bits_per_sample)
    if header.photometric == "ycbcr":
        pixels = _from_sycc(pixels)
    if pixels.ndim == 2:
        yield pixels
        return
    colours = 1 if pixels.shape[2] < 3 else 3
    kind = boxes.opacity.get(colours, 0)
    if pixels.shape[2] > colours and kind in {OPACITY, PREMULTIPLIED}:
        yield on_white(*split_alpha(pixels, colours), premultiplied=kind == PREMULTIPLIED)
    else:
        yield np.ascontiguousarray(pixels[..., 0] if colours == 1 else pixels[..., :3])


def _from_sycc(pixels: Pixels) -> Pixels:
    """SYCC (IEC 61966-2-1, amendment 1) -> RGB, the same type."""
    top = int(np.iinfo(pixels.dtype).max)
    y, cb, cr = (pixels[..., n].astype(np.float32) for n in range(3))
    cb, cr = cb - (top + 1) / 2, cr - (top + 1) / 2
    rgb = np.dstack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb])
    done = rgb.round().clip(0, top).astype(pixels.dtype)
    return np.concatenate([done, pixels[..., 3:]], axis=2)
