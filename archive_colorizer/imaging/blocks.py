"""Blocks of metadata as a master's file holds them: EXIF, XMP and IPTC-IIM, before any pixel.

Read from the file's own structure, so that a library's taste for one or the other does not matter.
What is broken or beyond MAX_BLOCK loses itself alone.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from archive_colorizer.imaging import exif, exif_writing, iptc
from archive_colorizer.imaging.faults import PictureFault, decoding

MAX_BLOCK: Final = 4 << 20
"""Bytes of a block; what is larger is not carried."""
XMP_MARK: Final = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_MARK: Final = b"http://ns.adobe.com/xmp/extension/\0"
PNG_XMP: Final = b"XML:com.adobe.xmp"
PNG_TEXTS: Final = {
    b"Title": "title", b"Description": "description", b"Author": "author",
    b"Copyright": "copyright",
}  # fmt: skip
"""Keywords of a PNG's texts (ISO/IEC 15948, 11.3.4.2) that say what EXIF says, too."""
_TEXT_CODES: Final = {"title": 269, "description": 270, "author": 315, "copyright": 33432}
_RAW_PROFILE: Final = re.compile(rb"Raw profile type (exif|APP1|iptc|8bim|xmp)")
MAX_SEGMENTS: Final = 4096
_INCHES: Final = {1: 1.0, 2: 2.54}
"""Dots an inch by JFIF's unit: inch, centimetre."""
_XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC_UUID: Final = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_EXIF_UUID: Final = b"JpgTiffExif->JP2"
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 700, 33723, 34377


@dataclass(frozen=True, slots=True)
class Blocks:
    """A master's blocks, not yet understood."""

    exif: bytes = b""
    """With or without the leading "Exif" mark; of a TIFF its descriptive tags."""
    xmp: bytes = b""
    extended_xmp: bytes = b""
    iptc: bytes = b""
    """IPTC-IIM datasets."""
    lost: bool = False
    """Whether there was more, which could not be read."""
    dpi: tuple[float, float] | None = None
    """What a JPEG's JFIF, or else the EXIF of a JPEG, PNG, WebP, JPEG 2000 or JPEG XL states."""


def read_blocks(source: BinaryIO, at: int = 0) -> Blocks:
    """Read the blocks of a picture. The handle is left at the start.

    Args:
        source: a seekable handle.
        at: of a TIFF, place of the directory of the page that is meant; 0 is the first.
    """
    blocks = Blocks()
    try:
        with decoding("metadata"):
            source.seek(0)
            blocks = _read(source, source.read(12), at)
    except PictureFault:
        blocks = Blocks(lost=True)
    source.seek(0)
    return blocks


def _read(source: BinaryIO, head: bytes, at: int) -> Blocks:
    if head.startswith(b"\xff\xd8"):
        return _Gathered(_jpeg_segments(source)).blocks()
    if head.startswith(b"\x89PNG"):
        return _Gathered(_png_chunks(source)).blocks()
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _Gathered(_riff_chunks(source)).blocks()
    if head[4:8] in (b"jP  ", b"JXL "):
        return _Gathered(_boxes(source)).blocks()
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _read_tiff(source, at)
    return Blocks()


Part = tuple[str, bytes | None]
"""Kind and bytes of one part of a block; None for one that cannot be had."""


