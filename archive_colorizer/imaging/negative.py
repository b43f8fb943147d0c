"""Negatives: first signs that a grey picture is one, and the curve that makes its positive.

Photographs are not symmetric in tone: light comes from above, skies are bright and smooth, shadows
deep and full of texture, highlights small and sharp. Statistics of that kind are weighed by a
logistic regression that `benchmarks/fit_negatives.py` fits: what a picture gains, its inverse
loses. That is a sieve, cheap and coarse; `inference.negative_probe` judges what it leaves. Axes:
h height, w width.
"""

import base64
import json
import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float, linear_table
from archive_colorizer.imaging.negative_weights import SIEVE_FROM, SIEVE_WEIGHTS

SIDE_PX: Final = 64
GRID: Final = 6
BINS: Final = 16
BANDS: Final = 8
"""Bands of equal area, from the darkest to the brightest places."""
SIGMAS: Final = (0.8, 1.6, 3.2)
TAILS: Final = (0.005, 0.02, 0.06, 0.15, 0.3, 0.5)
"""Shares of the darkest and the brightest places that are set against each other."""
CONTRASTS: Final = 5
BASE_PERCENTILE, DENSEST_PERCENTILE = 0.5, 99.5
"""Percentiles of density that become black and white."""
MIDDLE: Final = 0.45
"""Where the median of the positive is brought to, as far as the exponent may."""
EXPONENTS: Final = (0.4, 2.5)
MIN_LIGHT: Final = 1e-4
"""Least transmittance that is told from none: density 4."""
MIN_RANGE: Final = 0.05
"""Least range of density that is spread over the whole scale."""


