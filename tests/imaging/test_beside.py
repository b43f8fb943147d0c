"""A print is coloured on a page that stays as it is."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from archive_colorizer.imaging import encode
from archive_colorizer.imaging.beside import Part, enlarged_page, lay_on_page
from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.imaging.metadata import Tags
from tests.support.pages import page_with_print

BOUNDS = Bounds(37, 41, 331, 233, 1.5)


def blue(height: int, width: int) -> np.ndarray:
    return np.stack((np.full((height, width), 5.0), np.full((height, width), -40.0)))


def delivered(page: np.ndarray, how: encode.Settings, bounds: Bounds = BOUNDS) -> np.ndarray:
    picture = lay_on_page(luma_of(page), page, blue(60, 80), bounds)
    sink = io.BytesIO()
    encode.encode(picture, sink, how, Tags())
    sink.seek(0)
    return tifffile.imread(sink) if how.format == "tiff" else np.asarray(Image.open(sink))


def outside(shape: tuple[int, ...], bounds: Bounds = BOUNDS, grow: int = 2) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.rint(bounds.corners()).astype(np.int32), 1)
    return cv2.dilate(mask, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)) == 0


@pytest.mark.parametrize("size", [(350, 450), (351, 449), (349, 451)])
@pytest.mark.parametrize("form", ["png", "tiff"])
@pytest.mark.parametrize("bits", [8, 16])
def test_beside_the_print_a_lossless_derivative_has_the_masters_samples(
    form: str, bits: int, size: tuple[int, int]
) -> None:
    page, _ = page_with_print("orange", size=size)
    master = page if bits == 8 else page.astype(np.uint16) * 257 + 100
    made = delivered(master, encode.Settings(form, 90, bits))
    if form == "png" and bits == 16:
        made, master = made >> 8 if made.dtype == np.uint16 else made, master >> 8
    away = outside(page.shape)
    assert (made[away] == master[away]).all()
    inside = cv2.erode((~away).astype(np.uint8), np.ones((9, 9), np.uint8)) == 1
    chroma = made[inside][:, 2].astype(int) - made[inside][:, 0]
    assert np.median(chroma) > 0.05 * np.iinfo(made.dtype).max


def test_a_jpegs_luma_is_the_masters_everywhere_and_its_colours_beside_the_print() -> None:
    page, _ = page_with_print("orange", size=(351, 449))
    made = delivered(page, encode.Settings("jpeg", 95, 8))
    assert np.abs(luma_of(made).astype(int) - luma_of(page)).mean() < 1.5
    away = outside(page.shape, grow=20)
    assert np.abs(made[away].astype(int) - page[away]).mean() < 4
    middle = made[120:200, 150:250].astype(int)
    assert (middle[..., 2] - middle[..., 0]).mean() > 15


@pytest.mark.parametrize(
    "bounds",
    [Bounds(0, 0, 450, 350, 0.0), Bounds(1, 1, 449, 349, 0.0), Bounds(440, 340, 10, 10, 0.0)],
)
def test_prints_at_the_pages_edge_are_laid_where_they_are(bounds: Bounds) -> None:
    page, _ = page_with_print("orange")
    for how in (encode.Settings("jpeg", 90, 8), encode.Settings("png", 90, 8)):
        assert delivered(page, how, bounds).shape == page.shape


def test_a_part_begins_at_even_places_and_holds_the_print() -> None:
    part = Part.of(BOUNDS, (350, 450))
    assert (part.rows.start, part.columns.start) == (40, 36)
    assert part.rows.stop >= 41 + 233
    assert part.mask(BOUNDS).shape == part.size
    small = part.within((175, 225), (350, 450))
    assert (small[0].start, small[1].start) == (20, 18)


def test_an_enlarged_page_has_the_enlarged_luma() -> None:
    page, _ = page_with_print("cream")
    luma = cv2.resize(luma_of(page), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    grown = enlarged_page(page, luma)
    assert grown.shape == (700, 900, 3)
    assert np.abs(luma_of(grown).astype(int) - luma).mean() < 1
