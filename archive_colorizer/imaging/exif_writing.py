"""EXIF and TIFF directories, cut to a size and written, values as they were."""

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from archive_colorizer.imaging.exif import (
    COLOR_SPACE,
    EXIF_IFD,
    IFD8,
    LONG,
    MAKER_NOTE,
    MARK,
    RATIONAL,
    RESOLUTION,
    SHORT,
    UNDEFINED,
    Directory,
    Entry,
    Exif,
    Order,
)

_WORDS: Final = {3: 2, 8: 2, 4: 4, 5: 4, 9: 4, 10: 4, 11: 4, 13: 4, 12: 8, 16: 8, 17: 8, 18: 8}
"""Bytes that change places with the byte order, by type."""


def fit(exif: Exif, limit: int) -> Exif:
    """Leave out entries, the largest first, until a block has at most `limit` bytes."""
    total = len(MARK) + 8 + sum(_cost(entry) for entry in _walk(exif.root))
    if total <= limit:
        return exif
    places = sorted(_places(exif.root), key=lambda one: -len(one[2].data))
    kept = _copy(exif.root)
    for path, code, entry in places:
        if total <= limit:
            break
        del _below(kept, path)[code]
        total -= _cost(entry)
    return Exif(exif.order, _pruned(kept), lost=exif.lost or bool(places))


def _below(directory: Directory, path: tuple[int, ...]) -> Directory:
    """The directory at the end of a path of pointers."""
    for code in path:
        below = directory[code]
        assert isinstance(below, dict)
        directory = below
    return directory


def _pruned(directory: Directory) -> Directory:
    """Without directories that have become empty."""
    below = {
        code: _pruned(value) if isinstance(value, dict) else value
        for code, value in directory.items()
    }
    return {code: value for code, value in below.items() if value}


def _copy(directory: Directory) -> Directory:
    return {
        code: _copy(value) if isinstance(value, dict) else value
        for code, value in directory.items()
    }


def _walk(directory: Directory) -> Iterator[Entry]:
    """Every entry, and an empty one for each directory's own bytes."""
    yield Entry(UNDEFINED, bytes(18))
    for value in directory.values():
        if isinstance(value, dict):
            yield from _walk(value)
        else:
            yield value


def _places(
    directory: Directory, path: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], int, Entry]]:
    for code, value in directory.items():
        if isinstance(value, dict):
            yield from _places(value, (*path, code))
        else:
            yield path, code, value


def _cost(entry: Entry) -> int:
    """Bytes that an entry takes in a block."""
    return 12 + (len(entry.data) + len(entry.data) % 2 if len(entry.data) > 4 else 0)


def write_block(exif: Exif, limit: int = 1 << 32, *, keep_note: bool = True) -> bytes:
    """Write an EXIF block, with its mark; empty where there is nothing in it.

    Args:
        exif: what to write.
        limit: bytes that the block may have; it is not checked without a maker's note.
        keep_note: leave a maker's note where it was in the master's block, if the limit allows: its
            own offsets often count from the start of that.
    """
    if not any(True for _ in _places(exif.root)):
        return b""
    below = exif.root.get(EXIF_IFD)
    note = below.get(MAKER_NOTE) if isinstance(below, dict) else None
    if keep_note and isinstance(note, Entry) and 8 <= note.place <= limit - len(note.data):
        block = _write(exif, note)
        if len(block) <= limit:
            return block
    return _write(exif, None)


def _write(exif: Exif, note: Entry | None) -> bytes:
    writer = Writer(exif.order, 8, note)
    root = writer.directory(exif.root)
    mark = b"II*\0" if exif.order == "<" else b"MM\0*"
    return MARK + mark + struct.pack(exif.order + "I", root) + writer.data()


class Writer:
    """Lays out directories from a place on."""

    def __init__(
        self, order: Order, start: int, note: Entry | None = None, *, big: bool = False
    ) -> None:
        self._order, self._start, self._end, self._big = order, start, start, big
        self._note = note
        self._parts: list[tuple[int, bytes]] = []

    def directory(self, directory: Directory) -> int:
        """Lay out a directory and those below it; gives its place."""
        count, entry, pointer = ("Q", "HHQ8s", "Q") if self._big else ("H", "HHI4s", "I")
        order, cell_size = self._order, 8 if self._big else 4
        sizes = (struct.calcsize("=" + one) for one in (count, entry, pointer))
        head, each, tail = sizes
        at = self._take(head + each * len(directory) + tail)
        table = struct.pack(order + count, len(directory))
        for code, value in sorted(directory.items()):
            if isinstance(value, dict):
                kind, number = IFD8 if self._big else LONG, 1
                cell = struct.pack(order + pointer, self.directory(value))
            else:
                kind, number, cell = value.kind, value.length, value.data
                if len(cell) > cell_size:
                    cell = struct.pack(order + pointer, self._value(value))
            table += struct.pack(order + entry, code, kind, number, cell)
        self._parts.append((at, table + bytes(tail)))
        return at

    def _value(self, value: Entry) -> int:
        at = value.place if value is self._note else self._take(len(value.data))
        self._parts.append((at, value.data))
        return at

    def _take(self, size: int) -> int:
        """The next free place, on a word boundary and beside the maker's note."""
        at = self._end + self._end % 2
        if self._note:
            begin, end = self._note.place, self._note.place + len(self._note.data)
            if at < end and at + size > begin:
                at = end + end % 2
        self._end = at + size
        return at

    def data(self) -> bytes:
        """All that was laid out, from the first place on."""
        end = max((at + len(data) for at, data in self._parts), default=self._start)
        whole = bytearray(end - self._start)
        for at, data in self._parts:
            whole[at - self._start : at - self._start + len(data)] = data
        return bytes(whole)


def to_little_endian(exif: Exif) -> Directory:
    """The directories with their values in little-endian byte order."""
    return _swapped(exif.root) if exif.order == ">" else exif.root


def _swapped(directory: Directory) -> Directory:
    return {
        code: _swapped(value) if isinstance(value, dict) else _swap(value)
        for code, value in directory.items()
    }


def _swap(entry: Entry) -> Entry:
    width = _WORDS.get(entry.kind, 1)
    data = np.frombuffer(entry.data, np.uint8).reshape(-1, width)[:, ::-1].tobytes()
    return entry._replace(data=data)


def put_number(exif: Exif, code: int, value: int) -> None:
    """Set a SHORT of the first directory."""
    exif.root[code] = Entry(SHORT, struct.pack(exif.order + "H", value))


def put_srgb(exif: Exif) -> None:
    """Set ColorSpace, if there is one: a derivative is sRGB, whatever its master is."""
    below = exif.root.get(EXIF_IFD)
    if isinstance(below, dict) and COLOR_SPACE in below:
        below[COLOR_SPACE] = Entry(SHORT, struct.pack(exif.order + "H", 1))


def leave_out(exif: Exif, mark: bytes) -> None:
    """Leave out values that have a mark in them."""
    for path, code, entry in list(_places(exif.root)):
        if mark in entry.data:
            del _below(exif.root, path)[code]
            exif.lost = True
    exif.root = _pruned(exif.root)


def put_resolution(exif: Exif, dpi: tuple[float, float]) -> None:
    """Set the resolution, in dots an inch."""
    for code, value in zip(RESOLUTION, dpi, strict=False):
        number = struct.pack(exif.order + "II", min(round(value * 100), 0xFFFFFFFF), 100)
        exif.root[code] = Entry(RATIONAL, number)
    put_number(exif, RESOLUTION[2], 2)
