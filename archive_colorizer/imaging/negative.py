"""Negatives: the curve that makes a positive of one (`inference.negative_probe` recognises them).

Axes: h height, w width.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float, linear_table

BASE_PERCENTILE, DENSEST_PERCENTILE = 0.5, 99.5
"""Percentiles of density that become black and white."""
MIDDLE: Final = 0.45
"""Where the median of the positive is brought to, as far as the exponent may."""
EXPONENTS: Final = (0.4, 2.5)
MIN_LIGHT: Final = 1e-4
"""Least transmittance that is told from none: density 4."""
MIN_RANGE: Final = 0.05
"""Least range of density that is spread over the whole scale."""


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
