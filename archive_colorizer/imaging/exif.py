"""EXIF and TIFF directories, entry by entry, as they are read; `exif_writing` writes them.

Values are never interpreted: text in whatever encoding, numbers of any kind and a maker's note come
out as they went in. Structure: TIFF 6.0 (Adobe 1992), BigTIFF (libtiff), EXIF 3.0 (CIPA DC-008).
"""

import io
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from PIL import TiffTags

MARK: Final = b"Exif\0\0"
"""Leads an EXIF block in JPEG; elsewhere it may be missing."""
EXIF_IFD, GPS_IFD, INTEROP_IFD = 34665, 34853, 40965
ORIENTATION: Final = 274
RESOLUTION: Final = (282, 283, 296)
COLOR_SPACE: Final = 0xA001
MAKER_NOTE: Final = 0x927C
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, IFD8, UTF8 = 1, 2, 3, 4, 5, 7, 18, 129
SIZES: Final[Mapping[int, int]] = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8, 129: 1,
}  # fmt: skip
"""Bytes of a value by its type; 129 is EXIF 3.0's UTF-8."""
BIG_ONLY: Final = frozenset({16, 17, 18})
STRUCTURE: Final = frozenset(
    {
        *range(254, 260), 262, 263, 264, 265, 266, 273, 274, *range(277, 285), 286, 287,
        *range(288, 294), 296, 301, 317, 318, 319, 320, 321, *range(322, 326), 330,
        *range(332, 348), *range(512, 522), *range(529, 533), 700, 33723, 34377, 34675,
    }
)  # fmt: skip
"""Tags of the first directory that say how the master's pixels are stored, or that hold a block
which is carried by itself: of a derivative they would be wrong."""
DESCRIPTIVE: Final = frozenset(
    {269, 270, 271, 272, 285, 297, 305, 306, 315, 316, 33432, *range(40091, 40096), 18246, 18249}
)
"""Tags of a TIFF's first directory that EXIF has too: texts, dates, Windows' texts, ratings."""
_OF_MASTER: Final = frozenset({0xA002, 0xA003})
"""Width and height in the EXIF directory: the derivative's own are in its header."""
MAX_ENTRIES: Final = 4096
MAX_BYTES: Final = 4 << 20
"""Of all values together; a larger block is cut."""
MAX_ROOT_VALUE: Final = 60_000
"""Bytes of a value in the first directory: a TIFF has these before our labels."""
_BELOW: Final[Mapping[int, Mapping[int, str]]] = {
    0: {EXIF_IFD: "EXIF", GPS_IFD: "GPS"},
    EXIF_IFD: {INTEROP_IFD: "interoperability"},
}
"""Pointers to directories, by the directory that they stand in."""
_POINTERS: Final = frozenset({EXIF_IFD, GPS_IFD, INTEROP_IFD})
_OF_PICTURES: Final = DESCRIPTIVE | _POINTERS

Order: TypeAlias = Literal["<", ">"]


class Entry(NamedTuple):
    """A value as it is stored."""

    kind: int
    """Type, a key of SIZES."""
    data: bytes
    place: int = 0
    """Where in its block it was."""

    @property
    def length(self) -> int:
        """How many values it has."""
        return len(self.data) // SIZES[self.kind]


Directory: TypeAlias = "dict[int, Entry | Directory]"


@dataclass(slots=True)
class Exif:
    """Directories with the byte order that their values are in."""

    order: Order = "<"
    root: Directory = field(default_factory=dict)
    lost: bool = False
    """Whether something could not be read, or was left out."""

    @property
    def caption(self) -> bytes:
        """ImageDescription, as it is stored; empty for none."""
        entry = self.root.get(270)
        return entry.data.rstrip(b"\0 ") if isinstance(entry, Entry) else b""


def read_block(block: bytes) -> Exif:
    """Read an EXIF block, with or without its mark; whatever is broken in it is left out."""
    return read_directories(io.BytesIO(block.removeprefix(MARK)))


def read_directories(source: BinaryIO, *, descriptive: bool = False, at: int = 0) -> Exif:
    """Read the first directory of a TIFF structure, and those below it.

    Args:
        source: at its byte order mark; a TIFF file or an EXIF block.
        descriptive: take of the first directory only what is DESCRIPTIVE: the source is a picture.
        at: place of the directory that is read in place of the first; 0 is the first.

    Returns:
        What is sound; `lost` says that there was more. Values that say how pixels are stored are
        passed over.
    """
    reader = _Reader(source)
    if reader.first:
        reader.exif.root = reader.directory(at or reader.first, 0, descriptive=descriptive)
    return reader.exif


def read_entries(
    source: BinaryIO, wanted: Collection[int], at: int = 0
) -> tuple[dict[int, tuple[Entry, int]], Exif]:
    """Read single entries of a TIFF structure's first directory, pictures' structure too.

    Args:
        source: at its byte order mark.
        wanted: their tags.
        at: place of the directory that is read in place of the first.

    Returns:
        By tag the value, and the place of the entry's own twelve (BigTIFF: twenty) bytes; and an
        Exif that has nothing but the byte order, and whether something could not be read.
    """
    reader = _Reader(source)
    first = at or reader.first
    found = reader.entries(first, wanted) if first else ()
    return {code: (entry, place) for code, entry, place in found}, reader.exif


