"""The promises of README: whose luminance it is, and that colour stays inside its edges."""

import io

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging import encode
from archive_colorizer.imaging.colour import decode_srgb, lightness, rgb_to_lab
from archive_colorizer.imaging.compose import compose, gamut_scale
from archive_colorizer.imaging.metadata import Tags

PHOTOGRAPHS = dict(colour_photographs())


def strong_chroma(height: int, width: int) -> np.ndarray:
    """Chroma far beyond what most lightnesses can carry."""
    y, x = np.mgrid[:height, :width]
    return np.stack((70 * np.sin(x / 15), 70 * np.cos(y / 11))).astype(np.float32)


def delivered(gray: np.ndarray, ab: np.ndarray, how: encode.Settings) -> np.ndarray:
    sink = io.BytesIO()
    encode.encode(compose(gray, ab), sink, how, Tags())
    if how.bits == 16:
        import imagecodecs

        return np.asarray(imagecodecs.png_decode(sink.getvalue()))
    return np.asarray(Image.open(sink).convert("RGB"))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("quality", [75, 90, 98])
def test_a_jpegs_luma_is_the_masters_within_half_a_step_of_grey_encoding(
    name: str, quality: int
) -> None:
    gray = cv2.cvtColor(PHOTOGRAPHS[name], cv2.COLOR_RGB2GRAY)
    rgb = delivered(gray, strong_chroma(64, 96), encode.Settings("jpeg", quality))
    ours = np.abs(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(int) - gray).mean()
    plain = simplejpeg.encode_jpeg(np.ascontiguousarray(gray[..., None]), quality, "GRAY")
    gray_again = simplejpeg.decode_jpeg(plain, "GRAY")[..., 0]
    assert ours <= np.abs(gray_again.astype(int) - gray).mean() + 0.5


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_lightness_of_a_png_is_the_masters_within_a_half(name: str) -> None:
    gray = cv2.cvtColor(PHOTOGRAPHS[name], cv2.COLOR_RGB2GRAY)
    rgb = delivered(gray, strong_chroma(64, 96), encode.Settings("png"))
    master = rgb_to_lab(np.repeat(gray[..., None], 3, axis=2))[..., 0]
    assert np.abs(rgb_to_lab(rgb)[..., 0] - master).mean() <= 0.5


def test_sixteen_bits_keep_lightness_finer_still() -> None:
    ramp = np.linspace(0, 65535, 200 * 300).reshape(200, 300).astype(np.uint16)
    rgb = delivered(ramp, strong_chroma(64, 96), encode.Settings("png", bits=16))
    luminance = decode_srgb(rgb / 65535) @ np.array([0.2126729, 0.7151522, 0.0721750], np.float32)
    gap = np.abs(lightness(luminance) - lightness(decode_srgb(ramp / 65535)))
    assert gap.mean() < 0.05


@settings(max_examples=200, deadline=None)
@given(
    luma=arrays(np.float32, (2, 8), elements=st.floats(0, 1, width=32)),
    cb=arrays(np.float32, 8, elements=st.floats(-0.5, 0.5, width=32)),
    cr=arrays(np.float32, 8, elements=st.floats(-0.5, 0.5, width=32)),
)
def test_reduced_chroma_is_inside_the_gamut_at_constant_luma(
    luma: np.ndarray, cb: np.ndarray, cr: np.ndarray
) -> None:
    low, high = luma.min(axis=0), luma.max(axis=0)
    scale = gamut_scale(low, high, cb, cr)
    assert ((scale >= 0) & (scale <= 1)).all()
    for y in (low, high):
        b, r = cb * scale, cr * scale
        rgb = np.stack((y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b))
        assert rgb.min() >= -1e-5
        assert rgb.max() <= 1 + 1e-5


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5), (33, 17), (30, 2000)])
@pytest.mark.parametrize("image_format", ["jpeg", "png", "tiff"])
def test_odd_shapes_keep_their_size(shape: tuple[int, int], image_format: str) -> None:
    gray = np.full(shape, 128, np.uint8)
    proxy = (2, max(1, min(8, shape[0])), max(1, min(8, shape[1])))
    rgb = delivered(gray, np.full(proxy, 20, np.float32), encode.Settings(image_format))
    assert rgb.shape == (*shape, 3)
    assert np.ptp(rgb.reshape(-1, 3), axis=0).max() <= 6


def test_colour_stays_on_its_side_of_an_edge() -> None:
    """A roof against the sky; the chroma comes from a small proxy."""
    truth = np.empty((400, 400, 3), np.uint8)
    truth[:] = (120, 170, 235)
    truth[100:300, 100:300] = (120, 40, 30)
    lab, gray = rgb_to_lab(truth), cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(lab[..., 1:], (50, 50), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.7)
    ab = np.moveaxis(small, -1, 0)
    errors = {}
    for method in ("guided", "bilinear"):
        rgb = np.concatenate(list(compose(gray, ab, method).rgb_strips(8, 64)))
        errors[method] = np.abs(rgb_to_lab(rgb)[..., 1:] - lab[..., 1:]).mean()
    assert errors["guided"] < 0.8 * errors["bilinear"]
