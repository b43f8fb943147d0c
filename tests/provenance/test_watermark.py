"""The imperceptible mark is in the chroma alone, outlives copies, and is not imagined."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.beside import lay_on_page
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.imaging.compose import Composer, WholePicture, compose
from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.provenance import watermark
from archive_colorizer.provenance.watermark import Reading, read
from archive_colorizer.provenance.watermark_code import SIGNS, decode, encode
from archive_colorizer.provenance.watermark_embedding import mark, marked

JOB = 0xC0FFEE42


def ab_of(rgb: np.ndarray) -> np.ndarray:
    shrink = 256 / min(rgb.shape[:2])
    size = (round(rgb.shape[1] * shrink), round(rgb.shape[0] * shrink))
    lab = rgb_to_lab(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    return np.moveaxis(lab[..., 1:], -1, 0)


@pytest.fixture(scope="module")
def plain() -> Composer:
    """A photograph of 1024 pixels, composed of its luma and its own chroma."""
    rgb = cv2.resize(dict(colour_photographs())["flower"], (1024, 684))
    return compose(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), ab_of(rgb))


def carried(plain: Composer, **more: object) -> Composer:
    found = marked(plain, job=JOB, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data))


def delivered(picture: Composer) -> np.ndarray:
    data = simplejpeg.encode_jpeg_yuv_planes(*picture.ycc_planes(), 90)
    return np.asarray(simplejpeg.decode_jpeg(data, "RGB"))


def rgb_of(picture: Composer, rows: int = 4096, bits: int = 8) -> np.ndarray:
    return np.concatenate(list(picture.rgb_strips(bits, rows)))


@given(job=st.integers(0, 2**32 - 1), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_job_is_read_from_noisy_signs(job: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 1.2, SIGNS)
    assert decode(encode(job) + noise) == job


def test_noise_alone_is_hardly_ever_a_job() -> None:
    random = np.random.default_rng(0)
    found = [decode(random.normal(0, 1, SIGNS)) for _ in range(2000)]
    assert sum(job is not None for job in found) <= 3  # 7 in 65,536 are expected to pass


def test_copies_still_say_the_job(plain: Composer) -> None:
    rgb = delivered(carried(plain))
    small = np.asarray(Image.fromarray(rgb).resize((512, 342), Image.Resampling.LANCZOS))
    copies = {
        "delivered": rgb,
        "quality 50": jpeg(rgb, 50),
        "half size": jpeg(small, 75),
        "cropped": jpeg(rgb[40:655, 70:990], 75),
        "turned": np.rot90(rgb),
    }
    assert {name: read(copy).job for name, copy in copies.items()} == dict.fromkeys(copies, JOB)


def test_luma_is_bit_exact_and_colour_hardly_moves(plain: Composer) -> None:
    one, other = plain.ycc_planes(), carried(plain).ycc_planes()
    assert np.array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])
    seen = deltaE_ciede2000(*(rgb2lab(rgb_of(each)) for each in (plain, carried(plain))))
    assert 0.5 < seen.mean() < 1
    assert np.percentile(seen, 99) < 4


def test_strips_of_any_height_carry_the_same_mark(plain: Composer) -> None:
    found = carried(plain)
    apart = rgb_of(found, 37).astype(int) - rgb_of(found, 4096)
    assert np.abs(apart).max() <= 1  # as without a mark: OpenCV rounds places
    assert read(rgb_of(found, 37)).job == JOB


def test_a_master_of_16_bits_carries_it(plain: Composer) -> None:
    deep = replace(plain, luma_hw=plain.luma_hw.astype(np.uint16) * 257)
    assert read((rgb_of(carried(deep), bits=16) >> 8).astype(np.uint8)).job == JOB


def test_only_the_key_reads_it(plain: Composer) -> None:
    rgb = rgb_of(carried(plain, key=b"of a house"))
    assert read(rgb, b"of a house") == Reading(True, JOB, read(rgb, b"of a house").score)
    spectra = watermark.Spectra(rgb)
    others = [spectra.read(b"%d" % number) for number in range(25)]
    assert not any(reading.found for reading in others)
    assert max(reading.score for reading in others) < read(rgb, b"of a house").score - 1


def test_an_unmarked_picture_says_nothing(plain: Composer) -> None:
    reading = read(rgb_of(plain))
    assert (reading.found, reading.job) == (False, None)


def test_it_leaves_with_the_colour(plain: Composer) -> None:
    grey = np.repeat(plain.luma_hw[..., None], 3, axis=2)
    assert not read(grey).found


def test_a_print_on_its_page_carries_it(plain: Composer) -> None:
    height, width = plain.luma_hw.shape
    page = np.full((height + 200, width + 160, 3), 235, np.uint8)
    page[80 : 80 + height, 60 : 60 + width] = plain.luma_hw[..., None]
    colours = ab_of(rgb_of(plain))
    whole = lay_on_page(page[..., 0], page, colours, Bounds(60, 80, width, height, 0.0))
    found = mark(whole, job=JOB)
    assert found is not None
    rgb = np.concatenate(list(found.rgb_strips(8, 256)))
    assert np.array_equal(rgb[:80], page[:80])
    assert read(rgb).job == JOB


def test_what_is_too_small_or_no_colouring_gets_none(plain: Composer) -> None:
    grey = plain.luma_hw[:100, :150]
    assert mark(compose(grey, np.zeros((2, 100, 150), np.float32)), job=JOB) is None
    thin = compose(np.full((900, 1), 90, np.uint8), np.zeros((2, 256, 1), np.float32))
    assert mark(thin, job=JOB) is not None
    assert mark(WholePicture(rgb_of(plain)), job=JOB) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (7, 5), (300, 2)])
def test_pictures_of_any_shape_can_be_asked(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    assert not read(random.integers(0, 256, (*shape, 3), dtype=np.uint8)).found
