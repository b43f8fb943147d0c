"""Reflections are found by how they look, and only what they damage is repaired."""

import cv2
import numpy as np
import pytest

from archive_colorizer.imaging.glare import find_glare, glare_png, read_glare_png
from archive_colorizer.imaging.glare_repair import fill, repair_chroma, repair_luma


def scene(height: int = 192, width: int = 256) -> np.ndarray:
    """Spots of every size, the larger the stronger, as photographs have them."""
    rng = np.random.default_rng(0)
    spots = [
        size * cv2.GaussianBlur(rng.normal(0, size, (height, width)), (0, 0), size)
        for size in (1, 2, 4, 8, 16)
    ]
    return np.asarray(np.clip(95 + 3 * np.sum(spots, 0), 0, 200).astype(np.uint8))


def distance(shape: tuple[int, ...], top: int, left: int) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(y - top, x - left))


def lit(gray: np.ndarray, top: int = 80, left: int = 150, radius: float = 22) -> np.ndarray:
    light = 300 * np.exp(-((distance(gray.shape, top, left) / radius) ** 2))
    return np.asarray(np.minimum(gray + light, 255).astype(np.uint8))


def test_a_soft_round_light_is_found_where_it_is() -> None:
    gray = scene()
    found = find_glare(lit(gray))
    assert found.mask_hw.shape == gray.shape
    at = distance(gray.shape, 80, 150)
    assert found.mask_hw[at < 15].mean() > 0.9
    assert found.mask_hw[at > 60].mean() == 0
    assert 0.01 < found.share < 0.2


@pytest.mark.parametrize("how", ["clean", "white square", "white border"])
def test_a_white_thing_with_edges_is_no_reflection(how: str) -> None:
    gray = scene()
    if how == "white square":
        gray[60:100, 120:180] = 253
    elif how == "white border":
        gray[:40] = 250
    found = find_glare(gray)
    assert not found.mask_hw.any()
    assert found.score < find_glare(lit(scene())).score


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2), (40, 500)])
def test_odd_sizes_and_flat_pictures_have_none(shape: tuple[int, int]) -> None:
    for value in (0, 128, 255):
        found = find_glare(np.full(shape, value, np.uint8))
        assert (found.mask_hw.shape, found.share) == (shape, 0)


def test_a_mask_is_kept_as_a_small_png() -> None:
    mask = distance((256, 340), 100, 100) < 30
    data = glare_png(mask)
    assert np.array_equal(read_glare_png(data), mask)
    assert len(data) < 800


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_chroma_is_filled_from_around_and_stays_bit_equal_beside(kind: type) -> None:
    y, x = np.mgrid[:64, :85].astype(np.float32)
    whole = np.stack([x / 4 - 10, y / 3]).astype(kind)
    mask = distance((64, 85), 30, 40) < 12
    spoilt = whole.copy()
    spoilt[:, mask] = 0
    given = spoilt.copy()
    made = repair_chroma(spoilt, mask)
    assert made.dtype == kind
    assert np.array_equal(spoilt, given)
    assert np.array_equal(made[:, ~mask], whole[:, ~mask])
    before, after = (np.abs(one - whole)[:, mask].mean() for one in (spoilt, made))
    assert after < before / 5
    larger = np.kron(mask, np.ones((4, 4), bool))
    assert np.array_equal(repair_chroma(spoilt, larger), made)


def test_a_mask_of_nothing_or_of_everything_leaves_the_chroma() -> None:
    ab = np.random.default_rng(0).normal(0, 9, (2, 30, 40)).astype(np.float16)
    for mask in (np.zeros((30, 40), bool), np.ones((30, 40), bool)):
        assert repair_chroma(ab, mask) is ab
        assert np.array_equal(
            repair_luma(np.full((30, 40), 7, np.uint8), mask), np.full((30, 40), 7)
        )


def test_a_fill_is_within_what_lies_around() -> None:
    planes = np.random.default_rng(1).uniform(3, 5, (33, 47, 2)).astype(np.float32)
    hole = np.zeros((33, 47), bool)
    hole[5:30, 8:40] = True
    planes[hole] = 1e6
    made = fill(planes, hole)
    assert 3 <= made.min() <= made.max() <= 5


@pytest.mark.parametrize(("kind", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_light_is_taken_off_the_luma_and_texture_stays(kind: type, scale: int) -> None:
    gray = scene(384, 512)
    light = 90 * np.exp(-((distance(gray.shape, 160, 300) / 60) ** 4))
    damaged = np.minimum(gray + light, 255)
    mask = light[::2, ::2] > 1
    made = repair_luma((damaged * scale).astype(kind), mask)
    assert made.dtype == kind
    inside = np.kron(mask, np.ones((2, 2), bool))
    assert np.array_equal(made[~inside], (damaged * scale).astype(kind)[~inside])
    before, after = (np.abs(one / s - gray)[inside].mean()
                     for one, s in ((damaged, 1), (made, scale)))  # fmt: skip
    assert after < before / 2
    core = light > 80
    fine = [one - cv2.GaussianBlur(one, (0, 0), 2)
            for one in (made.astype(np.float32) / scale, gray.astype(np.float32))]  # fmt: skip
    assert np.corrcoef(*(one[core] for one in fine))[0, 1] > 0.8
