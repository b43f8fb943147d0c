"""Directories of EXIF: what is read of them, cut from them, and written again."""

import io
import struct

import described
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_colorizer.imaging import exif, exif_writing
from archive_colorizer.imaging.exif import Directory, Entry, Exif

KINDS = sorted(exif.SIZES.keys() - exif.BIG_ONLY)


@st.composite
def directories(draw: st.DrawFn, depth: int = 2) -> Directory:
    """Directories as other programs could have written them."""
    codes = draw(st.lists(st.integers(0x9000, 0x92FF), max_size=6, unique=True))
    found: Directory = {}
    for code in codes:
        kind = draw(st.sampled_from(KINDS))
        number = draw(st.integers(1, 9))
        size = number * exif.SIZES[kind]
        found[code] = Entry(kind, draw(st.binary(min_size=size, max_size=size)))
    if depth and draw(st.booleans()):
        below = draw(directories(depth - 1))
        if below:
            found[exif.EXIF_IFD if depth == 2 else exif.INTEROP_IFD] = below
    return found


def bare(directory: Directory) -> Directory:
    """Without where values stood."""
    return {
        code: bare(value) if isinstance(value, dict) else value._replace(place=0)
        for code, value in directory.items()
    }


@given(directories(), st.sampled_from("<>"))
def test_what_is_written_is_read_again(root: Directory, order: exif.Order) -> None:
    block = exif_writing.write_block(Exif(order, root))
    found = exif.read_block(block) if block else Exif(order)
    assert (found.order, bare(found.root), found.lost) == (order, root, False)


@given(directories(), st.integers(40, 400))
def test_what_is_cut_fits_and_loses_the_largest_first(root: Directory, limit: int) -> None:
    whole = Exif("<", root)
    cut = exif_writing.fit(whole, limit)
    block = exif_writing.write_block(cut)
    assert len(block) <= limit or not any(len(e.data) > 4 for e in flat(cut.root))
    kept, before = flat(cut.root), flat(root)
    assert cut.lost == (len(kept) < len(before))
    dropped = len(before) - len(kept)
    sizes = sorted((len(entry.data) for entry in before), reverse=True)
    assert sorted(len(entry.data) for entry in kept) == sorted(sizes[dropped:])


def flat(directory: Directory) -> list[Entry]:
    found: list[Entry] = []
    for value in directory.values():
        found += flat(value) if isinstance(value, dict) else [value]
    return found


@given(directories())
def test_byte_orders_say_the_same(root: Directory) -> None:
    swapped = exif_writing.to_little_endian(Exif(">", root))
    assert exif_writing.to_little_endian(Exif(">", swapped)) == root


@settings(max_examples=400)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=12))
def test_a_changed_block_is_read_as_far_as_it_goes(flips: list[tuple[int, int]]) -> None:
    block = bytearray(described.exif().tobytes())
    for place, value in flips:
        block[place % len(block)] = value
    found = exif.read_block(bytes(block))
    again = exif_writing.write_block(found)
    if again:
        assert exif.read_block(again).root.keys() == found.root.keys()


@pytest.mark.parametrize(
    ("code", "kind", "data", "sound"),
    [
        (271, exif.ASCII, "Müller\0".encode(), True),
        (271, exif.UTF8, "Müller\0".encode(), True),
        (271, exif.LONG, b"\xff\xff\xff\xff", False),
        (296, exif.LONG, struct.pack("<I", 4_000_000_000), False),
        (296, exif.LONG, struct.pack("<I", 2), True),
        (296, exif.RATIONAL, struct.pack("<II", 2, 1), False),
        (270, exif.ASCII, b"x" * (exif.MAX_ROOT_VALUE + 1), False),
    ],
)
def test_a_value_that_its_tag_cannot_have_is_lost_alone(
    code: int, kind: int, data: bytes, *, sound: bool
) -> None:
    neighbour = Entry(exif.ASCII, b"nobody\0")
    block = exif_writing.write_block(Exif("<", {315: neighbour, code: Entry(kind, data)}))
    found = exif.read_block(block)
    assert found.lost == (not sound)
    assert bare(found.root)[315] == neighbour
    if code not in exif.STRUCTURE:
        assert (code in found.root) == sound


def test_of_a_picture_only_what_describes_is_read_and_its_strips_are_not() -> None:
    found = exif.read_directories(io.BytesIO(described.master("tiff")), descriptive=True)
    assert {270, 271, 306, 315, exif.EXIF_IFD, exif.GPS_IFD} == found.root.keys()


def test_a_directory_in_itself_and_one_of_thousands_end() -> None:
    block = bytearray(
        exif_writing.write_block(Exif("<", {exif.EXIF_IFD: {0x9000: Entry(7, b"0230")}}))
    )
    at = block.index(struct.pack("<HHI", exif.EXIF_IFD, 4, 1)) + 8
    block[at : at + 4] = struct.pack("<I", 8)
    assert exif.read_block(bytes(block)).lost
    many = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x9000, 7, 4, 1) * 65_535
    found = exif.read_block(many)
    assert found.lost
    assert len(found.root) == 1


def test_a_pointer_of_no_known_kind_is_lost_alone() -> None:
    entries = struct.pack("<HHII", exif.EXIF_IFD, 0, 0, 0) + struct.pack(
        "<HHI4s", 315, 2, 4, b"abc\0"
    )
    found = exif.read_block(b"II*\0\x08\0\0\0\2\0" + entries)
    assert found.lost
    assert bare(found.root) == {315: Entry(exif.ASCII, b"abc\0")}
