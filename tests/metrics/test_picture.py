import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from toys import drawn

from archive_colorizer.metrics import picture as metrics

RGB = arrays(np.uint8, (12, 13, 3))


def test_mse_of_a_known_difference_is_its_square() -> None:
    a = np.full((4, 5, 3), 100, np.uint8)
    assert metrics.mse(a, a + np.uint8(3)) == 9
    assert metrics.mse(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)) == 255**2


def test_psnr_follows_its_definition() -> None:
    assert metrics.psnr(255**2) == 0
    assert metrics.psnr(650.25) == pytest.approx(20.0)
    assert metrics.psnr(0) == math.inf


def test_ssim_agrees_with_torchmetrics_inside_the_border() -> None:
    """torchmetrics pads by mirroring where scikit-image leaves 5 pixels out; else the same."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    a, b = drawn(1, 96, 96), drawn(2, 96, 96)
    ours = metrics.ssim(a, b)
    planes = [torch.from_numpy(x.copy()).permute(2, 0, 1)[None].double() for x in (a, b)]
    _, full = structural_similarity_index_measure(*planes, data_range=255.0, return_full_image=True)
    assert ours == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-9)


@given(RGB)
def test_identical_pictures_score_as_identical(picture: np.ndarray) -> None:
    assert metrics.mse(picture, picture) == 0
    assert metrics.ssim(picture, picture) == pytest.approx(1)
    assert metrics.ssim_global(picture, picture) == pytest.approx(1)


@given(RGB, RGB)
def test_metrics_are_symmetric_and_in_range(a: np.ndarray, b: np.ndarray) -> None:
    assert metrics.mse(a, b) == metrics.mse(b, a)
    assert metrics.ssim_global(a, b) == pytest.approx(metrics.ssim_global(b, a))
    assert 0 < metrics.ssim_global(a, b) <= 1 + 1e-9
    assert -1 <= metrics.ssim(a, b) <= 1 + 1e-9


def test_ssim_global_is_system_b_s_formula() -> None:
    a = np.zeros((2, 2, 3), np.uint8)
    a[0] = 255  # mean 0.5, deviation 0.5
    b = np.full((2, 2, 3), 51, np.uint8)  # mean 0.2, deviation 0
    c1, c2 = 0.0049, 0.0441
    wanted = (2 * 0.5 * 0.2 + c1) * c2 / ((0.25 + 0.04 + c1) * (0.25 + c2))
    assert metrics.ssim_global(a, b) == pytest.approx(wanted)


def test_ssim_global_cannot_tell_a_picture_from_itself_upside_down() -> None:
    picture = drawn(3)
    assert metrics.ssim_global(picture, picture[::-1]) == pytest.approx(1)
    assert metrics.ssim(picture, picture[::-1]) < 0.9


def test_ciede2000_gives_a_published_pair() -> None:
    """Sharma, Wu & Dalal (2005), table 1, pair 1: 2.0425."""
    a = np.array([[[50.0, 2.6772, -79.7751]]])
    b = np.array([[[50.0, 0.0, -82.7485]]])
    assert metrics.ciede2000(a, b) == pytest.approx(2.0425, abs=1e-4)


def test_ab_errors_leave_lightness_out() -> None:
    a = np.array([[[10.0, 3.0, 0.0]]])
    b = np.array([[[90.0, 0.0, 4.0]]])
    assert metrics.ab_errors(a, b).item() == pytest.approx(5)


@given(arrays(np.float64, 50, elements=st.floats(0, 300)))
def test_accuracy_area_is_the_area_under_the_cumulative_curve(errors: np.ndarray) -> None:
    thresholds = np.linspace(0, 150, 30_001)
    shares = np.searchsorted(np.sort(errors), thresholds, side="right") / len(errors)
    area = np.trapezoid(shares, thresholds) / 150
    assert metrics.accuracy_area(errors) == pytest.approx(area, abs=1e-4)


def test_spearman_knows_order_not_size() -> None:
    x = [0.1, 0.2, 0.3, 0.4]
    assert metrics.spearman(x, [1, 10, 100, 1000]) == pytest.approx(1)
    assert metrics.spearman(x, [4, 3, 2, 1]) == pytest.approx(-1)
    assert metrics.spearman(x, [1, 3, 2, 4]) == pytest.approx(0.8)


def test_spearman_of_a_constant_or_of_too_few_is_none() -> None:
    assert metrics.spearman([1, 1, 1], [1, 2, 3]) is None
    assert metrics.spearman([1, 2], [1, 2]) is None
