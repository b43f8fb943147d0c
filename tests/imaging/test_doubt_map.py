"""The doubt map that is kept: small, in few shades, in the right place."""

import cv2
import numpy as np
import pytest

from archive_colorizer.imaging.doubt_map import EDGE_PX, LEVELS, doubt_png


def read(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_doubt_stays_where_it_is() -> None:
    doubt = np.zeros((256, 384), np.float32)
    doubt[:128, 192:] = 1.0
    found = read(doubt_png(doubt))
    assert found.shape == (43, EDGE_PX)
    assert found[5, 60] == 255
    assert found[5, 5] == found[40, 60] == 0


def test_there_are_few_shades_and_few_bytes() -> None:
    y, x = np.mgrid[:256, :256] / 256
    data = doubt_png((0.5 + 0.4 * np.sin(7 * x) * np.cos(5 * y)).astype(np.float32))
    assert len(np.unique(read(data))) <= LEVELS
    assert len(data) < 2_000


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (900, 3), (64, 64)])
def test_any_shape_has_its_map(shape: tuple[int, int]) -> None:
    found = read(doubt_png(np.full(shape, 2.0, np.float32)))
    assert max(found.shape) <= EDGE_PX
    assert (found == 255).all()


def test_half_precision_is_taken() -> None:
    assert read(doubt_png(np.full((10, 10), 0.5, np.float16)))[0, 0] in {119, 136}