class _Gathered:
    """Parts, put together to blocks."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._held: dict[str, bytes] = {}
        self._extended: dict[bytes, dict[int, bytes]] = {}
        self._lost, left = False, 2 * MAX_BLOCK
        for kind, data in parts:
            left -= len(data or b"")
            if data is None or left < 0:
                self._lost = True
            elif kind == "extended":
                self._add_extended(data)
            elif kind in ("xmp", "density") or kind in PNG_TEXTS.values():
                self._held.setdefault(kind, data)
            elif kind == "exif" and data.removeprefix(exif.MARK)[:2] not in (b"II", b"MM"):
                self._held[kind] = self._held.get(kind, b"") + data.removeprefix(exif.MARK)
            elif kind == "exif":
                self._held.setdefault(kind, data)
            else:
                self._held[kind] = self._held.get(kind, b"") + data

    def _add_extended(self, data: bytes) -> None:
        if len(data) >= 40:
            (offset,) = struct.unpack(">I", data[36:40])
            self._extended.setdefault(data[:32], {})[offset] = data[40:]

    def _add_texts(self) -> None:
        """Put a PNG's own texts where its EXIF has none."""
        texts = {code: self._held[name] for name, code in _TEXT_CODES.items() if name in self._held}
        if not texts:
            return
        found = exif.read_block(self._held["exif"]) if "exif" in self._held else exif.Exif()
        for code, text in texts.items():
            found.root.setdefault(code, exif.Entry(exif.ASCII, text + b"\0"))
        self._lost |= found.lost
        self._held["exif"] = exif_writing.write_block(found, 2 * MAX_BLOCK)

    def blocks(self) -> Blocks:
        """The blocks, whole."""
        xmp = self._held.get("xmp", b"")
        extended = b""
        for guid, parts in self._extended.items():
            if guid in xmp:
                extended = b"".join(data for _, data in sorted(parts.items()))
        for identity, data in iptc.read_resources(self._held.get("photoshop", b"")):
            if identity == iptc.RESOURCE and "iptc" not in self._held:
                self._held["iptc"] = data
        self._add_texts()
        return Blocks(
            exif=self._held.get("exif", b""),
            xmp=xmp,
            extended_xmp=extended,
            iptc=self._held.get("iptc", b""),
            lost=self._lost,
            dpi=self._dpi(),
        )

    def _dpi(self) -> tuple[float, float] | None:
        if unit_and_density := self._held.get("density"):
            unit, x, y = struct.unpack(">BHH", unit_and_density)
            return x * _INCHES[unit], y * _INCHES[unit]
        return exif.read_resolution(self._held["exif"]) if "exif" in self._held else None


_SEGMENTS: Final = (
    (exif.MARK, "exif"), (XMP_MARK, "xmp"), (EXTENDED_MARK, "extended"),
    (iptc.PHOTOSHOP, "photoshop"),
)  # fmt: skip
"""How an application's segment begins, and the kind of what follows."""


def _jpeg_segments(source: BinaryIO) -> Iterator[Part]:
    """Parts of a JPEG before its pixels (ISO/IEC 10918-1, XMP Part 3, EXIF)."""
    source.seek(2)
    for _ in range(MAX_SEGMENTS):
        marker = _next_marker(source)
        length = source.read(2)
        if marker in (None, 0xD9, 0xDA) or len(length) < 2:
            return
        size = max(0, struct.unpack(">H", length)[0] - 2)
        if marker not in (0xE0, 0xE1, 0xED):
            source.seek(size, io.SEEK_CUR)
            continue
        body = source.read(size)
        if marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 12 and body[7] in _INCHES:
            yield "density", body[7:12]
        yield from ((kind, body[len(mark) :]) for mark, kind in _SEGMENTS if body.startswith(mark))


def _next_marker(source: BinaryIO) -> int | None:
    lead = source.read(2)
    while lead[1:] == b"\xff":  # fill bytes
        lead = lead[1:] + source.read(1)
    return lead[1] if len(lead) == 2 and lead[0] == 0xFF else None


