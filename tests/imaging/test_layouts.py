"""One scene in every layout, read by every way: the same picture each time."""

import io

import layouts
import numpy as np
import pytest

from archive_colorizer.imaging.decode import luma_of, read_luma, read_reduced
from archive_colorizer.imaging.header import read_header

CELLS = list(layouts.cells())


def as_share(pixels: np.ndarray) -> np.ndarray:
    return pixels / np.iinfo(pixels.dtype).max


def test_there_are_hundreds_of_cells_and_each_has_a_name_of_its_own() -> None:
    assert len(CELLS) > 500
    assert len({cell.name for cell in CELLS}) > 500


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_luma_is_the_upright_scene(cell: layouts.Cell) -> None:
    source = io.BytesIO(cell.data)
    header = read_header(source)
    assert header.bits_per_sample == cell.bits
    assert header.n_pages == 1
    if cell.photometric:
        assert header.photometric == cell.photometric
    whole = read_luma(source, header)
    assert whole.pixels.shape == header.upright_size == cell.wanted.shape
    assert whole.pixels.dtype == (np.uint8 if cell.bits <= 8 else np.uint16)
    assert np.abs(as_share(whole.pixels) - cell.wanted).max() <= cell.within
    assert not whole.damaged
    for short in (1000, 24):
        reduced = luma_of(read_reduced(source, header, short).pixels)
        factor = layouts.HEIGHT // min(reduced.shape)
        shape = (reduced.shape[0], factor, reduced.shape[1], factor)
        wanted = cell.wanted.reshape(shape).mean(axis=(1, 3))
        within = max(cell.within, 1.6 / 255)
        if cell.name.startswith("JXL") and cell.bits > 8:
            within = 0.04  # pixels at an edge are averaged in the file's own, linear light
        assert np.abs(as_share(reduced) - wanted).max() <= within
