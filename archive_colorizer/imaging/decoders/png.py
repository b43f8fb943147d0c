"""PNG (ISO/IEC 15948): its chunks are walked here, its pixels decoded by libpng in imagecodecs.

Only the chunks that make the picture reach libpng: text, profiles and checksums of any size or
state beside it do no harm.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import imagecodecs
import numpy as np

from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header, exif_orientation, sensible_dpi
from archive_colorizer.imaging.profiles import icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, on_white, split_alpha

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
INCHES_IN_A_METRE: Final = 0.0254
MAX_PROFILE_BYTES: Final = 64 << 20
PICTURE: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})
SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type -> samples a pixel."""
READ: Final = {b"iCCP", b"eXIf", b"pHYs", b"acTL"}


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of the chunks; one beside the picture with a wrong checksum is left aside."""
    if page:
        raise PictureFault("unreadable", f"page {page}: a PNG has one page")
    source.seek(8)
    found = _beside(source)
    head = found[b"IHDR"]
    width, height, bits, colour_type = struct.unpack(">IIBB", head[:10])
    if colour_type not in SAMPLES:
        raise PictureFault("unreadable", f"PNG header: colour type {colour_type}")
    exif = found.get(b"eXIf") or None
    icc = _profile(found.get(b"iCCP", b""))
    dpi_x, dpi_y = _dpi(found.get(b"pHYs", b""))
    return Header(
        format="PNG",
        width=width,
        height=height,
        bits_per_sample=bits,
        samples=SAMPLES[colour_type],
        photometric={3: "palette", 0: "grey", 4: "grey"}.get(colour_type, "rgb"),
        n_pages=max(1, int.from_bytes(found.get(b"acTL", b"")[:4], "big")),
        orientation=exif_orientation(exif),
        dpi_x=dpi_x,
        dpi_y=dpi_y,
        icc=icc,
        icc_name=icc_name(icc),
    )


def _beside(source: BinaryIO) -> dict[bytes, bytes]:
    """The header chunk, and those beside the picture that are used; pixels are jumped over."""
    found = {b"IHDR": _ihdr(source)}
    while len(start := source.read(8)) == 8:
        size, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            break
        if kind not in READ:
            source.seek(size + 4, 1)
            continue
        body, checksum = source.read(size), source.read(4)
        if zlib.crc32(kind + body).to_bytes(4, "big") == checksum:
            found.setdefault(kind, body)
    return found


def _ihdr(source: BinaryIO) -> bytes:
    chunk = source.read(25)
    if len(chunk) < 25:
        raise PictureFault("truncated", "PNG header: it ends in IHDR")
    if not chunk.startswith(b"\0\0\0\x0dIHDR"):
        raise PictureFault("unreadable", "PNG header: it does not begin with IHDR")
    if zlib.crc32(chunk[4:21]).to_bytes(4, "big") != chunk[21:]:
        raise PictureFault("unreadable", "PNG header: IHDR: CRC error")
    return chunk[8:21]


def _profile(chunk: bytes) -> bytes | None:
    """An iCCP chunk's profile: a name, a zero, the method, and zlib data."""
    _, _, rest = chunk.partition(b"\0")
    if not rest:
        return None
    try:
        return zlib.decompressobj().decompress(rest[1:], MAX_PROFILE_BYTES) or None
    except zlib.error:
        return chunk  # no profile: `broken`


def _dpi(chunk: bytes) -> tuple[float | None, float | None]:
    if len(chunk) < 9 or chunk[8] != 1:
        return None, None
    x, y = struct.unpack(">II", chunk[:8])
    return sensible_dpi((x * INCHES_IN_A_METRE, y * INCHES_IN_A_METRE))


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Decode the whole picture, laid on white where it has transparency."""
    pixels = np.asarray(imagecodecs.png_decode(_picture_alone(source.read(), heard)))
    if pixels.ndim == 3 and pixels.shape[2] in {2, 4}:
        pixels = on_white(*split_alpha(pixels, pixels.shape[2] - 1))
    yield pixels


def _picture_alone(data: bytes, heard: Heard) -> bytes:
    """The file without what is beside the picture.

    Raises:
        PictureFault: truncated: it ends within its pixels.
    """
    parts, at, ended, pixels = [SIGNATURE], 8, False, False
    while at + 8 <= len(data) and not ended:
        size, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + size + 12]
        at += size + 12
        if kind == b"IDAT" and len(chunk) < size + 12:
            raise PictureFault("truncated", f"PNG pixels: the file ends at byte {len(data)}")
        pixels |= kind == b"IDAT"
        if kind in PICTURE and _is_usable(kind, chunk, heard):
            parts.append(chunk)
        ended = kind == b"IEND"
    if not ended:
        if not pixels:
            raise PictureFault("truncated", "PNG pixels: there are none")
        heard.note("PNG: its end (IEND) is missing", damage=True)
        parts.append(b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big"))
    return b"".join(parts)


def _is_usable(kind: bytes, chunk: bytes, heard: Heard) -> bool:
    """Transparency with a wrong checksum is left aside; libpng refuses any other chunk itself."""
    if kind != b"tRNS" or zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]:
        return True
    heard.note("PNG: tRNS: CRC error: taken as opaque", damage=True)
    return False
