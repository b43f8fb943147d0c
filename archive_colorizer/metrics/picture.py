"""Metrics of one picture against its truth: pure functions on arrays. H height, W width.

RGB is 8-bit sRGB, so that what is judged is what would be delivered; Lab is CIE Lab, D65.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Floats = NDArray[np.floating]

PEAK: Final = 255.0
"""Data range of MSE, PSNR and SSIM."""
AUC_END: Final = 150.0
"""Upper end of the ab error, Lab units (Zhang et al. 2016)."""


def mse(a_hw3: Rgb, b_hw3: Rgb) -> float:
    """Mean squared error over pixels and channels, on the 0..255 scale."""
    difference = a_hw3.astype(np.float64) - b_hw3.astype(np.float64)
    return float(np.mean(difference**2))


def psnr(mean_squared_error: float) -> float:
    """Peak signal-to-noise ratio in dB of an error on the 0..255 scale; infinite for 0."""
    if mean_squared_error == 0:
        return float("inf")
    return float(10 * np.log10(PEAK**2 / mean_squared_error))


def ssim(a: Rgb | Floats, b: Rgb | Floats) -> float:
    """Structural similarity (Wang et al. 2004) of (H, W, 3), the mean over the channels, or (H, W).

    11x11 Gaussian window of sigma 1.5, K1 0.01, K2 0.03, population covariance, data range 255;
    a border of 5 pixels is left out, as scikit-image does. 1 for identical pictures.
    """
    from skimage.metrics import structural_similarity

    value = structural_similarity(
        a,
        b,
        channel_axis=2 if a.ndim == 3 else None,
        data_range=PEAK,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def ssim_global(a_hw3: Rgb, b_hw3: Rgb) -> float:
    """The figure that reference system B calls SSIM, exactly as it gives it. Not SSIM.

    One window over the whole picture, all channels together, pictures in [0, 1] (the range is not
    stated there: assumed, as for its MSE), C1 = (0.01*7)^2, C2 = (0.03*7)^2:

        (2 ma mb + C1) (2 sa sb + C2) / ((ma^2 + mb^2 + C1) (sa^2 + sb^2 + C2))

    Its values mean little. Where the covariance belongs stands the product of the two standard
    deviations, so it only compares two means and two contrasts: a picture whose pixels have all
    been shuffled, or one turned upside down, scores 1. And C2 = 0.044 is about as large as a
    picture's own variance in [0, 1], which pulls every value towards 1. It is here only so that
    system B's table can be compared.
    """
    c1, c2 = (0.01 * 7) ** 2, (0.03 * 7) ** 2
    a, b = a_hw3.astype(np.float64) / PEAK, b_hw3.astype(np.float64) / PEAK
    mean_a, mean_b, deviation_a, deviation_b = a.mean(), b.mean(), a.std(), b.std()
    above = (2 * mean_a * mean_b + c1) * (2 * deviation_a * deviation_b + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (deviation_a**2 + deviation_b**2 + c2)
    return float(above / below)


def ciede2000(lab_hw3: Floats, truth_hw3: Floats) -> float:
    """Mean CIEDE2000 colour difference (kL = kC = kH = 1) of two Lab pictures."""
    from skimage.color import deltaE_ciede2000

    return float(np.mean(deltaE_ciede2000(truth_hw3, lab_hw3)))


def ab_errors(lab_hw3: Floats, truth_hw3: Floats) -> NDArray[np.float64]:
    """(H, W) Euclidean distance in the ab plane, Lab units."""
    difference = lab_hw3[..., 1:].astype(np.float64) - truth_hw3[..., 1:].astype(np.float64)
    return np.asarray(np.hypot(difference[..., 0], difference[..., 1]))


def accuracy_area(errors_hw: Floats, end: float = AUC_END) -> float:
    """Area under the cumulative curve of ab errors, over `end`: CIC's raw accuracy, in [0, 1].

    The share of pixels with an error of at most t, integrated over t from 0 to `end` and divided
    by it (Zhang et al. 2016, not rebalanced). Exact: the integral is 1 - mean(min(e, end)) / end.
    """
    return float(1 - np.minimum(errors_hw, end).mean() / end)


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties by their mean rank; None where a side is constant."""
    if len(x) < 3 or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    from scipy.stats import spearmanr  # type: ignore[import-untyped]

    return float(spearmanr(x, y).statistic)
