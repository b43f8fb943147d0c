"""Encoding: a composed picture into one of `formats.WRITTEN`, with what it says of itself.

PNG and TIFF are written strip by strip, so that a large derivative never lies in memory.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from archive_colorizer.imaging import exif, exif_writing, iptc
from archive_colorizer.imaging.blocks import EXTENDED_MARK, PNG_XMP, XMP_MARK
from archive_colorizer.imaging.encodable import (
    NO_TAP,
    ZLIB_LEVEL,
    Encodable,
    Settings,
    Tap,
    rows_of,
)
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.formats import WRITTEN, Format
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.imaging.reversible import Reversible
from archive_colorizer.imaging.tiff_writing import write_pyramid, write_tiff

__all__ = ["MIMES", "WRITERS", "Encodable", "Settings", "encode", "rows_of", "write_jpeg_head"]

MIMES: Final = {name: one.mime for name, one in WRITTEN.items()}
ICC_CHUNK: Final = 65519
"""Bytes of a profile in one APP2 segment."""
INCHES_PER_METRE: Final = 39.37007874
MAX_JPEG_SIDE: Final = 65500
"""Pixels; libjpeg's limit."""
MAX_WEBP_SIDE: Final = 16383
"""Pixels; the format's limit."""
WEBP_ICC, WEBP_EXIF, WEBP_XMP = 0x20, 0x08, 0x04
"""Flags of a WebP's first chunk (RFC 9649, 2.7)."""
WEBP_EFFORT: Final = 4
"""Of a lossless WebP, 0 to 9."""
EXTENDED_CHUNK: Final = 65400
"""Bytes of extended XMP in one APP1 segment."""


def encode(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap = NO_TAP
) -> None:
    """Write a picture.

    Args:
        picture: gives planes or strips.
        sink: a seekable handle.
        settings: format, quality, bits, compression.
        tags: profile, resolution, EXIF and XMP.
        tap: sees the pixels on their way.

    Raises:
        PictureFault: too_large for a JPEG or a WebP.
        OSError: the sink cannot be written.
    """
    WRITERS[settings.format](picture, sink, settings, tags, tap)


