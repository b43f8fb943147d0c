"""The header of a JPEG XL codestream (ISO/IEC 18181-1, annexes C, D and E), read bit by bit.

imagecodecs decodes JPEG XL and says nothing of its size, depth, orientation or colours beforehand.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from archive_colorizer.imaging.faults import PictureFault

HEAD_BYTES: Final = 4096
"""More than a header without a profile takes."""
RATIOS: Final = {
    n: Fraction(*pair)
    for n, pair in enumerate([(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)], 1)
}
SIZES: Final = ((1, 9), (1, 13), (1, 18), (1, 30))
ENUM: Final = ((0, 0), (1, 0), (2, 4), (18, 6))
XY: Final = ((0, 19), (524_288, 19), (1_048_576, 20), (2_097_152, 21))
ALPHA, SPOT, CFA = 0, 2, 5
"""Kinds of extra channels."""
GREY, XYB = 1, 2
"""Colour spaces; 0 is RGB."""
D65, SRGB_PRIMARIES, CUSTOM = 1, 1, 2
LINEAR, SRGB_CURVE = 8, 13


@dataclass(slots=True)
class JxlHead:
    """What the header says."""

    width: int = 0
    height: int = 0
    bits: int = 8
    floating: bool = False
    orientation: int = 1
    animated: bool = False
    alpha: str = ""
    """Empty, straight or premultiplied: the first extra channel."""
    extras: int = 0
    xyb: bool = True
    """Whether it is coded in XYB, so that the decoder makes the colours."""
    icc: bool = False
    """Whether a profile is compressed inside the codestream."""
    space: int = 0
    white: int = D65
    primaries: int = SRGB_PRIMARIES
    curve: int = SRGB_CURVE
    gamma: float | None = None
    xy: tuple[float, ...] = ()
    """Own white point and primaries as x, y pairs, as far as they are given."""


class _Bits:
    """Fields of a codestream: least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def u(self, bits: int) -> int:
        """A whole number of so many bits."""
        self._left -= bits
        if self._left < 0:
            raise PictureFault("truncated", "JPEG XL header: it ends too early")
        value = self._value & ((1 << bits) - 1)
        self._value >>= bits
        return value

    def flag(self) -> bool:
        """One bit."""
        return bool(self.u(1))

    def choice(self, table: tuple[tuple[int, int], ...]) -> int:
        """U32: one of four (offset, bits)."""
        offset, bits = table[self.u(2)]
        return offset + self.u(bits)


def read_head(codestream: bytes) -> JxlHead:
    """Read SizeHeader and ImageMetadata.

    Args:
        codestream: at least its first bytes, from 0xff0a.

    Raises:
        PictureFault: truncated, unreadable.
    """
    if codestream[:2] != b"\xff\x0a":
        raise PictureFault("unreadable", "JPEG XL header: no codestream")
    bits, head = _Bits(codestream[2:HEAD_BYTES]), JxlHead()
    head.height, head.width = _size(bits)
    if bits.flag():  # all as by default
        return head
    if bits.flag():
        _extra_fields(bits, head)
    head.bits, head.floating = _depth(bits)
    bits.flag()  # whether 16-bit buffers suffice
    head.extras = bits.choice(((0, 0), (1, 0), (2, 4), (1, 12)))
    kinds = [_extra_channel(bits) for _ in range(head.extras)]
    head.alpha = kinds[0] if kinds else ""
    head.xyb = bits.flag()
    _colours(bits, head)
    return head


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.flag()
    height = 8 * (bits.u(5) + 1) if small else bits.choice(SIZES)
    ratio = bits.u(3)
    if ratio:
        return height, int(height * RATIOS[ratio])
    return height, 8 * (bits.u(5) + 1) if small else bits.choice(SIZES)


def _extra_fields(bits: _Bits, head: JxlHead) -> None:
    head.orientation = bits.u(3) + 1
    if bits.flag():  # a size to be shown at
        _size(bits)
    if bits.flag():  # a preview
        eights = bits.flag()
        table = ((16, 0), (32, 0), (1, 5), (33, 9)) if eights else _PREVIEW
        bits.choice(table)
        if not bits.u(3):
            bits.choice(table)
    head.animated = bits.flag()
    if head.animated:
        bits.choice(((100, 0), (1000, 0), (1, 10), (1, 30)))
        bits.choice(((1, 0), (1001, 0), (1, 8), (1, 10)))
        bits.choice(((0, 0), (0, 3), (0, 16), (0, 32)))
        bits.flag()


_PREVIEW: Final = ((1, 6), (65, 8), (321, 10), (1345, 12))


def _depth(bits: _Bits) -> tuple[int, bool]:
    floating = bits.flag()
    if not floating:
        return bits.choice(((8, 0), (10, 0), (12, 0), (1, 6))), False
    depth = bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)))
    bits.u(4)  # the exponent's
    return depth, True


def _extra_channel(bits: _Bits) -> str:
    """What kind of alpha it is; "other" for any other channel."""
    if bits.flag():
        return "straight"
    kind = bits.choice(ENUM)
    _depth(bits)
    bits.choice(((0, 0), (3, 0), (4, 0), (1, 3)))
    bits.u(8 * bits.choice(((0, 0), (0, 4), (16, 5), (48, 10))))
    if kind == ALPHA:
        return "premultiplied" if bits.flag() else "straight"
    if kind == SPOT:
        bits.u(64)
    elif kind == CFA:
        bits.choice(((1, 0), (0, 2), (3, 4), (19, 8)))
    return "other"


def _colours(bits: _Bits, head: JxlHead) -> None:
    if bits.flag():  # sRGB
        return
    head.icc = bits.flag()
    head.space = bits.choice(ENUM)
    if head.icc:
        return
    if head.space != XYB:
        head.white = bits.choice(ENUM)
        if head.white == CUSTOM:
            head.xy += _xy(bits)
        if head.space != GREY:
            head.primaries = bits.choice(ENUM)
            if head.primaries == CUSTOM:
                head.xy += _xy(bits) + _xy(bits) + _xy(bits)
    if bits.flag():
        head.gamma = bits.u(24) / 1e7
    else:
        head.curve = bits.choice(ENUM)


def _xy(bits: _Bits) -> tuple[float, float]:
    """Signed numbers, folded into unsigned ones, in millionths."""
    folded = [bits.choice(XY) for _ in range(2)]
    x, y = ((n >> 1) ^ -(n & 1) for n in folded)
    return x / 1e6, y / 1e6


def codestream_of(data: bytes) -> tuple[bytes, bytes | None]:
    """The beginning of the codestream, and EXIF, of a file with or without boxes.

    Raises:
        PictureFault: truncated.
    """
    if data[:2] == b"\xff\x0a":
        return data[:HEAD_BYTES], None
    stream, exif = b"", None
    for kind, start, end in _boxes(data):
        if kind == b"jxlc":
            stream = stream or data[start : min(end, start + HEAD_BYTES)]
        elif kind == b"jxlp" and len(stream) < HEAD_BYTES:
            stream += data[start + 4 : min(end, start + 4 + HEAD_BYTES)]
        elif kind == b"Exif":
            skip = int.from_bytes(data[start : start + 4], "big")
            exif = data[start + 4 + skip : end] or None
    if not stream:
        raise PictureFault("truncated", "JPEG XL header: no codestream")
    return stream, exif


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the contents begin and end, of each box."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = min(len(data), at + size) if size else len(data)
        if end <= at:
            return
        yield kind, start, end
        at = end
