"""Pyramidal TIFF and WebP as other programs read them, and the sizes that they have."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging import tiff_writing
from archive_colorizer.imaging.compose import Planes, WholePicture
from archive_colorizer.imaging.decode import read_colours
from archive_colorizer.imaging.encode import Settings, encode
from archive_colorizer.imaging.exif import ASCII, EXIF_IFD, Entry, Exif
from archive_colorizer.imaging.exif_writing import write_block
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import Tags, build_xmp, find_labels
from archive_colorizer.imaging.quality import Meter
from archive_colorizer.imaging.reduced import reduce_to

FIELDS = {"rowId": "a" * 64}
BLOCK = write_block(
    Exif(
        root={315: Entry(ASCII, b"A. Photographer\0"), EXIF_IFD: {0x9003: Entry(ASCII, b"1931\0")}}
    )
)
TAGS = Tags(xmp=build_xmp(FIELDS), dpi=(300.0, 300.0), exif=BLOCK)


def drawn(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    planes = (120 + 90 * np.sin(x / 29), 120 + 90 * np.sin(y / 37), 120 + 90 * np.cos((x + y) / 53))
    return np.stack(planes, axis=2).astype(np.uint8)


def encoded(pixels: NDArray[Any], how: Settings, tags: Tags = TAGS) -> bytes:
    sink = io.BytesIO()
    encode(WholePicture(pixels), sink, how, tags, Meter(np.zeros(pixels.shape[:2], np.uint8)))
    return sink.getvalue()


@pytest.mark.parametrize(("height", "width", "levels"), [
    (1, 1, 0), (256, 256, 0), (257, 20, 1), (700, 513, 2), (1025, 300, 3),
])  # fmt: skip
@pytest.mark.parametrize("tiles", ["deflate", "jpeg"])
def test_libvips_reads_every_level(height: int, width: int, levels: int, tiles: Any) -> None:
    pixels = drawn(height, width)
    data = encoded(pixels, Settings("ptif", tiles=tiles))
    whole = pyvips.Image.new_from_buffer(data, "")
    near = 12 if tiles == "jpeg" else 0
    assert np.abs(whole.numpy().astype(int) - pixels).max() <= near
    assert whole.get("n-subifds") == levels if levels else "n-subifds" not in whole.get_fields()
    assert whole.get("xmp-data") == TAGS.xmp
    before = whole.numpy()
    for number in range(levels):
        level = pyvips.Image.new_from_buffer(data, "", subifd=number).numpy()
        even = np.pad(before, [(0, side % 2) for side in before.shape[:2]] + [(0, 0)], "edge")
        blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3).mean(axis=(1, 3))
        assert level.shape == blocks.shape
        assert np.abs(level - blocks).max() <= (24 if tiles == "jpeg" else 1)
        before = level
    assert max(before.shape) <= 256


def test_deep_pictures_keep_their_depth() -> None:
    data = encoded(drawn(300, 400), Settings("ptif", bits=16))
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        assert [level.dtype for level in tiff.series[0].levels] == [np.uint16, np.uint16]
        assert np.array_equal(tiff.asarray() // 257, drawn(300, 400))
    data = encoded(drawn(300, 400), Settings("ptif", bits=16, tiles="jpeg"))
    assert read_header(io.BytesIO(data)).bits_per_sample == 8


def test_levels_are_no_pages_and_metadata_stand_before_the_pixels() -> None:
    data = encoded(drawn(600, 900), Settings("ptif"))
    header = read_header(io.BytesIO(data))
    assert (header.n_pages, header.dpi_x, header.icc) == (1, 300.0, TAGS.icc)
    assert find_labels(io.BytesIO(data[:8192]))["rowId"] == "a" * 64
    exif = Image.open(io.BytesIO(data)).getexif()
    assert exif[315] == "A. Photographer"
    assert exif.get_ifd(0x8769)[0x9003] == "1931"
    assert np.array_equal(read_colours(io.BytesIO(data), header).pixels, drawn(600, 900))


def test_what_would_be_too_large_for_a_tiff_is_a_bigtiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_writing, "BIGTIFF_BYTES", 600 * 900 * 4 - 1)
    data = encoded(drawn(600, 900), Settings("ptif"))
    assert data[:4] == b"II+\0"
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        assert tiff.pages.first.tags["ExifTag"].value["DateTimeOriginal"] == "1931"
    assert pyvips.Image.new_from_buffer(data, "", subifd=1).width == 225
    monkeypatch.setattr(tiff_writing, "BIGTIFF_BYTES", 600 * 900 * 4)
    assert encoded(drawn(600, 900), Settings("ptif"))[:4] == b"II*\0"


def test_a_webp_says_what_the_others_say() -> None:
    pixels = drawn(301, 203)
    lossy, lossless = (encoded(pixels, Settings("webp", 90, lossless=one)) for one in (False, True))
    for data in (lossy, lossless):
        (size,) = struct.unpack("<I", data[4:8])
        assert size == len(data) - 8
        picture = Image.open(io.BytesIO(data))
        assert picture.size == (203, 301)
        assert (picture.info["icc_profile"], picture.info["xmp"]) == (TAGS.icc, TAGS.xmp)
        assert picture.getexif()[315] == "A. Photographer"
        assert find_labels(io.BytesIO(data[:8192]))["rowId"] == "a" * 64
        assert pyvips.Image.new_from_buffer(data, "").get("xmp-data") == TAGS.xmp
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(lossless))), pixels)
    gap = np.abs(np.asarray(Image.open(io.BytesIO(lossy)), int) - pixels)
    assert 0 < gap.mean() < 4
    plain = encoded(pixels, Settings("webp"), Tags(dpi=(254.0, 254.0)))
    assert read_header(io.BytesIO(plain)).dpi_x == 254.0


class _Huge:
    """A picture that is as large as it says, and gives no pixels."""

    def __init__(self, height: int, width: int) -> None:
        self.luma_hw = np.broadcast_to(np.uint8(0), (height, width))

    def ycc_planes(self) -> Planes:
        raise AssertionError("refused before")

    def rgb_strips(self, bits: int, rows: int) -> Any:
        raise AssertionError("refused before")


@pytest.mark.parametrize(("form", "side"), [("webp", 16383), ("jpeg", 65500)])
def test_a_picture_that_is_too_large_is_refused_in_one_line(form: Any, side: int) -> None:
    with pytest.raises(PictureFault, match=f"10 x {side + 1} pixels: a .* at most {side} a side"):
        encode(_Huge(side + 1, 10), io.BytesIO(), Settings(form), TAGS)
    with pytest.raises(AssertionError, match="refused before"):
        encode(_Huge(side, 10), io.BytesIO(), Settings(form), TAGS)


@pytest.mark.parametrize("size", [(1, 5), (40, 1000), (999, 1000), (1000, 999), (333, 100)])
@pytest.mark.parametrize("longest", [1, 100, 400, 5000])
def test_a_reduced_picture_has_its_longest_side(size: tuple[int, int], longest: int) -> None:
    small = reduce_to(WholePicture(drawn(*size)), longest).rgb_hw3
    assert max(small.shape[:2]) == min(longest, max(size))
    scale = min(1, longest / max(size))
    assert small.shape[:2] == tuple(max(1, round(side * scale)) for side in size)
    if longest > 1:
        assert np.abs(small.mean(axis=(0, 1)) - drawn(*size).mean(axis=(0, 1))).max() < 3