class _Reader:
    """Reads directories from a handle."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        source.seek(0, io.SEEK_END)
        self._size = source.tell()
        source.seek(0)
        head = source.read(16)
        order: Order = ">" if head[:2] == b"MM" else "<"
        self.exif = Exif(order)
        self.big = head[2:4] in (b"+\0", b"\0+")
        self.first = 0
        self._left = MAX_BYTES
        self._seen: set[int] = set()
        if head[:2] in (b"II", b"MM") and len(head) >= (16 if self.big else 8):
            where = head[8:16] if self.big else head[4:8]
            (self.first,) = struct.unpack(order + ("Q" if self.big else "I"), where)
        else:
            self.exif.lost = True

    def directory(self, offset: int, group: int, *, descriptive: bool = False) -> Directory:
        """Read a directory, and what is below it."""
        found: Directory = {}
        for code, entry, _ in self.entries(offset, _OF_PICTURES if descriptive else None):
            if code in _BELOW.get(group, {}):
                if below := self._below(code, entry):
                    found[code] = below
            elif code in _POINTERS:
                self.exif.lost = True
            else:
                self._put(found, code, entry, group)
        return found

    def _below(self, code: int, entry: Entry) -> Directory:
        try:
            kind = "I" if SIZES[entry.kind] == 4 else "Q"
            (offset,) = struct.unpack(self.exif.order + kind, entry.data)
        except struct.error:
            self.exif.lost = True
            return {}
        return self.directory(offset, code)

    def _put(self, found: Directory, code: int, entry: Entry, group: int) -> None:
        if entry.kind in BIG_ONLY or (group == 0 and not self._is_sound(code, entry)):
            self.exif.lost = True
        elif (group == 0 and code in STRUCTURE) or (group == EXIF_IFD and code in _OF_MASTER):
            return
        elif entry.data:
            found[code] = entry

    def _is_sound(self, code: int, entry: Entry) -> bool:
        """Whether a value is of a kind that its tag can have: other readers stumble over it."""
        if len(entry.data) > MAX_ROOT_VALUE:
            return False
        declared = TiffTags.lookup(code).type
        if declared == ASCII:
            return entry.kind in (BYTE, ASCII, UNDEFINED, UTF8)
        if declared != SHORT or entry.kind in (BYTE, SHORT):
            return True
        values = np.frombuffer(entry.data, self.exif.order + "u4") if entry.kind == LONG else None
        return values is not None and bool((values <= 0xFFFF).all())

    def entries(
        self, offset: int, wanted: Collection[int] | None = None
    ) -> Iterator[tuple[int, Entry, int]]:
        """Read the entries of one directory, those that can be read; None wants all."""
        count_format, entry_format = ("Q", "HHQ8s") if self.big else ("H", "HHI4s")
        order = self.exif.order
        head = self._read(offset, struct.calcsize("=" + count_format))
        if offset in self._seen or not head:
            self.exif.lost = True
            return
        self._seen.add(offset)
        (count,) = struct.unpack(order + count_format, head)
        start, size = offset + len(head), struct.calcsize("=" + entry_format)
        table = self._read(start, size * min(count, MAX_ENTRIES), partly=True)
        if len(table) < size * count:
            self.exif.lost = True
        whole = len(table) - len(table) % size
        for i, raw in enumerate(struct.iter_unpack(order + entry_format, table[:whole])):
            code, kind, number, cell = raw
            if wanted is not None and code not in wanted:
                continue
            entry = self._entry(kind, number, cell, start + i * size + size - len(cell))
            if entry is None:
                self.exif.lost = True
            else:
                yield code, entry, start + i * size

    def _entry(self, kind: int, count: int, cell: bytes, place: int) -> Entry | None:
        if kind not in SIZES:
            return None
        size = count * SIZES[kind]
        if size <= len(cell):
            return Entry(kind, cell[:size], place)
        (offset,) = struct.unpack(self.exif.order + ("Q" if len(cell) == 8 else "I"), cell)
        data = self._read(offset, size)
        return Entry(kind, data, offset) if data else None

    def _read(self, offset: int, size: int, *, partly: bool = False) -> bytes:
        """Bytes of the source; empty where they are not all there, or too many."""
        if size > self._left or offset >= self._size or (offset + size > self._size and not partly):
            return b""
        self._source.seek(offset)
        data = self._source.read(size)
        self._left -= len(data)
        return data


def read_resolution(block: bytes) -> tuple[float, float] | None:
    """The dots an inch that an EXIF block states; None where it states none."""
    held, exif = read_entries(io.BytesIO(block.removeprefix(MARK)), RESOLUTION)
    values = [held[code][0].data for code in RESOLUTION[:2] if code in held]
    if len(values) < 2 or any(len(one) != SIZES[RATIONAL] for one in values):
        return None
    unit = held[RESOLUTION[2]][0].data[:2] if RESOLUTION[2] in held else None
    codes = {
        None: 1.0,
        struct.pack(exif.order + "H", 2): 1.0,
        struct.pack(exif.order + "H", 3): 2.54,
    }
    pairs = [struct.unpack(exif.order + "II", one) for one in values]
    if unit not in codes or not all(below for _, below in pairs):
        return None
    x, y = (codes[unit] * above / below for above, below in pairs)
    return x, y
