"""A JPEG's marker segments before its first scan (ITU-T T.81, annex B), without decoding."""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from archive_colorizer.imaging.faults import PictureFault

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
KEPT: Final = frozenset({APP0, APP14, 0xDB, 0xDD, *range(0xC0, 0xD0)})
"""Segments that decoding needs: tables, frame, restart interval, and what says the colours."""
FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}) | {0xF7}
REFUSED: Final = {
    0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical lossless",
    0xCB: "arithmetic lossless", 0xCD: "hierarchical", 0xCE: "hierarchical",
    0xCF: "hierarchical lossless", 0xF7: "JPEG-LS",
}  # fmt: skip
"""Kinds of frame that no decoder here knows."""
LOSSLESS: Final = 0xC3
MAX_SEGMENTS: Final = 10_000


@dataclass(slots=True)
class JpegHead:
    """What the segments say."""

    frame: int = 0
    """Marker of the frame (SOFn), 0xC0 to 0xCF."""
    bits: int = 0
    width: int = 0
    height: int = 0
    components: bytes = b""
    """Their identifiers."""
    block: tuple[int, int] = (8, 8)
    """Height and width of a minimum coded unit, by the first component's sampling; pixels."""
    adobe: int | None = None
    """Colour transform in Adobe's segment: 0 none, 1 YCbCr, 2 YCCK."""
    jfif: bool = False
    density: tuple[int, int, int] = (0, 0, 0)
    """Unit (1 an inch, 2 a centimetre), across, down."""
    exif: bytes = b""
    icc_parts: list[bytes] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    """The segments that decoding needs, whole."""
    scan_at: int = 0
    """Where the first scan's segment begins."""

    @property
    def photometric(self) -> str:
        """Colour model, by the rules of libjpeg."""
        if len(self.components) == 1:
            return "grey"
        if len(self.components) == 4:
            return "cmyk"
        if self.frame == LOSSLESS or (self.adobe == 0 and not self.jfif):
            return "rgb"
        named_rgb = self.components == b"RGB" and not self.jfif and self.adobe is None
        return "rgb" if named_rgb else "ycbcr"

    @property
    def icc(self) -> bytes | None:
        """The profile, put together from its numbered parts."""
        return b"".join(part[2:] for part in sorted(self.icc_parts)) or None


def read_head(source: BinaryIO) -> JpegHead:
    """Read up to the first scan; stray bytes between segments are passed over.

    Raises:
        PictureFault: truncated, unreadable.
    """
    head = JpegHead()
    source.seek(2)
    for _ in range(MAX_SEGMENTS):
        marker = _next_marker(source)
        if marker == SOS:
            head.scan_at = source.tell() - 2
            if not head.frame:
                raise PictureFault("unreadable", "JPEG header: no frame before its first scan")
            return head
        if marker == EOI:
            raise PictureFault("unreadable", "JPEG header: it ends before any pixels")
        if marker in {0x01, SOI, *range(0xD0, 0xD8)}:  # without a length
            continue
        length = int.from_bytes(_exactly(source, 2), "big")
        body = _exactly(source, max(0, length - 2))
        _note(head, marker, body)
        if marker in KEPT:
            head.pieces.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
    raise PictureFault("unreadable", f"JPEG header: over {MAX_SEGMENTS:,} segments")


def _next_marker(source: BinaryIO) -> int:
    """The next marker; bytes that are none are passed over as libjpeg does."""
    byte = _exactly(source, 1)
    while True:
        while byte != b"\xff":
            byte = _exactly(source, 1)
        while byte == b"\xff":
            byte = _exactly(source, 1)
        if byte != b"\0":
            return byte[0]


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise PictureFault("truncated", "JPEG header: it ends before its pixels begin")
    return data


def _note(head: JpegHead, marker: int, body: bytes) -> None:
    if marker in FRAMES and not head.frame and len(body) >= 6:
        head.frame = marker
        head.bits, head.height, head.width, count = struct.unpack(">BHHB", body[:6])
        if count > 1 and len(body) >= 8:
            head.block = (8 * max(1, body[7] & 15), 8 * max(1, body[7] >> 4))
        head.components = bytes(body[6 + 3 * n] for n in range(count) if 6 + 3 * n < len(body))
    elif marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 12:
        head.jfif = True
        head.density = struct.unpack(">BHH", body[7:12])
    elif marker == APP1 and body.startswith(b"Exif\0"):
        head.exif += body[6:] if head.exif else body
    elif marker == APP2 and body.startswith(b"ICC_PROFILE\0"):
        head.icc_parts.append(body[12:])
    elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
        head.adobe = body[11]
