"""A grey JPEG's coded luminance beside chroma: decoded as grey it is the master, bit for bit."""

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from archive_colorizer.imaging.coded_luma import (
    DRI,
    colour_body,
    grey_body,
    read_grey,
    read_luma_of,
    same_luma,
)
from archive_colorizer.imaging.decode import read_luma, upright
from archive_colorizer.imaging.grey_profile import (
    colour_profile,
    masters_profile,
    read_tags,
    write_profile,
)
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.profiles import gray_table, rgb_to_srgb, srgb_profile
from archive_colorizer.imaging.reversible import Reversible, compose_reversible
from archive_colorizer.imaging.samples import Heard

START = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
KINDS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"quality": 97, "restart_marker_blocks": 2},
    {"progressive": True, "restart_marker_rows": 1, "quality": 30},
    {"qtables": [[1 + i for i in range(64)]], "optimize": True},
]


def cells(ab_2hw: np.ndarray) -> NetworkMap:
    """Chroma as a network says it."""
    return NetworkMap.of_pixels(np.moveaxis(ab_2hw, 0, 2))


def rough(height: int, width: int, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 25, (height, width))
    return np.asarray(np.clip(np.cumsum(steps, 1) + 128, 0, 255).astype(np.uint8))


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", **options)
    return sink.getvalue()


def grey_of(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE
                                   | cv2.IMREAD_IGNORE_ORIENTATION))  # fmt: skip


def with_factors(data: bytes, factors: int) -> bytes:
    """The same file with other sampling factors: of one component they say nothing."""
    at = data.index(b"\xff\xc0")
    return data[: at + 11] + bytes((factors,)) + data[at + 12 :]


