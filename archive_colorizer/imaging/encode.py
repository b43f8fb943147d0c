"""Encoding: a composed picture into JPEG, PNG or TIFF, with what it says of itself.

PNG and TIFF are written strip by strip, so that a large derivative never lies in memory.
"""

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

import imagecodecs
import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from archive_colorizer.imaging import exif, exif_writing, iptc
from archive_colorizer.imaging.blocks import EXTENDED_MARK, PNG_XMP, XMP_MARK
from archive_colorizer.imaging.compose import STRIP_PIXELS, Planes
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.formats import WRITTEN, Format
from archive_colorizer.imaging.halving import halvings_for
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.imaging.reversible import Reversible
from archive_colorizer.imaging.tone import MAX_MEASURED_PIXELS

MIMES: Final = {name: one.mime for name, one in WRITTEN.items()}
ICC_CHUNK: Final = 65519
"""Bytes of a profile in one APP2 segment."""
ZLIB_LEVEL: Final = 4
INCHES_PER_METRE: Final = 39.37007874
MAX_JPEG_SIDE: Final = 65500
"""Pixels; libjpeg's limit."""
BIGTIFF_BYTES: Final = 4_000_000_000
EXTENDED_CHUNK: Final = 65400
"""Bytes of extended XMP in one APP1 segment."""
XMP_TAG, IPTC_TAG = 700, 33723
OWN_TAGS: Final = frozenset({*exif.STRUCTURE, *exif.RESOLUTION})
"""Tags that tifffile writes of the derivative."""


class Encodable(Protocol):
    """A picture that gives what an encoder asks for: planes for JPEG, strips for PNG and TIFF."""

    @property
    def luma_hw(self) -> NDArray[Any]:
        """(H, W): its size is the picture's."""

    def ycc_planes(self) -> Planes:
        """Y' (H, W), Cb and Cr of half the sides, uint8."""

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """(rows, W, 3) from top to bottom."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a derivative is encoded."""

    format: Format = "jpeg"
    quality: int = 90
    bits: int = 8
    """A sample, of PNG and TIFF: 8 or 16."""


class Tap(Protocol):
    """Looks at what is encoded."""

    def planes(self, planes: Planes) -> None:
        """See what a JPEG is made of."""

    def strips(self, strips: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """See the strips of RGB that go into a lossless file, and pass them on."""


class _NoTap:
    def planes(self, planes: Planes) -> None:
        pass

    def strips(self, strips: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        return strips


NO_TAP: Final[Tap] = _NoTap()


def encode(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap = NO_TAP
) -> None:
    """Write a picture.

    Args:
        picture: gives planes or strips.
        sink: a seekable handle.
        settings: format, quality, bits.
        tags: profile, resolution, EXIF and XMP.
        tap: sees the pixels on their way.

    Raises:
        PictureFault: too_large for a JPEG.
        OSError: the sink cannot be written.
    """
    WRITERS[settings.format](picture, sink, settings, tags, tap)


def _write_jpeg(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    height, width = picture.luma_hw.shape
    if max(height, width) > MAX_JPEG_SIDE:
        raise PictureFault(
            "too_large",
            f"{width} x {height} pixels: a JPEG has at most {MAX_JPEG_SIDE} a side; "
            "use --format tiff or png",
        )
    write_jpeg_head(sink, tags)
    planes = picture.ycc_planes()
    tap.planes(planes)
    if isinstance(picture, Reversible):
        sink.write(picture.body(planes, settings.quality))
        return
    data = simplejpeg.encode_jpeg_yuv_planes(*planes, settings.quality)
    app0_end = 4 + struct.unpack(">H", data[4:6])[0]
    sink.write(memoryview(data)[app0_end:])


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


def _write_tiff(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    (height, width), bits = picture.luma_hw.shape, settings.bits
    rows = rows_of(height, width)
    size = height * width * 3 * bits // 8
    described = exif_writing.to_little_endian(exif.read_block(tags.exif)) if tags.exif else {}
    big = size > BIGTIFF_BYTES
    with tifffile.TiffWriter(sink, bigtiff=big, byteorder="<") as writer:
        writer.write(
            map(_pack, tap.strips(picture.rgb_strips(bits, rows))),
            shape=(height, width, 3),
            dtype=np.uint8 if bits == 8 else np.uint16,
            photometric="rgb",
            rowsperstrip=rows,
            compression="adobe_deflate",
            predictor=True,
            iccprofile=tags.icc,
            resolution=tags.dpi or (1, 1),
            resolutionunit="INCH" if tags.dpi else "NONE",
            software=False,
            metadata=None,
            extratags=list(_extra_tags(tags, described, big=big)),
        )
    _append_directories(sink, described, big=big)


def _pack(strip: NDArray[Any]) -> bytes:
    """A strip as TIFF stores it: differences along the rows (predictor 2), deflated."""
    differences = imagecodecs.delta_encode(strip, axis=1).tobytes()
    return bytes(imagecodecs.zlib_encode(differences, ZLIB_LEVEL))


ExtraTag = tuple[int, int, int, bytes, bool]
"""Code, type, count, little-endian value, and True, for tifffile."""


def _extra_tags(tags: Tags, described: exif.Directory, *, big: bool) -> Iterator[ExtraTag]:
    """XMP, IPTC-IIM, and the first directory of the EXIF, as tags of the TIFF itself."""
    if tags.exif:
        yield exif.ORIENTATION, exif.SHORT, 1, struct.pack("<H", 1), True
    for code, value in described.items():
        if isinstance(value, dict):
            kind, size = (exif.IFD8, 8) if big else (exif.LONG, 4)
            yield code - 1, kind, 1, bytes(size), True
        elif code not in OWN_TAGS and not isinstance(described.get(code + 1), dict):
            kind = exif.ASCII if value.kind == exif.UTF8 else value.kind
            yield code, kind, value.length, value.data, True
    for code, kind, data in (
        (XMP_TAG, exif.BYTE, tags.xmp), (IPTC_TAG, exif.UNDEFINED, tags.iptc),
    ):  # fmt: skip
        if data:
            yield code, kind, len(data), data, True


def _append_directories(sink: BinaryIO, described: exif.Directory, *, big: bool) -> None:
    """Write the EXIF and GPS directories behind the pixels, and point to them.

    tifffile keeps these tags for itself: entries of the codes before them hold their places.
    """
    below = {code: value for code, value in described.items() if isinstance(value, dict)}
    if not below:
        return
    writer = exif_writing.Writer("<", sink.seek(0, io.SEEK_END), big=big)
    offsets = {code: writer.directory(directory) for code, directory in below.items()}
    sink.write(writer.data())
    held, _ = exif.read_entries(sink, [code - 1 for code in below])
    for code, offset in offsets.items():
        place = held[code - 1][1]
        sink.seek(place)
        sink.write(struct.pack("<H", code))
        sink.seek(place + (12 if big else 8))
        sink.write(struct.pack("<Q" if big else "<I", offset))


def rows_of(height: int, width: int) -> int:
    """Rows of a strip: about STRIP_PIXELS pixels, a whole number of rows of the halved picture."""
    factor = 1 << halvings_for(height, width, MAX_MEASURED_PIXELS)
    return max(1, STRIP_PIXELS // max(1, width) // factor) * factor


Writer = Callable[[Encodable, BinaryIO, Settings, Tags, Tap], None]
WRITERS: Final[Mapping[Format, Writer]] = {
    "jpeg": _write_jpeg,
    "png": _write_png,
    "tiff": _write_tiff,
}
"""A writer for each key of `formats.WRITTEN`."""
