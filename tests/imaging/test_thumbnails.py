"""Thumbnails: sizes, and places on a sheet."""

import numpy as np
import pytest
import simplejpeg

from archive_colorizer.imaging.thumbnails import EDGE_PX, PAPER, thumbnail, thumbnail_sheet


@pytest.mark.parametrize(
    ("shape", "size"),
    [((400, 600), (107, 160)), ((600, 400, 3), (160, 107)), ((1, 900), (1, 160)), ((5, 7), (5, 7))],
)
def test_a_thumbnail_keeps_the_shape(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    found = thumbnail(np.zeros(shape, np.uint8))
    assert (found.shape, found.dtype) == ((*size, 3), np.uint8)


def test_sixteen_bits_become_eight() -> None:
    assert (thumbnail(np.full((20, 20), 65535, np.uint16)) == 255).all()


def test_a_sheet_has_before_and_after_of_each_in_its_row() -> None:
    red = np.full((100, 160, 3), (220, 20, 20), np.uint8)
    blue = np.full((160, 100, 3), (20, 20, 220), np.uint8)
    sheet = simplejpeg.decode_jpeg(thumbnail_sheet([(red, blue), (None, red), (blue, None)]))
    assert sheet.shape == (3 * EDGE_PX, 2 * EDGE_PX, 3)
    middle = EDGE_PX // 2
    for row, column, colour in [
        (0, 0, (220, 20, 20)), (0, 1, (20, 20, 220)), (1, 0, (PAPER,) * 3),
        (1, 1, (220, 20, 20)), (2, 0, (20, 20, 220)), (2, 1, (PAPER,) * 3),
    ]:  # fmt: skip
        pixel = sheet[row * EDGE_PX + middle, column * EDGE_PX + middle].astype(int)
        assert np.abs(pixel - colour).max() < 12