@pytest.mark.parametrize("options", KINDS)
def test_decoded_as_grey_it_is_its_master_at_any_size(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    for height, width in [(1, 1), (1, 40), (7, 9), (8, 8), (9, 16), (15, 17), (16, 33), (40, 3),
                          (23, 25), (31, 32), (33, 1), (24, 40)]:  # fmt: skip
        master = jpeg(rough(height, width), **options)
        half = (-(-height // 2), -(-width // 2))
        cb, cr = (np.full(half, value, np.uint8) for value in rng.integers(90, 166, 2))
        made = START + colour_body(read_grey(master), cb, cr, 90)
        assert np.array_equal(grey_of(made), grey_of(master)), (height, width)
        with Image.open(io.BytesIO(made)) as picture:
            assert picture.size == (width, height)
            ycc = np.asarray(picture.convert("YCbCr")).astype(int)
        inside = np.abs(grey_of(master).astype(int) - 128) < 40
        if inside.any():
            assert np.abs(ycc[inside][:, 1:] - (cb[0, 0], cr[0, 0])).max() <= 4
        assert same_luma(master, made)
        off = START + grey_body(read_luma_of(made))
        assert np.array_equal(grey_of(off), grey_of(master))
        assert read_grey(off).scans == read_grey(master).scans


@pytest.mark.parametrize("factors", [0x11, 0x21, 0x22, 0x41])
def test_sampling_factors_of_a_single_component_do_not_matter(factors: int) -> None:
    master = with_factors(jpeg(rough(37, 51)), factors)
    flat = np.full((19, 26), 120, np.uint8)
    made = START + colour_body(read_grey(master), flat, flat, 80)
    assert np.array_equal(grey_of(made), grey_of(master))


def test_a_restart_interval_of_the_master_does_not_hold_for_the_chroma() -> None:
    master = jpeg(rough(64, 64), restart_marker_blocks=3)
    rng = np.random.default_rng(2)
    cb = rng.integers(60, 200, (32, 32)).astype(np.uint8)
    made = START + colour_body(read_grey(master), cb, cb, 95)
    assert made.count(bytes((0xFF, DRI))) == 2
    (plane, *_) = np.moveaxis(np.asarray(Image.open(io.BytesIO(made)).convert("YCbCr")), 2, 0)
    assert np.array_equal(grey_of(made), grey_of(master))
    assert plane.shape == (64, 64)
    other = START + colour_body(read_grey(jpeg(rough(64, 64))), cb, cb, 95)
    chroma = [Image.open(io.BytesIO(one)).convert("YCbCr").getchannel(1) for one in (made, other)]
    assert np.array_equal(*(np.asarray(one) for one in chroma))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (jpeg(np.zeros((8, 8, 3), np.uint8)), "3 components"),
        (jpeg(rough(40, 40))[:-2], "end mark"),
        (jpeg(rough(40, 40)).replace(b"\xff\xc0", b"\xff\xc9"), "arithmetic"),
    ],
)
def test_what_takes_no_chroma_is_refused_with_why(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_grey(data)


def test_one_other_coefficient_is_another_luminance() -> None:
    pixels = rough(40, 40)
    flat = np.full((20, 20), 128, np.uint8)
    made = START + colour_body(read_grey(jpeg(pixels)), flat, flat, 90)
    pixels[3, 3] ^= 128
    assert not same_luma(jpeg(pixels), made)
    assert not same_luma(jpeg(rough(40, 40), quality=74), made)
    assert not same_luma(jpeg(rough(40, 40)), made[: len(made) // 2])


def dot_gain() -> bytes:
    """A grey profile with a curve of its own: sRGB's header, its white, a gamma of 1.2."""
    tags = read_tags(srgb_profile())
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.2 * 256)) + bytes(2)
    kept = {name: tags[name] for name in (b"desc", b"cprt", b"wtpt")} | {b"kTRC": curve}
    icc = bytearray(write_profile(srgb_profile()[:128], kept))
    icc[16:20] = b"GRAY"
    return bytes(icc)


def test_a_grey_profile_becomes_a_colour_one_with_its_tone_curve() -> None:
    icc = dot_gain()
    made = colour_profile(icc)
    ImageCms.ImageCmsProfile(io.BytesIO(made))
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    shown, table = rgb_to_srgb(ramp, made), gray_table(icc)
    assert shown is not None
    assert table is not None
    wanted = np.rint(table[np.arange(256) * 257] / 257)
    assert np.abs(wanted - np.arange(256)).max() > 20
    assert np.abs(shown[0].astype(int) - wanted[:, None]).max() <= 1
    assert masters_profile(made) == icc
    assert colour_profile(None) == colour_profile(b"broken" * 30) == srgb_profile()
    assert masters_profile(srgb_profile()) is masters_profile(None) is masters_profile(b"x") is None


def composed(master: bytes, ab: np.ndarray) -> Reversible:
    source = io.BytesIO(master)
    header = read_header(source, max_megapixels=1)
    made = compose_reversible(source, header, cells(ab), "bilinear", Heard())
    assert made is not None
    return made


def rgb_of(luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    size = luma.shape[::-1]
    ycc = cv2.merge([luma, *(cv2.resize(one, size) for one in (cr, cb))])
    return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))


def test_colours_are_the_same_under_a_profile_as_without_one() -> None:
    icc = dot_gain()
    table = gray_table(icc)
    assert table is not None
    pixels = cv2.GaussianBlur(rough(64, 96), (0, 0), 6)
    ab = np.full((2, 32, 48), 12, np.float32)
    made = composed(jpeg(pixels, quality=100, icc_profile=icc), ab)
    in_srgb = np.rint(table[pixels.astype(int) * 257] / 257).astype(np.uint8)
    plain = composed(jpeg(in_srgb, quality=100), ab)
    wanted = rgb_of(*plain.ycc_planes()).astype(int)

    def gap(planes: tuple[np.ndarray, ...]) -> float:
        shown = rgb_to_srgb(rgb_of(*planes), made.icc)
        assert shown is not None
        return float(np.abs(shown.astype(int) - wanted).mean())

    assert gap(made.ycc_planes()) < 2
    as_it_was = made.luma_hw, *made.composed.ycc_planes()[1:]
    assert gap(as_it_was) > 2 * gap(made.ycc_planes())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_chroma_lies_where_the_picture_does_whatever_its_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    master = jpeg(np.full((48, 64), 128, np.uint8), exif=exif)
    header = read_header(io.BytesIO(master), max_megapixels=1)
    assert header.orientation == orientation
    height, width = header.upright_size
    ab = np.zeros((2, height // 2, width // 2), np.float32)
    ab[0, : height // 8, : width // 8] = 40  # the upright picture's top left corner is red
    made = composed(master, ab)
    assert np.array_equal(made.luma_hw, grey_of(master))
    _, _, cr = made.ycc_planes()
    shown = upright(cr, header)
    rows, columns = shown.shape
    assert shown[: rows // 8, : columns // 8].min() > 145
    assert np.abs(shown[rows // 2 :, columns // 2 :].astype(int) - 128).max() <= 1
    assert read_luma(io.BytesIO(master), header).pixels.shape == (height, width)


def test_a_header_with_stray_bytes_is_told_and_no_hindrance() -> None:
    master = jpeg(rough(40, 40)).replace(b"\xff\xdb", b"\0\0\xff\xdb", 1)
    header, heard = read_header(io.BytesIO(master), max_megapixels=1), Heard()
    ab = np.zeros((2, 20, 20), np.float32)
    made = compose_reversible(io.BytesIO(master), header, cells(ab), "guided", heard)
    assert made is not None
    assert heard.words
    assert not heard.damaged
    assert np.array_equal(grey_of(START + made.body(made.ycc_planes(), 90)), grey_of(master))


def test_other_masters_and_damaged_ones_have_no_such_form() -> None:
    ab = np.zeros((2, 20, 20), np.float32)
    whole = jpeg(rough(160, 160), quality=95)
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\xff\xd9"
    rgb = jpeg(np.zeros((40, 40, 3), np.uint8))
    sink = io.BytesIO()
    Image.fromarray(rough(40, 40)).save(sink, "PNG")
    for master in (damaged, rgb, sink.getvalue()):
        source = io.BytesIO(master)
        header = read_header(source, max_megapixels=1)
        assert compose_reversible(source, header, cells(ab), "guided", Heard()) is None
