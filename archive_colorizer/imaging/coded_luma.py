"""A JPEG's coded luminance, byte for byte: taken out of a file, put beside chroma, taken off again.

A scan of one component codes the same blocks in the same order whether its frame has one component
or three (ITU-T T.81, A.2.2), as long as no other component has more samples. So a grey master's
scans become the luminance of a colour JPEG without being decoded: tables, coefficients and restart
intervals are the master's own bytes, and Cb and Cr follow in scans of their own.
"""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging.decoders.jpeg_head import EOI, SOS, JpegHead, read_head
from archive_colorizer.imaging.faults import PictureFault

BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
DHT, DQT, DRI = 0xC4, 0xDB, 0xDD
TABLES: Final = frozenset({DHT, DQT, DRI})
KINDS: Final = {
    0xC3: "lossless", 0xC9: "arithmetic", 0xCA: "arithmetic progressive",
}  # fmt: skip
"""Frames that decoders here know and whose chroma no encoder here writes."""
END: Final = b"\xff\xd9"
NO_RESTARTS: Final = b"\xff\xdd\0\4\0\0"
Y_ID, CB_ID, CR_ID = 1, 2, 3
"""Component identifiers, as JFIF has them."""
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker that ends coded data: neither a stuffed byte, nor a restart, nor fill."""


@dataclass(frozen=True, slots=True)
class CodedLuma:
    """The first component of a JPEG as its file codes it."""

    frame: int
    """Marker of the frame: BASELINE, EXTENDED or PROGRESSIVE."""
    height: int
    width: int
    table: int
    """Number of its quantisation table."""
    tables: bytes
    """Segments before its first scan: quantisation, Huffman, restart interval."""
    scans: bytes
    """Its scans, with what is defined between them; it is component Y_ID there."""

    @property
    def has_restarts(self) -> bool:
        """Whether a restart interval may hold at the end."""
        return b"\xff\xdd\0\4" in self.tables + self.scans


def read_grey(data: bytes) -> CodedLuma:
    """Take the coded picture out of a JPEG of one component.

    Raises:
        ValueError: it has more, or is of a kind that takes no chroma; says why.
        PictureFault: its header cannot be read.
    """
    head = read_head(io.BytesIO(data))
    if len(head.components) != 1:
        raise ValueError(f"it has {len(head.components)} components")
    return _read(data, head)


def read_luma_of(data: bytes) -> CodedLuma:
    """Take the luminance out of a file that `colour_body` made.

    Raises:
        ValueError: it is another kind of file.
        PictureFault: its header cannot be read.
    """
    head = read_head(io.BytesIO(data))
    if head.components != bytes((Y_ID, CB_ID, CR_ID)):
        raise ValueError("it is no JPEG of three components")
    return _read(data, head)


def _read(data: bytes, head: JpegHead) -> CodedLuma:
    if head.frame not in (BASELINE, EXTENDED, PROGRESSIVE) or head.bits != 8:
        kind = KINDS.get(head.frame, f"frame 0xff{head.frame:02x}")
        raise ValueError(f"it is a JPEG of {head.bits} bits ({kind})")
    frames = [piece for piece in head.pieces if piece[1] == head.frame]
    tables = b"".join(piece for piece in head.pieces if piece[1] in TABLES)
    if len(frames) != 1 or not head.width or not head.height:
        raise ValueError("it has no frame of its own")
    number = frames[0][12]
    if len(head.components) == 3:
        # The last table is that of the chroma, which `colour_body` put there.
        tables = tables.removesuffix(_last_table(head))
    scans = b"".join(_scans(data, head.scan_at, head.components[0]))
    return CodedLuma(head.frame, head.height, head.width, number, tables, scans)


def _last_table(head: JpegHead) -> bytes:
    return next((piece for piece in reversed(head.pieces) if piece[1] == DQT), b"")


def _scans(data: bytes, at: int, component: int) -> Iterator[bytes]:
    """Yield scans of one component, and the tables between them, until another's or the end.

    Raises:
        ValueError: there is no end mark, or a scan holds more than one component.
    """
    held: list[bytes] = []
    while True:
        marker, body = data[at + 1], at + 2
        if marker == EOI:
            return
        size = int.from_bytes(data[body : body + 2], "big")
        segment = data[at : body + size]
        if marker == SOS:
            if segment[4] != 1:
                raise ValueError("a scan holds several components")
            if segment[5] != component:
                return
            end = _next_marker(data, body + size)
            yield from held
            held.clear()
            yield segment[:5] + bytes((Y_ID,)) + segment[6:] + data[body + size : end]
            at = end
            continue
        if marker in (DHT, DRI):
            held.append(segment)
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise ValueError(f"marker 0xff{marker:02x} stands between its scans")
        at = _next_marker(data, body + size)


def _next_marker(data: bytes, at: int) -> int:
    found = _MARKER.search(data, at)
    if found is None:
        raise ValueError("its end mark is missing")
    return found.start()


def colour_body(
    luma: CodedLuma, cb_hw: NDArray[np.uint8], cr_hw: NDArray[np.uint8], quality: int
) -> bytes:
    """Write a colour JPEG from its first table to its end mark: 4:2:0, a scan for each component.

    Args:
        luma: of the master.
        cb_hw: (ceil(H/2), ceil(W/2)).
        cr_hw: as `cb_hw`.
        quality: of the chroma, 1 to 100, as libjpeg counts it.

    Raises:
        ValueError: the planes are not half the luma's size.
    """
    half = (-(-luma.height // 2), -(-luma.width // 2))
    if not cb_hw.shape == cr_hw.shape == half:
        raise ValueError(f"chroma of {cb_hw.shape} for {luma.width} x {luma.height} pixels")
    number = 0 if luma.table else 1
    planes = [
        _encode_plane(plane, quality, progressive=luma.frame == PROGRESSIVE)
        for plane in (cb_hw, cr_hw)
    ]
    parts = (
        luma.tables,
        _renumbered(planes[0].tables, number),
        _frame(luma, ((Y_ID, 0x22, luma.table), (CB_ID, 0x11, number), (CR_ID, 0x11, number))),
        luma.scans,
        NO_RESTARTS if luma.has_restarts else b"",
        *(_scans_as(plane, name) for plane, name in zip(planes, (CB_ID, CR_ID), strict=True)),
        END,
    )
    return b"".join(parts)


def grey_body(luma: CodedLuma) -> bytes:
    """Write a JPEG of one component from its first table to its end mark."""
    return b"".join((luma.tables, _frame(luma, ((Y_ID, 0x11, luma.table),)), luma.scans, END))


def _frame(luma: CodedLuma, components: tuple[tuple[int, int, int], ...]) -> bytes:
    """The frame's segment: for each component its identifier, sampling factors and table."""
    size = 8 + 3 * len(components)
    head = struct.pack(">BBHBHHB", 0xFF, luma.frame, size, 8, luma.height, luma.width,
                       len(components))  # fmt: skip
    return head + b"".join(bytes(one) for one in components)


