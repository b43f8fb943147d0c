"""Headers and lumas of every format that is read, and the traps that each has."""

import io
import zlib

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging import colour, tone
from archive_colorizer.imaging.decode import read_luma, read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import Carried, build_xmp, carried_exif, find_row_id
from archive_colorizer.imaging.profiles import srgb_profile


def gray(height: int = 60, width: int = 90) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return ((2 * x + 3 * y) % 251).astype(np.uint8)


def deep() -> np.ndarray:
    return gray().astype(np.uint16) * 257 + 3


def saved(pixels: np.ndarray, name: str, **options: object) -> io.BytesIO:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, name, **options)
    return sink


def tiff(pixels: np.ndarray, **options: object) -> io.BytesIO:
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, **options)
    return sink


def luma(source: io.BytesIO) -> np.ndarray:
    return read_luma(source, read_header(source)).pixels


@pytest.mark.parametrize("name", ["PNG", "BMP", "GIF", "TIFF"])
def test_lossless_grey_comes_back_as_it_was(name: str) -> None:
    source = saved(gray(), name)
    header = read_header(source)
    assert (header.format, header.width, header.height, header.n_pages) == (name, 90, 60, 1)
    assert np.array_equal(luma(source), gray())


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_lossy_grey_comes_back_nearly(name: str) -> None:
    smooth = cv2.GaussianBlur(gray(), (0, 0), 4)
    assert np.abs(luma(saved(smooth, name, quality=95)).astype(int) - smooth).mean() < 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"tile": (32, 32)},
        {"rowsperstrip": 7},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
)
@pytest.mark.parametrize("pixels", [gray(), deep()])
def test_tiff_of_either_depth_in_every_layout(pixels: np.ndarray, options: dict) -> None:
    source = tiff(pixels, photometric="minisblack", **options)
    assert read_header(source).bits_per_sample == 8 * pixels.itemsize
    assert np.array_equal(luma(source), pixels)


@pytest.mark.parametrize("pixels", [gray(), deep()])
def test_white_is_zero_is_turned_round(pixels: np.ndarray) -> None:
    source = tiff(~pixels, photometric="miniswhite")
    assert np.array_equal(luma(source), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_48_bit_tiff_stays_16_bit(planar: str) -> None:
    rgb = np.repeat(deep()[..., None], 3, axis=2)
    pixels = rgb if planar == "contig" else np.moveaxis(rgb, -1, 0)
    source = tiff(np.ascontiguousarray(pixels), photometric="rgb", planarconfig=planar)
    found = luma(source)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - deep()).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_stays_16_bit(channels: int) -> None:
    pixels = deep() if channels == 1 else np.repeat(deep()[..., None], 3, axis=2)
    source = io.BytesIO(imagecodecs.png_encode(pixels))
    found = luma(source)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - deep()).max() <= 1


def test_pages_are_counted_and_reduced_copies_are_not() -> None:
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink) as writer:
        writer.write(gray(), photometric="minisblack")
        writer.write(gray()[::2, ::2], subfiletype=1, photometric="minisblack")
        writer.write(gray()[::-1], photometric="minisblack")
    assert read_header(sink).n_pages == 2
    assert np.array_equal(luma(sink), gray())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "TIFF", "PNG"])
def test_orientation_is_applied_as_pillow_does(orientation: int, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if name == "TIFF":
        source = tiff(gray(), extratags=[(274, 3, 1, orientation, True)], photometric="minisblack")
    else:
        source = saved(gray(), name, exif=exif)
    stored = Image.open(io.BytesIO(source.getvalue()))
    expected = np.asarray(ImageOps.exif_transpose(stored))
    assert np.array_equal(luma(source), expected)
    assert read_header(source).upright_size == expected.shape


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.02, 0.97), name=st.sampled_from(["JPEG", "PNG", "TIFF"]))
def test_a_cut_file_is_never_a_picture(share: float, name: str) -> None:
    data = (
        tiff(gray(200, 300), photometric="minisblack") if name == "TIFF"
        else saved(gray(200, 300), name)
    ).getvalue()  # fmt: skip
    source = io.BytesIO(data[: int(len(data) * share)])
    with pytest.raises(PictureFault) as caught:
        luma(source)
    assert caught.value.kind in {"truncated", "unreadable"}
    assert "\n" not in str(caught.value)


def test_a_jpeg_with_stray_bytes_before_its_end_is_still_read() -> None:
    data = saved(gray(), "JPEG").getvalue()
    assert luma(io.BytesIO(data[:-2] + b"\0\0\0" + data[-2:])).shape == (60, 90)


