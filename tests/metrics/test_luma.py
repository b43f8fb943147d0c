"""PSNR on Y, and the reductions that enlarging is judged by."""

import numpy as np
import pytest

from archive_colorizer.metrics.luma import luma_601, psnr_y, reduced, resized, through_jpeg


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([4 * x % 256, 5 * y % 256, (x * y) % 256], axis=2).astype(np.uint8)


def test_y_is_16_to_235() -> None:
    ends = luma_601(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))
    assert ends[0] == pytest.approx([16, 235])


def test_psnr_is_of_y_and_inside_alone() -> None:
    truth = picture()
    worse = truth.copy()
    worse[:2] = 0
    assert psnr_y(worse, truth, 2) == float("inf")
    assert psnr_y(worse, truth, 0) < 40
    gray = np.full((20, 20, 3), 100, np.uint8)
    brighter = gray + 10
    off = 10 * 219 / 255
    assert psnr_y(brighter, gray, 0) == pytest.approx(20 * np.log10(255 / off), abs=1e-6)


def test_sizes_and_range() -> None:
    small = reduced(picture(), 4)
    assert small.shape == (12, 16, 3)
    assert resized(small, 64, 48).shape == (48, 64, 3)


def test_jpeg_wears_and_0_does_not() -> None:
    truth = picture()
    assert np.array_equal(through_jpeg(truth, 0), truth)
    assert psnr_y(through_jpeg(truth, 30), truth, 0) < psnr_y(through_jpeg(truth, 95), truth, 0)