def features(gray_hw: NDArray[np.uint8]) -> Float:
    """What tells positives from negatives: (n,) float32; the inverse picture's are their negatives.

    Args:
        gray_hw: (h, w) uint8, sRGB-encoded, of any size.
    """
    small = cv2.resize(gray_hw, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    x = small.astype(np.float32) / 255 - 0.5
    ordered = np.sort(x, axis=None)
    low, high = ordered[len(ordered) // 50], ordered[-len(ordered) // 50]
    z = (x - (low + high) / 2) / max(high - low, np.float32(0.02))  # the inverse is minus this
    order = np.argsort(z, axis=None, kind="stable").reshape(BANDS, -1)
    cells = cv2.resize(z, (GRID, GRID), interpolation=cv2.INTER_AREA)
    squares = cv2.resize(z * z, (GRID, GRID), interpolation=cv2.INTER_AREA)
    spread = np.sqrt(np.maximum(squares - cells**2, 0))
    parts: list[Any] = [
        _odd(_shares(x, BINS)), _odd(_shares(z, BINS)), _tails(ordered), _tails(_sorted(z)),
        cells.ravel(), (cells * spread).ravel(),
    ]  # fmt: skip
    smooth = z
    for sigma in SIGMAS:
        coarser = cv2.GaussianBlur(z, (0, 0), sigma)
        parts += _detail(smooth - coarser, coarser, order)
        smooth = coarser
    down = z[1:] - z[:-1]
    parts += [4 * _tails(_sorted(third)) for third in np.array_split(down, 3)]
    y, across = np.divmod(order, SIDE_PX)
    place = (y / SIDE_PX, np.abs(across - SIDE_PX / 2) / SIDE_PX)
    parts += [_odd(one.mean(1)) for one in place] + [_odd(y.std(1) / SIDE_PX)]
    return np.concatenate(parts).astype(np.float32)


def may_be_negative(gray_hw: NDArray[np.uint8]) -> bool:
    """Whether a picture shows signs of a negative: nearly all do, and a third of the positives."""
    return float(features(gray_hw) @ _weights()) >= SIEVE_FROM


@lru_cache(maxsize=1)
def _weights() -> Float:
    packed = np.frombuffer(base64.b85decode(SIEVE_WEIGHTS), np.float16)
    return np.asarray(packed, np.float32)


def _odd(values: NDArray[Any]) -> NDArray[Any]:
    """What is left of values from dark to bright when those from bright to dark are taken off."""
    half = len(values) // 2
    return np.asarray(values[:half] - values[: -half - 1 : -1])


def _sorted(values: Float) -> Float:
    return np.sort(values, axis=None)


def _tails(ordered: Float) -> Float:
    """How far the bright tail outweighs the dark one, at some percentiles."""
    at = (np.array(TAILS) * len(ordered)).astype(np.intp)
    return np.asarray(ordered[at] + ordered[-1 - at])


def _shares(values: Float, bins: int) -> Float:
    index = np.clip((values + 0.5) * bins, 0, bins - 1).astype(np.intp)
    shares = np.bincount(index.ravel(), minlength=bins) / index.size
    return np.asarray(np.sqrt(shares), np.float32)


def _detail(band: Float, coarser: Float, order: NDArray[np.intp]) -> list[NDArray[Any]]:
    """How detail of one scale is spread over bright and dark places."""
    unit = band.ravel() / max(float(band.std()), 1e-3)
    by_tone = unit[order]
    size = np.log(np.abs(by_tone).mean(1) + 0.01)
    lean = by_tone.mean(1)
    clipped = np.clip(unit, -6, 6)
    near = np.clip((coarser.ravel() + 0.5) * CONTRASTS, 0, CONTRASTS - 1).astype(np.intp)
    kind = sum((unit > edge).astype(np.intp) for edge in (-1.0, -0.3, 0.3, 1.0))
    joint = np.sqrt(np.bincount(near * 5 + kind, minlength=CONTRASTS * 5) / unit.size)
    half = BANDS // 2
    lopsided = np.array([(clipped**3).mean(), (clipped * np.abs(clipped)).mean()])
    tails = _tails(_sorted(unit))
    return [_odd(size), lean[:half] + lean[: half - 1 : -1], lopsided, tails, _odd(joint)]


@dataclass(frozen=True, slots=True)
class Curve:
    """From a negative's sample to the positive's, by way of density.

    Density is minus the decimal logarithm of linear light (ISO 5-1). The clear base becomes black,
    the densest place white; between them the positive's encoded value follows the density to a
    power, since encoded values as well as density are nearly even to the eye.
    """

    base: float
    """Density that becomes black."""
    densest: float
    """Density that becomes white."""
    exponent: float

    def json(self) -> str:
        """As the row records it."""
        return json.dumps(asdict(self), sort_keys=True)

    def table(self, top: int) -> NDArray[Any]:
        """The positive's sample for each of the negative's: (top + 1,) uint8 or uint16."""
        share = (_density(linear_table(top)) - self.base) / (self.densest - self.base)
        values = np.clip(share, 0, 1) ** self.exponent
        return np.asarray(np.rint(values * top), np.uint8 if top == 255 else np.uint16)

    def __call__(self, luma_hw: NDArray[Any]) -> NDArray[Any]:
        """The positive of a negative's luma: (H, W) uint8 or uint16, the same type."""
        return np.asarray(self.table(int(np.iinfo(luma_hw.dtype).max))[luma_hw])


def curve_of(text: str) -> Curve:
    """The curve that a row records."""
    return Curve(**json.loads(text))


def fit_curve(gray_hw: NDArray[np.uint8]) -> Curve:
    """The curve for a negative: black and white by percentiles, the middle by the median.

    Args:
        gray_hw: (h, w) uint8, sRGB-encoded, without what lies beside the negative.
    """
    light = np.percentile(
        gray_hw, (100 - BASE_PERCENTILE, 50, 100 - DENSEST_PERCENTILE), method="nearest"
    )
    base, middle, densest = (float(d) for d in _density(linear_table(255)[light.astype(np.uint8)]))
    densest = max(densest, base + MIN_RANGE)
    share = min(max((middle - base) / (densest - base), 0.01), 0.99)
    exponent = min(max(math.log(MIDDLE) / math.log(share), EXPONENTS[0]), EXPONENTS[1])
    return Curve(round(base, 4), round(densest, 4), round(exponent, 4))


def _density(light: Float) -> Float:
    return np.asarray(-np.log10(np.maximum(light, MIN_LIGHT)), np.float32)
