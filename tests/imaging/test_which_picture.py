"""Which picture of a file is the scan, what its samples mean, and what is refused by name."""

import io

import imagecodecs
import layouts
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from archive_colorizer.imaging.decode import luma_of, read_luma, read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.formats import ENDINGS
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.profiles import enumerated_profile, is_srgb, srgb_profile

SRGB = ((0.3127, 0.3290), (0.64, 0.33, 0.30, 0.60, 0.15, 0.06))
GREY = layouts.quantized(layouts.scene(96, 128), 8)
PREVIEW = np.ascontiguousarray(GREY[::8, ::8])


def luma(data: bytes, page: int = 0) -> np.ndarray:
    source = io.BytesIO(data)
    return read_luma(source, read_header(source, page=page)).pixels


def fault(data: bytes, page: int = 0) -> PictureFault:
    with pytest.raises(PictureFault) as caught:
        luma(data, page)
    return caught.value


def pages(*written: tuple[np.ndarray, int, int]) -> bytes:
    """A TIFF of (pixels, NewSubfileType, how many of the next are its SubIFDs)."""
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink) as writer:
        for pixels, kind, below in written:
            writer.write(pixels, photometric="minisblack", subfiletype=kind, subifds=below,
                         metadata=None)  # fmt: skip
    return sink.getvalue()


@pytest.mark.parametrize(
    "written",
    [
        [(PREVIEW, 1, 0), (GREY, 0, 0)],
        [(PREVIEW, 1, 1), (GREY, 0, 0)],
        [(GREY, 0, 0), (PREVIEW, 1, 0)],
        [(GREY, 0, 1), (PREVIEW, 1, 0)],
        [(PREVIEW, 1, 2), (PREVIEW, 1, 0), (GREY, 0, 0)],
    ],
)
def test_the_scan_is_read_and_never_its_preview(written: list) -> None:
    data = pages(*written)
    assert read_header(io.BytesIO(data)).n_pages == 1
    assert np.array_equal(luma(data), GREY)


def test_pages_are_scans_and_are_read_by_their_number() -> None:
    other = 255 - GREY[:40]
    data = pages((PREVIEW, 1, 0), (GREY, 2, 0), (PREVIEW, 1, 0), (other, 2, 0))
    header = read_header(io.BytesIO(data), page=1)
    assert (header.n_pages, header.page, header.height) == (2, 1, 40)
    assert np.array_equal(luma(data, 0), GREY)
    assert np.array_equal(luma(data, 1), other)
    assert "page 2: the TIFF has 2" in str(fault(data, 2))


def test_a_file_of_previews_alone_is_refused() -> None:
    found = fault(pages((PREVIEW, 1, 0)))
    assert found.kind == "unsupported"
    assert "nothing but previews" in str(found)


def bare(segments: list[bytes], *tags: tuple) -> bytes:
    return layouts.tiff(segments, GREY.shape, (259, 3, 1), (278, 4, 96), *tags)


