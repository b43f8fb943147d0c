"""Negatives: the curve makes a positive."""

import cv2
import numpy as np
import pytest

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.colour import decode_srgb, encode_srgb
from archive_colorizer.imaging.negative import curve_of, fit_curve

GRAYS = {name: cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for name, rgb in colour_photographs()}


def film(gray: np.ndarray, gamma: float = 0.65) -> np.ndarray:
    """A negative as film has it: density rises with the exposure's logarithm; scanned to sRGB."""
    exposure = np.maximum(decode_srgb(gray.astype(np.float32) / 255), 1e-3)
    light = 0.8 * (exposure / exposure.min()) ** -gamma
    return np.rint(encode_srgb(light) * 255).astype(np.uint8)


@pytest.mark.parametrize("value", [0, 7, 128, 255])
def test_a_plain_picture_is_no_error(value: int) -> None:
    plain = np.full((40, 50), value, np.uint8)
    assert curve_of(fit_curve(plain).json())(plain).shape == plain.shape


@pytest.mark.parametrize("name", GRAYS)
def test_the_curve_turns_a_films_tones_round(name: str) -> None:
    gray = GRAYS[name]
    negative = film(gray)
    positive = fit_curve(negative)(negative)
    assert np.corrcoef(positive.ravel(), gray.ravel())[0, 1] > 0.9
    assert 90 < np.median(positive) < 180
    low, high = np.percentile(positive, (1, 99))
    assert (low, high) == pytest.approx((0, 255), abs=25)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_curve_falls_and_keeps_the_depth(dtype: type) -> None:
    curve = fit_curve(film(GRAYS["coffee"]))
    table = curve.table(int(np.iinfo(dtype).max))
    assert table.dtype == dtype
    assert (np.diff(table.astype(int)) <= 0).all()
    assert (table[0], table[-1]) == (np.iinfo(dtype).max, 0)


def test_a_row_records_the_curve_wholly() -> None:
    curve = fit_curve(film(GRAYS["china"]))
    assert curve_of(curve.json()) == curve