def _png_chunks(source: BinaryIO) -> Iterator[Part]:
    """Parts of a PNG, also those behind its pixels: some tools put XMP there."""
    source.seek(8)
    while len(head := source.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in (b"eXIf", b"iTXt", b"zTXt", b"tEXt"):
            source.seek(size + 4, io.SEEK_CUR)
        elif size > MAX_BLOCK:
            source.seek(size + 4, io.SEEK_CUR)
            yield "too large", None
        else:
            body = source.read(size)
            source.seek(4, io.SEEK_CUR)
            if kind == b"eXIf":
                yield "exif", body
            else:
                yield from _png_text(kind, body)


def _png_text(kind: bytes, body: bytes) -> Iterator[Part]:
    """XMP in text, and what ImageMagick puts into text: other blocks, in hex digits."""
    keyword, _, rest = body.partition(b"\0")
    text = PNG_TEXTS.get(keyword)
    if keyword != PNG_XMP and not text and not _RAW_PROFILE.fullmatch(keyword):
        return
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif packed:
        rest = rest[1:]
    if packed:
        opener = zlib.decompressobj()
        rest = opener.decompress(rest, MAX_BLOCK)
        if opener.unconsumed_tail:
            yield "too large", None
            return
    if text:
        yield text, rest if kind == b"iTXt" else rest.decode("latin-1").encode()
    else:
        yield ("xmp", rest) if keyword == PNG_XMP else _raw_profile(keyword, rest)


def _raw_profile(keyword: bytes, text: bytes) -> Part:
    """A block of ImageMagick's: a name, a length, and hex digits in lines."""
    words = text.split(maxsplit=2)
    data = bytes.fromhex(words[2].decode("ascii")) if len(words) == 3 else b""
    if data.startswith(XMP_MARK) or keyword.endswith(b"xmp"):
        return "xmp", data.removeprefix(XMP_MARK)
    if data.startswith(exif.MARK):
        return "exif", data
    return (
        ("iptc", data) if data[:1] == b"\x1c" else ("photoshop", data.removeprefix(iptc.PHOTOSHOP))
    )


def _riff_chunks(source: BinaryIO) -> Iterator[Part]:
    """Parts of a WebP."""
    source.seek(12)
    while len(head := source.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        name = {b"EXIF": "exif", b"XMP ": "xmp"}.get(kind)
        if name and size <= MAX_BLOCK:
            yield name, source.read(size)
            source.seek(size % 2, io.SEEK_CUR)
        else:
            source.seek(size + size % 2, io.SEEK_CUR)
            if name:
                yield name, None


def _boxes(source: BinaryIO) -> Iterator[Part]:
    """Parts of a JPEG 2000 (ISO/IEC 15444-1, annex I) or JPEG XL (ISO/IEC 18181-2)."""
    end = source.seek(0, io.SEEK_END)
    at = 0
    while at + 8 <= end:
        source.seek(at)
        size, kind = struct.unpack(">I4s", source.read(8))
        start = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", source.read(8))
            start += 8
        size = size or end - at
        if size < start - at:
            return
        at += size
        if kind not in (b"uuid", b"Exif", b"xml ", b"brob"):
            continue
        if at - start > MAX_BLOCK:
            yield "too large", None
            continue
        yield from _box(kind, source.read(at - start))


def _box(kind: bytes, body: bytes) -> Iterator[Part]:
    if kind == b"Exif" and len(body) > 4:
        yield "exif", body[4 + int.from_bytes(body[:4], "big") :]
    elif kind == b"xml " and b"adobe:ns:meta/" in body:
        yield "xmp", body
    elif kind == b"brob" and body[:4] in (b"Exif", b"xml "):
        yield "packed by Brotli", None
    elif kind == b"uuid" and body[:16] == _XMP_UUID:
        yield "xmp", body[16:]
    elif kind == b"uuid" and body[:16] == _EXIF_UUID:
        yield "exif", body[16:]
    elif kind == b"uuid" and body[:16] == _IPTC_UUID:
        yield "iptc", body[16:]


def _read_tiff(source: BinaryIO, at: int) -> Blocks:
    """Blocks of a TIFF: tags 700, 33723, Photoshop's 34377, and an EXIF block of what describes.

    A page of its own directory says what it says; for the rest the first directory's holds.
    """
    found = exif.read_directories(source, descriptive=True)
    kinds = {_XMP_TAG: "xmp", _IPTC_TAG: "iptc", _PHOTOSHOP_TAG: "photoshop"}
    held, state = exif.read_entries(source, kinds)
    lost = found.lost or state.lost
    if at:
        page = exif.read_directories(source, descriptive=True, at=at)
        own, state = exif.read_entries(source, kinds, at)
        found.root, held = found.root | page.root, held | own
        lost |= page.lost or state.lost
    parts = ((name, held[code][0].data) for code, name in kinds.items() if code in held)
    blocks = _Gathered(parts).blocks()
    return replace(
        blocks, exif=exif_writing.write_block(found, keep_note=False), lost=lost or blocks.lost
    )