def test_without_photometric_interpretation_black_is_first_or_it_is_refused() -> None:
    grey = bare([GREY.tobytes()], (258, 3, 8), (277, 3, 1))
    assert np.array_equal(luma(grey), GREY)
    rgb = bare([np.dstack([GREY] * 3).tobytes()], (258, 3, (8, 8, 8)), (277, 3, 3))
    assert read_header(io.BytesIO(rgb)).photometric == "rgb"
    assert np.array_equal(luma(rgb), GREY)
    fax = layouts.faxed(GREY > 110, "group4")
    found = fault(layouts.tiff([fax], GREY.shape, (258, 3, 1), (259, 3, 4), (277, 3, 1),
                               (278, 4, 96)))  # fmt: skip
    assert found.kind == "unsupported"
    assert "PhotometricInterpretation" in str(found)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_samples_in_words_of_16_bits_have_the_depth_that_is_stated(bits: int) -> None:
    deep = layouts.quantized(GREY / 255, bits)
    words = deep.astype("<u2").tobytes()
    by_depth = bare([words], (258, 3, bits), (262, 3, 1), (277, 3, 1))
    by_most = bare([words], (258, 3, 16), (262, 3, 1), (277, 3, 1), (281, 3, (1 << bits) - 1))
    for data in (by_depth, by_most):
        assert read_header(io.BytesIO(data)).bits_per_sample == bits
        assert np.abs(luma(data) / 65535 - GREY / 255).max() <= 1 / (1 << bits)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (bare([b"\0" * 49152], (258, 3, 32), (262, 3, 1), (277, 3, 1), (339, 3, 3)),
         "unsupported", "floating-point"),
        (bare([bytes(GREY.size)], (258, 3, 8), (262, 3, 32803), (277, 3, 1)),
         "unsupported", "camera raw"),
        (bare([bytes(3 * GREY.size)], (258, 3, (8, 8, 8)), (262, 3, 8), (277, 3, 3)),
         "unsupported", "CIELab"),
        (layouts.tiff([b"\0"], GREY.shape, (258, 3, 8), (259, 3, 6), (262, 3, 1), (277, 3, 1)),
         "unsupported", "old-style JPEG"),
        (b"\0\0\0\x18ftypheic" + bytes(200), "unsupported", "HEIC"),
        (b"\0\0\0\x18ftypcrx " + bytes(200), "unsupported", "camera raw"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(200), "unsupported", "Canon CR2"),
        (b"8BPS\0\1" + bytes(200), "unsupported", "Photoshop"),
        (bytes(128) + b"DICM" + bytes(200), "unsupported", "DICOM"),
        (b"<!doctype html>", "unreadable", "not a picture"),
        (b"\xff\xd8\xff\xf7\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0\xff\xda\0\2", "unsupported",
         "JPEG-LS"),
        (b"\xff\xd8\xff\xc5\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0\xff\xda\0\2", "unsupported",
         "hierarchical"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_by_name(data: bytes, kind: str, words: str) -> None:
    found = fault(data)
    assert (found.kind, words in str(found)) == (kind, True)


def profiled(pixels: np.ndarray, icc: bytes) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG", icc_profile=icc)
    return sink.getvalue()


def named(icc: bytes, old: str, new: str) -> bytes:
    return icc.replace(old.encode("utf-16-be"), new.encode("utf-16-be"))


def test_srgb_is_known_by_its_content_and_not_by_its_name() -> None:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = named(plain, "sRGB", "sXYZ")
    assert other != plain
    linear = enumerated_profile(*SRGB, 1.0, grey=False)
    assert [is_srgb(one) for one in (plain, srgb_profile(), other, linear)] == [True] * 3 + [False]
    rgb = np.dstack([GREY] * 3)
    for pixels in (GREY, rgb):
        source = io.BytesIO(profiled(pixels, other))
        assert read_luma(source, read_header(source)).icc_status == "ignored"
        source = io.BytesIO(profiled(pixels, linear))
        found = read_luma(source, read_header(source))
        assert found.icc_status == "used"
        wanted = np.where(GREY / 255 <= 0.0031308, 12.92 * GREY / 255,
                          1.055 * (GREY / 255) ** (1 / 2.4) - 0.055)  # fmt: skip
        assert np.abs(found.pixels / 255 - wanted).max() < 0.02
        reduced = read_reduced(source, read_header(source), 1000)
        assert np.abs(luma_of(reduced.pixels) / 255 - wanted).max() < 0.02


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_of_a_jpeg_xl_is_in_its_codestream(turn: int) -> None:
    stored = layouts.turned(GREY, turn)
    data = turned_jxl(bytes(imagecodecs.jpegxl_encode(stored, lossless=True)), turn)
    source = io.BytesIO(data)
    header = read_header(source)
    assert header.orientation == turn
    assert header.upright_size == GREY.shape
    assert np.array_equal(read_luma(source, header).pixels, GREY)
    assert np.array_equal(imagecodecs.jpegxl_decode(data), GREY)  # libjxl's own turning


def turned_jxl(data: bytes, turn: int) -> bytes:
    """Write an orientation into the codestream of an 8-bit grey picture of `imagecodecs`.

    After the size: "not all as by default", "no extra fields", and 22 bits of depth and colours;
    then three more bits and the filling up to a byte. Extra fields want a tone mapping, too.
    """
    bits = "".join(f"{byte:08b}"[::-1] for byte in data[2:])
    at = size_bits(bits)
    assert bits[at : at + 2] == "00"
    colours, rest = bits[at + 2 : at + 24], bits[at + 24 : at + 27]
    frame = -(-(at + 27) // 8) * 8
    head = bits[:at] + "01" + f"{turn - 1:03b}"[::-1] + "000" + colours + "1" + rest
    head += "0" * (-len(head) % 8)
    return (
        data[:2]
        + bytes(int(head[n : n + 8][::-1], 2) for n in range(0, len(head), 8))
        + (data[2 + frame // 8 :])
    )


def size_bits(bits: str) -> int:
    """How many bits the size takes."""

    def side(at: int) -> int:
        if bits[0] == "1":
            return at + 5
        return at + 2 + (9, 13, 18, 30)[int(bits[at : at + 2][::-1], 2)]

    at = side(1)
    return at + 3 if "1" in bits[at : at + 3] else side(at + 3)


def test_new_formats_are_listed_by_their_endings() -> None:
    assert {".jp2", ".j2k", ".jpx", ".jpf", ".jpc", ".jxl"} <= ENDINGS


def test_jpeg_2000_and_xl_are_measured_before_they_are_decoded() -> None:
    for data in (
        imagecodecs.jpeg2k_encode(GREY, codecformat="jp2"),
        imagecodecs.jpegxl_encode(GREY),
    ):
        with pytest.raises(PictureFault) as caught:
            read_header(io.BytesIO(bytes(data)), max_megapixels=0.01)
        assert caught.value.kind == "too_large"


SEEDS = [cell.data for cell in layouts.cells()][::9]


@settings(max_examples=500, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_changed_header_gives_a_picture_or_a_named_fault(
    seed: bytes, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(seed)
    for place, value in flips:
        data[place % len(data)] = value
    source = io.BytesIO(bytes(data))
    try:
        header = read_header(source, max_megapixels=4)
        whole = read_luma(source, header).pixels
        reduced = read_reduced(source, header, 24).pixels
    except PictureFault as error:
        assert " at 0x" not in str(error)  # noqa: PT017
        return
    assert whole.shape == header.upright_size
    assert reduced.size