def _write_jpeg(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    _check_sides(picture, "JPEG", MAX_JPEG_SIDE)
    write_jpeg_head(sink, tags)
    planes = picture.ycc_planes()
    tap.planes(planes)
    if isinstance(picture, Reversible):
        sink.write(picture.body(planes, settings.quality))
        return
    data = simplejpeg.encode_jpeg_yuv_planes(*planes, settings.quality)
    app0_end = 4 + struct.unpack(">H", data[4:6])[0]
    sink.write(memoryview(data)[app0_end:])


def _check_sides(picture: Encodable, name: str, longest: int) -> None:
    height, width = picture.luma_hw.shape
    if max(height, width) > longest:
        raise PictureFault(
            "too_large",
            f"{width} x {height} pixels: a {name} has at most {longest} a side; "
            "use --format tiff or png",
        )


def write_jpeg_head(sink: BinaryIO, tags: Tags) -> None:
    """Write what stands before a JPEG's first table: the start mark, JFIF, and the tags."""
    sink.write(b"\xff\xd8")
    sink.write(_app0(tags.dpi))
    for segment in _segments(tags):
        sink.write(segment)


def _app0(dpi: tuple[float, float] | None) -> bytes:
    """JFIF 1.1 without a thumbnail; density in dots an inch, or none."""
    x, y = (min(65535, round(value)) for value in dpi) if dpi else (1, 1)
    body = b"JFIF\0\1\1" + struct.pack(">BHHBB", 1 if dpi else 0, x, y, 0, 0)
    return _segment(0xE0, body)


def _segments(tags: Tags) -> Iterator[bytes]:
    if tags.exif:
        yield _segment(0xE1, tags.exif)
    if tags.xmp:
        yield _segment(0xE1, XMP_MARK + tags.xmp)
    yield from _extended_xmp(tags.extended_xmp)
    if tags.iptc:
        yield _segment(0xED, iptc.PHOTOSHOP + iptc.write_resource(tags.iptc))
    count = -(-len(tags.icc) // ICC_CHUNK)
    for i in range(count):
        part = tags.icc[i * ICC_CHUNK : (i + 1) * ICC_CHUNK]
        yield _segment(0xE2, b"ICC_PROFILE\0" + bytes((i + 1, count)) + part)


def _extended_xmp(packet: bytes) -> Iterator[bytes]:
    """Segments with the GUID that the first packet names, the whole length, and the place."""
    guid = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    for at in range(0, len(packet), EXTENDED_CHUNK):
        head = EXTENDED_MARK + guid + struct.pack(">II", len(packet), at)
        yield _segment(0xE1, head + packet[at : at + EXTENDED_CHUNK])


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _write_png(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    (height, width), bits = picture.luma_hw.shape, settings.bits
    sink.write(b"\x89PNG\r\n\x1a\n")
    _chunk(sink, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    _chunk(sink, b"iCCP", b"sRGB\0\0" + zlib.compress(tags.icc))
    if tags.dpi:
        x, y = (round(value * INCHES_PER_METRE) for value in tags.dpi)
        _chunk(sink, b"pHYs", struct.pack(">IIB", x, y, 1))
    if tags.xmp:  # before all that may be large: our labels are in the head of a file
        _chunk(sink, b"iTXt", PNG_XMP + bytes(5) + tags.xmp)
    if tags.exif:
        _chunk(sink, b"eXIf", tags.exif.removeprefix(exif.MARK))
    if tags.iptc:
        _chunk(sink, b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_hex(tags.iptc)))
    packer = zlib.compressobj(ZLIB_LEVEL)
    for strip in tap.strips(picture.rgb_strips(bits, rows_of(height, width))):
        _chunk(sink, b"IDAT", packer.compress(_filter_rows(strip)))
    _chunk(sink, b"IDAT", packer.flush())
    _chunk(sink, b"IEND", b"")


def _hex(datasets: bytes) -> bytes:
    """IPTC-IIM as ImageMagick writes it into a PNG, which has no place of its own for it."""
    block = iptc.write_resource(datasets)
    digits = block.hex().encode()
    lines = (digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\niptc\n%8d\n" % len(block) + b"\n".join(lines) + b"\n"


def _filter_rows(strip: NDArray[Any]) -> bytes:
    """Rows with PNG's filter 1, the difference from the pixel on the left; big-endian."""
    big = strip.astype(strip.dtype.newbyteorder(">"), copy=False)
    rows = big.reshape(strip.shape[0], -1).view(np.uint8)
    step = 3 * strip.dtype.itemsize
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    out[:, 0] = 1
    out[:, 1 : step + 1] = rows[:, :step]
    np.subtract(rows[:, step:], rows[:, :-step], out=out[:, step + 1 :])
    return out.tobytes()


def _chunk(sink: BinaryIO, kind: bytes, body: bytes) -> None:
    if kind == b"IDAT" and not body:
        return
    sink.write(struct.pack(">I", len(body)) + kind)
    sink.write(body)
    sink.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))


def _write_webp(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    """Write a WebP; its metadata go before the pixels, where our labels are looked for."""
    _check_sides(picture, "WebP", MAX_WEBP_SIDE)
    height, width = picture.luma_hw.shape
    rgb = np.concatenate(list(tap.strips(picture.rgb_strips(8, rows_of(height, width)))))
    level = WEBP_EFFORT if settings.lossless else settings.quality
    pixels = memoryview(imagecodecs.webp_encode(rgb, level=level, lossless=settings.lossless))[12:]
    block = (tags.exif or _tell_resolution(tags.dpi)).removeprefix(exif.MARK)
    flags = WEBP_ICC | (WEBP_EXIF if block else 0) | (WEBP_XMP if tags.xmp else 0)
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    chunks = [(b"VP8X", bytes((flags, 0, 0, 0)) + sides), (b"ICCP", tags.icc)]
    chunks += [(kind, data) for kind, data in ((b"XMP ", tags.xmp), (b"EXIF", block)) if data]
    head = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    sink.write(b"RIFF" + struct.pack("<I", len(head) + len(pixels)) + head)
    sink.write(pixels)


def _tell_resolution(dpi: tuple[float, float] | None) -> bytes:
    """An EXIF block with the resolution, which a WebP has no other place for."""
    if dpi is None:
        return b""
    found = exif.Exif()
    exif_writing.put_resolution(found, dpi)
    return exif_writing.write_block(found)


Writer = Callable[[Encodable, BinaryIO, Settings, Tags, Tap], None]
WRITERS: Final[Mapping[Format, Writer]] = {
    "jpeg": _write_jpeg,
    "png": _write_png,
    "tiff": write_tiff,
    "ptif": write_pyramid,
    "webp": _write_webp,
}
"""A writer for each key of `formats.WRITTEN`."""
