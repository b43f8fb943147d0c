"""Damage is seen: a file with missing or changed pixels fails, or says what its decoder said."""

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import imagecodecs
import layouts
import numpy as np
import pytest
import tifffile
from PIL import Image

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.decode import Decoded, read_luma, read_reduced
from archive_colorizer.imaging.decoders.jpeg_shift import find_shift
from archive_colorizer.imaging.faults import PictureFault, one_line
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.profiles import enumerated_profile

PHOTOGRAPHS = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for _, rgb in colour_photographs()]
TILE, VISIBLE = 64, 20
"""Damage is visible where the mean difference in a tile is above that; pixels, levels of 255."""
SEEN = 0.93
"""Share of visibly damaged JPEGs that must fail or be flagged."""


def grey(height: int = 900, width: int = 1200) -> np.ndarray:
    grain = np.random.default_rng(2).normal(0, 9, (height, width))
    return (layouts.scene(height, width) * 255 + grain).clip(0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", **{"quality": 88, **options})
    return sink.getvalue()


def read(data: bytes) -> Decoded:
    source = io.BytesIO(data)
    return read_luma(source, read_header(source))


def fault(data: bytes) -> PictureFault:
    with pytest.raises(PictureFault) as caught:
        read(data)
    return caught.value


def test_a_jpeg_that_lacks_nothing_but_its_end_mark_is_whole_and_flagged() -> None:
    data = jpeg(grey())
    cut = read(data[:-2])
    assert np.array_equal(cut.pixels, read(data).pixels)
    assert cut.damaged
    assert cut.warnings == ("Premature end of JPEG file",)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_that_ends_within_its_pixels_is_truncated(share: float, options: dict) -> None:
    data = jpeg(grey(), **options)
    assert fault(data[: int(len(data) * share)]).kind == "truncated"


def test_a_lost_interval_and_a_sector_of_zeros_are_told() -> None:
    marked = jpeg(grey(), restart_marker_rows=1)
    lost = marked[: marked.find(b"\xff\xd3")] + marked[marked.find(b"\xff\xd4") :]
    zeroed = bytearray(jpeg(grey(), progressive=True))
    at = len(zeroed) // 3
    zeroed[at : at + 4096] = bytes(4096)
    for data in (lost, zeroed):
        found = read(bytes(data))
        assert found.damaged
        assert found.warnings
        assert all("\n" not in words for words in found.warnings)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shift_is_seen_whatever_the_profile(channels: int) -> None:
    shifted = grey().astype(int)
    shifted[:304] += 30
    high = 8 if channels == 1 else 16  # of a minimum coded unit
    shifted[304 : 304 + high, :496] += 30
    pixels = shifted.clip(0, 255).astype(np.uint8)
    pixels = pixels if channels == 1 else np.dstack([pixels] * 3)
    white, primaries = (0.3127, 0.3290), (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    icc = enumerated_profile(white, primaries, 1.8, grey=channels == 1)
    for profile in (None, icc):
        found = read(jpeg(pixels, icc_profile=profile, subsampling=2, quality=95))
        assert found.icc_status == ("used" if profile else "none")
        assert found.damaged


def test_what_libjpeg_says_is_heard_in_the_reduced_reading_too() -> None:
    marked = jpeg(grey(), restart_marker_rows=1)
    lost = io.BytesIO(marked[: marked.find(b"\xff\xd3")] + marked[marked.find(b"\xff\xd4") :])
    reduced = read_reduced(lost, read_header(lost), 256)
    assert reduced.damaged
    assert "marker 0xd4" in reduced.warnings[0]


def test_an_oddity_of_the_header_is_told_and_is_no_damage() -> None:
    data = jpeg(grey())
    at = data.find(b"\xff\xdb")
    odd = read(data[:at] + b"\0\0\0" + data[at:])
    assert np.array_equal(odd.pixels, read(data).pixels)
    assert not odd.damaged
    assert "extraneous bytes" in odd.warnings[0]


def rotten(number: int) -> Iterator[tuple[bytes, bytes]]:
    """Sound JPEGs and the same with flipped bits, a cut tail, or a sector of zeros, by turns."""
    rng = np.random.default_rng(17)
    for n in range(number):
        pixels = PHOTOGRAPHS[n % len(PHOTOGRAPHS)]
        options = {"quality": int(rng.integers(75, 96)), "progressive": rng.random() < 0.25}
        colour = pixels if n % 3 else np.dstack([pixels] * 3)
        sound = jpeg(colour, **options)
        data, start = bytearray(sound), sound.find(b"\xff\xda") + 12
        if n % 4 == 0:
            data = data[: int(rng.integers(start, len(data) - 2))]
        elif n % 4 == 1:
            at = int(rng.integers(start, len(data) - 1026))
            data[at : at + 1024] = bytes(1024)
        else:
            for _ in range(int(rng.integers(1, 9))):
                data[rng.integers(start, len(data) - 2)] ^= 1 << int(rng.integers(0, 8))
        yield sound, bytes(data)


def is_visible(sound: np.ndarray, found: np.ndarray) -> bool:
    gap = np.abs(sound.astype(np.float32) - found)
    high, wide = (n // TILE for n in gap.shape)
    tiles = gap[: high * TILE, : wide * TILE].reshape(high, TILE, wide, TILE)
    return bool(tiles.mean(axis=(1, 3)).max() > VISIBLE)


def test_visible_damage_of_jpegs_fails_or_is_flagged() -> None:
    seen = []
    for sound, data in rotten(200):
        whole = read(sound)
        assert not whole.damaged
        try:
            found = read(data)
        except PictureFault:
            seen.append(True)
            continue
        if is_visible(whole.pixels, found.pixels):
            seen.append(found.damaged)
    assert len(seen) > 100
    assert np.mean(seen) >= SEEN


@pytest.mark.parametrize("block", [(8, 8), (16, 16), (8, 16)])
def test_a_shift_of_all_blocks_after_one_is_found_and_photographs_have_none(
    block: tuple[int, int],
) -> None:
    high, wide = block
    for photograph in (np.tile(pixels, (2, 3)) for pixels in PHOTOGRAPHS):
        photograph = cv2.convertScaleAbs(photograph, alpha=0.7, beta=30)
        assert find_shift(photograph, block) is None
        rows, columns = photograph.shape[0] // high, photograph.shape[1] // wide
        first = (rows // 3) * columns + columns // 3
        later = np.arange(rows * columns).reshape(rows, columns) >= first
        shift = np.kron(later, np.full(block, 25)).astype(int)
        shifted = photograph.astype(int)
        shifted[: rows * high, : columns * wide] += shift
        assert find_shift(shifted.clip(0, 255).astype(np.uint8), block) == rows // 3 * high


@pytest.mark.parametrize("kind", ["PNG", "JPEG2000", "JXL", "WEBP", "GIF", "BMP", "TIFF", "deep"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_cut_file_of_any_format_fails(kind: str, share: float) -> None:
    pixels = grey(200, 300)
    if kind == "JXL":
        data = bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    elif kind == "deep":
        data = bytes(imagecodecs.jpeg8_encode(pixels.astype(np.uint16) * 16, bitspersample=12))
    else:
        sink = io.BytesIO()
        Image.fromarray(pixels).save(sink, kind)
        data = sink.getvalue()
    assert fault(data[: int(len(data) * share)]).kind in {"truncated", "unreadable"}


def test_a_png_is_damaged_in_its_pixels_alone() -> None:
    sink = io.BytesIO()
    Image.fromarray(grey(200, 300)).save(sink, "PNG")
    sound = sink.getvalue()
    changed = bytearray(sound)
    changed[len(changed) // 2] ^= 1
    assert fault(bytes(changed)).kind == "unreadable"
    no_end = read(sound[:-12])
    assert no_end.damaged
    assert np.array_equal(no_end.pixels, grey(200, 300))
    history = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(9_000_000))
    for extra in (layouts.chunk(b"iTXt", history), layouts.chunk(b"tEXt", b"a\0b")[:-4] + b"rot!"):
        beside = read(sound[:33] + extra + sound[33:])
        assert not beside.damaged
        assert np.array_equal(beside.pixels, grey(200, 300))


def test_a_jpeg_within_a_tiff_is_heard() -> None:
    sink = io.BytesIO()
    tifffile.imwrite(sink, grey(), compression="jpeg", rowsperstrip=304, metadata=None)
    data = bytearray(sink.getvalue())
    assert not read(bytes(data)).damaged
    with tifffile.TiffFile(io.BytesIO(sink.getvalue())) as file:
        at = file.pages[0].dataoffsets[1] + file.pages[0].databytecounts[1] // 2
    data[at : at + 512] = bytes(512)
    try:
        assert read(bytes(data)).damaged
    except PictureFault as error:
        assert error.kind in {"truncated", "unreadable"}  # noqa: PT017


def test_no_message_has_an_address_in_memory() -> None:
    assert one_line(f"cannot read {object()!r} at\n 5") == "cannot read at 5"
    assert one_line("<_io.BytesIO object at 0x7f1234567890>: 0xd9") == ": 0xd9"
    broken = struct.pack("<2sHIH", b"BM", 0, 0, 0) + bytes(40)
    assert "0x" not in str(fault(broken))