def _encode_plane(plane_hw: NDArray[np.uint8], quality: int, *, progressive: bool) -> CodedLuma:
    """Code a plane of chroma: libjpeg's table for chroma, Huffman tables of its own."""
    sink = io.BytesIO()
    Image.fromarray(plane_hw).save(
        sink, "JPEG", qtables=[_chroma_table(quality)], progressive=progressive, optimize=True
    )
    return read_grey(sink.getvalue())


@lru_cache(maxsize=8)
def _chroma_table(quality: int) -> list[int]:
    """Libjpeg's quantisation table for chroma at a quality (T.81, table K.2, scaled)."""
    sink = io.BytesIO()
    Image.new("RGB", (8, 8)).save(sink, "JPEG", quality=quality)
    with Image.open(sink) as image:
        tables: dict[int, Any] = image.quantization  # type: ignore[attr-defined]
        return list(tables[1])


def _segments(tables: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(tables):
        size = 2 + int.from_bytes(tables[at + 2 : at + 4], "big")
        yield tables[at : at + size]
        at += size


def _renumbered(tables: bytes, number: int) -> bytes:
    """The plane's quantisation table, which is its only one of 8 bits, under another number."""
    (table,) = (one for one in _segments(tables) if one[1] == DQT)
    return table[:4] + bytes((number,)) + table[5:]


def _scans_as(plane: CodedLuma, component: int) -> bytes:
    """A plane's Huffman tables and scans, of another component."""
    huffman = b"".join(one for one in _segments(plane.tables) if one[1] == DHT)
    parts = _scans(plane.scans + END, 0, Y_ID)
    named = (
        part[:5] + bytes((component,)) + part[6:] if part[1] == SOS else part for part in parts
    )
    return huffman + b"".join(named)


def same_luma(master: bytes, derivative: bytes) -> bool:
    """Whether a derivative codes the very luminance of its master: frame, tables, coefficients."""
    try:
        return read_grey(master) == read_luma_of(derivative)
    except (ValueError, PictureFault, IndexError):
        return False
