"""Tiles cover a picture once, see their margins, and are mostly of one size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.inference.tiles import STEP_PX, batches_of_tiles, spans

TILE, MARGIN = 64, 24


@given(side=st.integers(1, 900))
def test_every_pixel_is_one_tiles_own_and_sees_what_is_around_it(side: int) -> None:
    found = spans(side, TILE, MARGIN)
    assert [one.own_start for one in found[1:]] == [one.own_stop for one in found[:-1]]
    assert (found[0].own_start, found[-1].own_stop) == (0, side)
    size = TILE + 2 * MARGIN
    for one in found:
        assert one.start % STEP_PX == 0
        assert one.start == 0 or one.own_start - one.start >= MARGIN
        assert one.stop == side or one.stop - one.own_stop >= MARGIN
        assert one.stop - one.start <= size
    assert len({one.stop - one.start for one in found[:-1]}) <= 1
    # No pixel is seen again beyond the inner margins, and a step a tile.
    work = sum(one.stop - one.start for one in found)
    assert work <= side + (len(found) - 1) * 2 * MARGIN + len(found) * STEP_PX


def test_a_picture_that_fits_into_a_tile_is_one() -> None:
    assert len(spans(TILE + 2 * MARGIN, TILE, MARGIN)) == 1
    assert len(spans(TILE + 2 * MARGIN + STEP_PX, TILE, MARGIN)) == 2


@pytest.mark.parametrize("most", [1, 3, 100])
def test_batches_are_of_one_shape_and_have_every_tile(most: int) -> None:
    batches = list(batches_of_tiles((300, 517), TILE, MARGIN, most))
    assert all(len({tile.shape for tile in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) <= most
    seen = np.zeros((300, 517), int)
    for batch in batches:
        for tile in batch:
            seen[tile.rows.place(1), tile.columns.place(1)] += 1
    assert (seen == 1).all()
    if most == 100:
        assert len(batches) <= 4
