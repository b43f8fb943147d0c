"""The visible mark: letters that are drawn, and a picture that stays as it is outside of them."""

import io

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging import encode
from archive_colorizer.imaging.compose import compose
from archive_colorizer.imaging.encode import Settings
from archive_colorizer.imaging.mark import (
    UNKNOWN,
    Marked,
    _open_font,
    draw_label,
    find_font,
    list_missing,
    mark,
)
from archive_colorizer.imaging.metadata import Tags

KOREAN = "AI 채색"


def composed(height: int, width: int, top_value: int = 255) -> encode.Encodable:
    rng = np.random.default_rng(height * width)
    dtype = np.uint8 if top_value == 255 else np.uint16
    luma = rng.integers(0, top_value + 1, (height, width)).astype(dtype)
    ab = rng.normal(0, 30, (2, max(1, height // 4), max(1, width // 4))).astype(np.float32)
    return compose(luma, ab)


def encoded(picture: encode.Encodable, how: Settings) -> np.ndarray:
    sink = io.BytesIO()
    encode.encode(picture, sink, how, Tags())
    if how.bits == 16:
        import imagecodecs

        read = imagecodecs.png_decode if how.format == "png" else imagecodecs.tiff_decode
        return np.asarray(read(sink.getvalue()))
    return np.array(Image.open(sink).convert("RGB"))


LOSSLESS = [Settings("png"), Settings("png", bits=16), Settings("tiff"), Settings("tiff", bits=16)]


@pytest.mark.parametrize("how", LOSSLESS, ids=str)
@pytest.mark.parametrize("size", [(333, 501), (40, 30)])
def test_a_strip_leaves_every_pixel_of_the_picture(how: Settings, size: tuple[int, int]) -> None:
    picture = composed(*size, top_value=255 if how.bits == 8 else 65535)
    marked = encoded(mark(picture, "AI-colorized", "strip"), how)
    assert np.array_equal(marked[: size[0]], encoded(picture, how))
    strip = marked[size[0] :]
    assert strip.shape[0] >= 12
    assert (strip.min(), strip.max()) == (0, np.iinfo(strip.dtype).max), "white on black"
    assert (strip.max(axis=2) == strip.min(axis=2)).all(), "without colour"


@pytest.mark.parametrize("how", LOSSLESS[:2], ids=str)
def test_a_corner_leaves_every_pixel_outside_of_it(how: Settings) -> None:
    picture = composed(601, 803, top_value=255 if how.bits == 8 else 65535)
    made = mark(picture, "AI-colorized", "corner")
    plain, marked = encoded(picture, how), encoded(made, how)
    assert marked.shape == plain.shape
    height, width = made.label_hw.shape
    assert height * width < 0.05 * plain[..., 0].size
    box = marked[-height:, -width:].copy()
    marked[-height:, -width:] = plain[-height:, -width:]
    assert np.array_equal(marked, plain)
    assert (box.min(), box.max()) == (0, np.iinfo(box.dtype).max)


def test_a_jpeg_keeps_what_shares_no_block_with_the_words() -> None:
    picture = composed(601, 803)
    for place in ("strip", "corner"):
        made = mark(picture, "AI-colorized", place)
        top, left = made.top, 803 - made.label_hw.shape[1]
        plain, marked = (encoded(one, Settings("jpeg", 90)) for one in (picture, made))
        rows = top // 16 * 16 - 2  # the decoder smooths chroma over two pixels
        assert np.array_equal(marked[:rows], plain[:rows])
        words = marked[top:, left:].astype(int)
        assert words.max() > 200
        assert np.abs(words - words.mean(axis=2, keepdims=True))[4:, 4:].mean() < 1


def test_korean_is_drawn_by_letters_and_not_by_boxes() -> None:
    font = _open_font(find_font(KOREAN), 24)
    notdef = bytes(font.getmask(UNKNOWN))
    drawn = [bytes(font.getmask(one)) for one in "채색"]
    assert notdef not in drawn
    assert drawn[0] != drawn[1]
    assert (draw_label("채색", 24, 500) > 200).mean() > 0.05
    assert list_missing(KOREAN, _open_font("", 24)) == ["채", "색"], "not by Pillow's own font"


def test_ascii_needs_no_font_but_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive_colorizer.extras.find_spec", lambda name: None)
    find_font.cache_clear()
    assert find_font("AI-colorized") == ""
    with pytest.raises(ConfigError, match="AI 채색' needs pylopdf_fonts_ko: pip install"):
        find_font(KOREAN)


def test_letters_that_no_font_has_are_named() -> None:
    with pytest.raises(ConfigError, match=r"the mark 'ع ok': the font has no ع"):
        find_font("ع ok")


@pytest.mark.parametrize("size", [(1500, 2000), (150, 4000), (4000, 150), (61, 47), (16, 16)])
@pytest.mark.parametrize("place", ["strip", "corner"])
def test_letters_are_twelve_pixels_at_least_and_none_is_cut(
    size: tuple[int, int], place: str
) -> None:
    from archive_colorizer.imaging.compose import WholePicture

    picture = WholePicture(np.full((*size, 3), 128, np.uint8))
    made = mark(picture, "AI-colorized", place)
    ink = made.label_hw > 128
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    assert columns[0] > 0
    assert columns[-1] < ink.shape[1] - 1
    assert rows[-1] - rows[0] >= 0.03 * min(size) * 0.7
    assert rows[-1] - rows[0] >= 8
    assert isinstance(made, Marked)
    assert made.luma_hw.shape[1] == size[1]
