"""Equirectangular panoramas: their left and right edges are neighbours, their poles one point.

A network sees a panorama with columns of the far side laid on at both sides; what it says of them
is faded into what it says of the columns themselves. Near the poles a row is a small circle drawn
out long: chroma is smoothed along it as far as it is drawn out. Luminance is never touched. Axes:
h height, w width, c channel.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.network_map import NetworkMap

MARGIN: Final = 1 / 2
"""Share of the height that is laid on at either side (benchmarks/bench_projection.py)."""
MULTIPLE: Final = 32
"""It is a multiple of this, so that networks find it on their own grid."""
POLE_BLUR: Final = 1 / 120
"""Deviation of the smoothing at 45 degrees of latitude, of a whole turn (ADR 57)."""


@dataclass(frozen=True, slots=True)
class Panorama:
    """An equirectangular picture of a whole turn."""

    top: float = 90.0
    """Latitude of its upper edge, degrees."""
    bottom: float = -90.0
    """Latitude of its lower edge, degrees."""


def margin_of(height: int) -> int:
    """Columns of the far side that a proxy of this height gets at either side."""
    return max(1, round(MARGIN * height / MULTIPLE)) * MULTIPLE


def wrapped(planes: NDArray[Any], margin: int, axis: int = -1) -> NDArray[Any]:
    """Lay columns of the far side on at both sides.

    Args:
        planes: of any shape.
        margin: columns at either side, any number.
        axis: that of the columns.
    """
    width = planes.shape[axis]
    return np.asarray(planes.take(np.arange(-margin, width + margin) % width, axis=axis))


def done_around(
    function: Callable[[NDArray[Any]], NDArray[Any]], luma_hw: NDArray[Any], margin: int
) -> NDArray[Any]:
    """Apply a function of whole pictures so that it sees across the seam.

    Args:
        function: (H, W) to (s * H, s * W), for any whole s.
        luma_hw: (H, W).
        margin: columns that it sees beyond either edge.
    """
    made = function(wrapped(luma_hw, margin))
    scale = made.shape[0] // luma_hw.shape[0]
    return np.ascontiguousarray(made[:, scale * margin : made.shape[1] - scale * margin])


def lay_back(said: NetworkMap, width: int, margin: int) -> NetworkMap:
    """Make of what a network says of a wrapped picture what it says of the picture.

    Columns near the seam are seen twice, from either side; the two fade into each other.

    Args:
        said: of a proxy that was `wrapped`, with padding below and right.
        width: of the proxy itself, pixels.
        margin: that it was wrapped with, pixels.

    Returns:
        A map of the proxy, whose edges are neighbours.
    """
    cells = said.cells_hwc.astype(np.float32)
    pixels = said.padded[1] / cells.shape[1]  # of a cell: a network may work at a size of its own
    count = max(1, round(width / pixels))
    centres = (np.arange(count, dtype=np.float32) + 0.5) * (width / count)
    own = _sample(cells, (margin + centres) / pixels)
    reach = min(margin, width / 2)
    for again, distance in ((centres + width, centres), (centres - width, width - centres)):
        share = np.maximum(0, 0.5 * (1 - distance / reach))[None, :, None]
        own += share * (_sample(cells, (margin + again) / pixels) - own)
    return NetworkMap(
        own.astype(np.float16), (said.padded[0], width), (said.size[0], width), wraps=True
    )


def _sample(cells_hwc: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns at any places, 0.5 being the first one's centre; beyond the edges, the edges."""
    last = cells_hwc.shape[1] - 1
    place = np.clip(at - 0.5, 0, last)
    left = place.astype(np.intp)
    share = (place - left)[None, :, None]
    right = np.minimum(left + 1, last)
    return np.asarray(cells_hwc[:, left] * (1 - share) + cells_hwc[:, right] * share)


def even_poles(chroma: NetworkMap, panorama: Panorama, blur: float = POLE_BLUR) -> NetworkMap:
    """Smooth chroma along its rows as far as the projection draws them out.

    The deviation is `blur` times the tangent of the latitude: what is round on the sphere and so
    large at the equator is as wide as that near the poles, and the equator stays as it is.

    Args:
        chroma: of a panorama, from `lay_back`.
        panorama: which latitudes it shows.
        blur: deviation at 45 degrees, of a whole turn.
    """
    cells = chroma.cells_hwc.astype(np.float32)
    rows, count = cells.shape[:2]
    extent = rows * chroma.size[0] / chroma.padded[0]
    share = np.minimum((np.arange(rows) + 0.5) / extent, 1)
    latitude = np.radians(panorama.top + share * (panorama.bottom - panorama.top))
    turns = blur * np.tan(latitude)
    gain = np.exp(-2 * (np.pi * turns[:, None] * np.arange(count // 2 + 1)) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(cells, axis=1) * gain[..., None], count, axis=1)
    return replace(chroma, cells_hwc=smooth.astype(np.float16))