@pytest.mark.parametrize("data", [b"", b"<!doctype html>", b"\0" * 100, b"GIF89a", b"BM"])
def test_what_is_no_picture_is_unreadable_or_cut(data: bytes) -> None:
    with pytest.raises(PictureFault) as caught:
        luma(io.BytesIO(data))
    assert caught.value.kind in {"unreadable", "truncated"}


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400), start=st.sampled_from(
    [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"RIFF0000WEBP", b"GIF89a", b"BM"]
))  # fmt: skip
def test_hostile_bytes_are_a_fault_of_the_picture(start: bytes, data: bytes) -> None:
    with pytest.raises(PictureFault):
        luma(io.BytesIO(start + data))


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    data = bytearray(saved(gray(), "PNG").getvalue())
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    with pytest.raises(PictureFault, match="2500 megapixels") as caught:
        read_header(io.BytesIO(bytes(data)))
    assert caught.value.kind == "too_large"


def test_cmyk_needs_a_profile_that_can_be_used() -> None:
    pixels = Image.fromarray(np.repeat(gray()[..., None], 3, axis=2)).convert("CMYK")
    for profile, kind in ((None, "unsupported"), (b"broken", "bad_icc")):
        sink = io.BytesIO()
        pixels.save(sink, "JPEG", icc_profile=profile)
        with pytest.raises(PictureFault) as caught:
            luma(sink)
        assert caught.value.kind == kind


def test_an_rgb_profile_is_applied_and_srgb_is_left_alone() -> None:
    rgb = np.repeat(gray()[..., None], 3, axis=2)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = saved(rgb, "PNG", icc_profile=lab)
    assert read_luma(source, read_header(source)).icc_status == "ignored"
    broken = saved(rgb, "PNG", icc_profile=b"nothing of the kind")
    found = read_luma(broken, read_header(broken))
    assert found.icc_status == "broken"
    assert np.array_equal(found.pixels, gray())
    assert srgb_profile() == srgb_profile()


def test_a_reduced_picture_keeps_the_wanted_short_side() -> None:
    for source in (saved(gray(600, 900), "JPEG"), tiff(gray(600, 900), photometric="minisblack")):
        reduced = read_reduced(source, read_header(source), 128).pixels
        assert 128 <= min(reduced.shape) < 600


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 900), (256, 384)), ((100, 80), (100, 80)), ((300, 30_000), (8, 512)), ((1, 1), (8, 8))],
)
def test_a_proxys_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert tone.proxy_size(*size, 256) == expected


def test_tones_are_told_apart() -> None:
    flat = np.repeat(gray()[..., None], 3, axis=2)
    assert tone.tone_class(gray())[0] == "neutral"
    assert tone.tone_class(flat)[0] == "neutral"
    sepia = np.clip(flat * np.array([1.0, 0.85, 0.65]), 0, 255).astype(np.uint8)
    assert tone.tone_class(sepia)[0] == "toned"
    for name, rgb in colour_photographs():
        assert tone.tone_class(rgb)[0] == "colour", name


def test_the_hash_is_stable_and_tells_mirrored_pictures_apart() -> None:
    assert tone.dhash64(gray()) == tone.dhash64(gray())
    assert tone.dhash64(gray()) != tone.dhash64(np.ascontiguousarray(gray()[:, ::-1]))


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_lab_and_back_is_the_same_colour(r: int, g: int, b: int) -> None:
    pixel = np.array([[[r, g, b]]], np.uint8)
    back = colour.lab_to_rgb(colour.rgb_to_lab(pixel)) * 255
    assert np.abs(back - pixel).max() < 1


@given(st.floats(0, 1))
def test_the_tone_curve_and_its_inverse(value: float) -> None:
    assert abs(float(colour.encode_srgb(colour.decode_srgb(np.array(value)))) - value) < 1e-4


def test_grey_has_no_colourfulness() -> None:
    assert colour.colourfulness(np.repeat(gray()[..., None], 3, axis=2)) == 0


@given(st.text(max_size=40))
def test_whatever_a_name_holds_the_xmp_stays_xml(text: str) -> None:
    from xml.etree import ElementTree

    packet = build_xmp({"rowId": "a" * 64, "sourceUri": text})
    ElementTree.fromstring(  # noqa: S314 (our own)
        packet.decode().split("?>", 1)[1].rsplit("<?", 1)[0]
    )
    assert find_row_id(io.BytesIO(b"junk" + packet)) == "a" * 64


def test_a_foreign_file_has_no_row_id_and_broken_exif_is_left_behind() -> None:
    assert find_row_id(saved(gray(), "JPEG")) is None
    header = read_header(saved(gray(), "JPEG", exif=b"Exif\0\0broken"))
    assert carried_exif(header) == Carried(b"", lost=True)
