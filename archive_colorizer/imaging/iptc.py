"""IPTC-IIM (IPTC Information Interchange Model 4.2): datasets, and the blocks that hold them.

JPEG and Photoshop keep them in an image resource block (8BIM 0x0404), TIFF in tag 33723.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

PHOTOSHOP: Final = b"Photoshop 3.0\0"
"""Leads an APP13 segment of JPEG that holds image resources."""
RESOURCE: Final = 0x0404
INSTRUCTIONS, CAPTION, CHARSET = (2, 40), (2, 120), (1, 90)
UTF8_CHARSET: Final = b"\x1b%G"


class DataSet(NamedTuple):
    """One dataset."""

    record: int
    number: int
    data: bytes

    @property
    def name(self) -> tuple[int, int]:
        """Record and number."""
        return self.record, self.number

    def encode(self) -> bytes:
        """Write it; over 32,767 bytes with an extended length."""
        size = len(self.data)
        length = struct.pack(">H", size) if size < 0x8000 else struct.pack(">HI", 0x8004, size)
        return struct.pack(">BBB", 0x1C, self.record, self.number) + length + self.data


def read_datasets(block: bytes) -> tuple[list[DataSet], bool]:
    """Read datasets until the block ends or makes no sense.

    Returns:
        The datasets, and whether all of the block was understood (zeros at its end are padding).
    """
    found: list[DataSet] = []
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        start = at + 5
        if size & 0x8000:
            width = size & 0x7FFF
            size = int.from_bytes(block[start : start + width], "big") if width <= 4 else 1 << 40
            start += width
        if start + size > len(block):
            return found, False
        found.append(DataSet(record, number, block[start : start + size]))
        at = start + size
    return found, not block[at:].strip(b"\0")


def write_datasets(datasets: list[DataSet], limit: int = 1 << 32) -> tuple[bytes, bool]:
    """Write datasets, without the largest ones where all would take more than `limit` bytes.

    Returns:
        The block, and whether all are in it.
    """
    encoded = [one.encode() for one in datasets]
    total = sum(map(len, encoded))
    for i in sorted(range(len(encoded)), key=lambda i: -len(encoded[i])):
        if total <= limit:
            break
        total -= len(encoded[i])
        encoded[i] = b""
    return b"".join(encoded), all(encoded)


def text_of(datasets: list[DataSet], name: tuple[int, int]) -> str:
    """The first text of a name; empty for none."""
    utf8 = any(one.name == CHARSET and one.data == UTF8_CHARSET for one in datasets)
    for one in datasets:
        if one.name == name:
            return decode_text(one.data, utf8=utf8).strip("\0 \r\n")
    return ""


def decode_text(data: bytes, *, utf8: bool = False) -> str:
    """Decode text of no certain encoding: UTF-8 where it is that, else Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace") if utf8 else data.decode("latin-1")


def read_resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Read Photoshop's image resources (Adobe Photoshop File Formats, 2019), those that are whole.

    Yields:
        Id and data of each.
    """
    at = 0
    while block[at : at + 4] in (b"8BIM", b"PHUT", b"AgHg", b"DCSR", b"MeSa"):
        name = at + 6
        if name >= len(block):
            return
        start = name + 1 + block[name]
        start += (start - name) % 2
        if start + 4 > len(block):
            return
        (identity,) = struct.unpack_from(">H", block, at + 4)
        (size,) = struct.unpack_from(">I", block, start)
        data = block[start + 4 : start + 4 + size]
        if len(data) < size:
            return
        yield identity, data
        at = start + 4 + size + size % 2


def write_resource(data: bytes) -> bytes:
    """Write datasets as an image resource."""
    head = b"8BIM" + struct.pack(">HHI", RESOURCE, 0, len(data))
    return head + data + bytes(len(data) % 2)
