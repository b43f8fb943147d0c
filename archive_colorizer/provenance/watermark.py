"""The imperceptible mark: a job's number in the chroma alone, and its reader.

A fixed pattern of low frequencies, drawn by a key, lies over the chroma; luminance stays as it is,
and the mark leaves with the colour. It is spread spectrum (Cox et al. 1997) in coordinates of the
picture's long side, so that a resized picture needs no search. A cropped one is found by its pilot:
the cross-correlation at each scale that a crop may have gives the shift (a template as in
Pereira & Pun 2000, in one step). The reader makes all frequencies about equally strong first, as
phase correlation does (Kuglin & Hines 1975). Axes: h height, w width; planes are Cb and Cr.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import B_FROM_CB, LUMA_WEIGHTS, R_FROM_CR, Float
from archive_colorizer.provenance.watermark_code import (
    DEFAULT_KEY,
    HIGH,
    LOW,
    PILOT_HIGH,
    PLANES,
    SIGNS,
    Plan,
    band,
    decode,
    make_plan,
    radii,
    strengths,
)
from archive_colorizer.provenance.watermark_embedding import gain_of

WORK_PX: Final = 384
"""Long side at which a picture is read."""
GRID: Final = 128
"""Samples per long side at which it is decoded."""
COARSE: Final = 64
"""Samples per long side at which the pilot is looked for."""
MAX_CROP_SCALE: Final = 1.28
SCALE_STEP: Final = 0.0125
"""Scales that are looked through, as logarithm: half a step turns the pilot's highest frequency by
half a radian at the picture's edge."""
MIN_SCORE: Final = 5.5
"""Of a pilot that was looked for. Of 600 wrong keys one has as much, and of those the checksum lets
one in 3,000 pass, as 21 messages are tried (benchmarks/bench_watermark.py)."""
MIN_SCORE_IN_PLACE: Final = 3.5
"""Of a pilot where an uncropped picture has it."""
CANDIDATES: Final = 3
FLAT: Final = 1e-6
"""Least deviation that is divided by: a picture of one colour has none."""
DECODED_TO: Final = (HIGH, 34, 26)
"""Highest frequencies that are decoded, one after the other: what a JPEG or a smaller picture has
lost is noise."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture's mark says."""

    found: bool
    """Whether a pilot is there and the checksum of the job fits."""
    job: int | None
    """32 bits; None where nothing was found."""
    score: float
    """The pilot's correlation in standard deviations of a picture without a mark."""


def read(picture: NDArray[np.uint8], key: bytes = DEFAULT_KEY) -> Reading:
    """Ask a picture for its mark.

    Args:
        picture: (H, W, 3) uint8 sRGB, upright or turned by quarters; at most a fifth of its sides
            may be cut off.
        key: that it was marked with.
    """
    return Spectra(picture).read(key)


class Spectra:
    """What reading needs of a picture, whatever the key."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        """Take (H, W, 3) uint8 sRGB."""
        self._residual = _residual(picture)
        self._uncropped = _whiten(spectrum(self._residual, 1.0, GRID))[:, *band(GRID)]

    @cached_property
    def _hypotheses(self) -> list[tuple[Float, float]]:
        return list(_hypotheses(self._residual))

    @cached_property
    def _coarse_s2f(self) -> NDArray[np.complex64]:
        """The pilot's band at each scale and turn, (S, 2, F)."""
        rows, columns = band(COARSE, PILOT_HIGH)
        found = (_whiten(spectrum(*each, COARSE)) for each in self._hypotheses)
        return np.stack([half[:, rows, columns] for half in found])

    @cached_property
    def _power(self) -> Float:
        return np.asarray(np.abs(self._coarse_s2f.reshape(len(self._hypotheses), -1)) ** 2)

    def read(self, key: bytes) -> Reading:
        """Ask for the mark of one key: first where an uncropped picture has it."""
        plan = make_plan(key)
        in_place = _Placed.of(self._uncropped, plan)
        if in_place.score >= MIN_SCORE_IN_PLACE and (job := in_place.decode(plan)) is not None:
            return Reading(found=True, job=job, score=round(in_place.score, 2))
        scores = self.scores(plan).reshape(len(self._hypotheses), -1)
        for one in scores.max(axis=1).argsort()[: -CANDIDATES - 1 : -1]:
            at = int(scores[one].argmax())
            if scores[one, at] < MIN_SCORE:
                break
            found = self._sharpen(plan, int(one), at)
            if (job := found.decode(plan)) is not None:
                return Reading(found=True, job=job, score=round(found.score, 2))
        return Reading(found=False, job=None, score=round(float(scores.max()), 2))

    def scores(self, plan: Plan) -> Float:
        """Correlate the pilot at every scale and shift.

        Returns:
            (S, COARSE, COARSE) in standard deviations of a picture without this mark.
        """
        inside = radii() <= PILOT_HIGH
        weights = np.where(plan.signs_2f[:, inside] < 0, np.array(PLANES)[:, None], 0)
        template = (np.conj(plan.phases_2f[:, inside]) * weights).astype(np.complex64)
        half = np.zeros((len(self._hypotheses), COARSE, COARSE // 2 + 1), np.complex64)
        rows, columns = band(COARSE, PILOT_HIGH)
        half[:, rows, columns] = (self._coarse_s2f * template).sum(axis=1)
        deviation = np.sqrt(self._power @ (weights**2).astype(np.float32).ravel() / 2)
        deviation = np.maximum(deviation, FLAT)
        found = np.fft.irfft2(half, s=(COARSE, COARSE))
        return np.asarray(found * (COARSE**2 / 2 / deviation)[:, None, None], np.float32)

    def _sharpen(self, plan: Plan, one: int, at: int) -> "_Placed":
        """Find the scale and shift about a candidate at which its pilot is strongest."""
        planes, scale = self._hypotheses[one]
        moves = _shifts(*(index / COARSE for index in divmod(at, COARSE)))
        tried = []
        for finer in (1.0, 0.997, 1.003):
            half = _whiten(spectrum(planes, scale * finer, GRID))[:, *band(GRID)]
            tried.append(_Placed.of(half, plan, moves))
        return max(tried, key=lambda placed: placed.score)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """The band, turned back by a shift and by the key's phases."""

    turned_2f: NDArray[np.complex64]
    score: float

    @classmethod
    def of(
        cls,
        half_2f: NDArray[np.complex64],
        plan: Plan,
        moves_mf: NDArray[np.complex128] | None = None,
    ) -> "_Placed":
        """Take the best of some moves; none leaves the band where it is."""
        half_2f = half_2f * np.array(PLANES, np.float32)[:, None]
        pilot = plan.signs_2f < 0
        turned = np.conj(plan.phases_2f) * half_2f
        piloted = np.where(pilot, turned, 0).sum(axis=0)
        deviation = max(FLAT, np.sqrt((np.abs(half_2f[pilot]) ** 2).sum() / 2))
        if moves_mf is None:
            return cls(turned, float(piloted.sum().real / deviation))
        found = (moves_mf @ piloted).real / deviation
        best = moves_mf[found.argmax()].astype(np.complex64)
        return cls(turned * best, float(found.max()))

    def decode(self, plan: Plan) -> int | None:
        """Read the job: from the whole band, else from the lower parts of it."""
        soft = self.turned_2f.real * np.sqrt(strengths())
        for high in DECODED_TO:
            carriers = (plan.signs_2f >= 0) & (radii() <= high)
            values = np.bincount(plan.signs_2f[carriers], soft[carriers], SIGNS)
            if (job := decode(values)) is not None:
                return job
        return None


def _shifts(top: float, left: float) -> NDArray[np.complex128]:
    """What turns the band back by shifts about one: (25, F)."""
    rows, columns = band(GRID)
    y = np.where(rows > GRID // 2, rows - GRID, rows)
    fine = np.linspace(-0.6, 0.6, 5) / COARSE
    tops, lefts = (one.ravel()[:, None] for one in np.meshgrid(top + fine, left + fine))
    return np.asarray(np.exp(2j * np.pi * (tops * y + lefts * columns)))


def _hypotheses(residual: Float) -> Iterator[tuple[Float, float]]:
    """Planes and scale: cropped by so much, and turned uncropped; the plain one first.

    A scale is the long side of the picture that was marked over that of the one that is read.
    """
    for number in range(int(np.log(MAX_CROP_SCALE) / SCALE_STEP) + 1):
        yield residual, float(np.exp(number * SCALE_STEP))
    for quarters in (1, 2, 3):
        yield np.ascontiguousarray(np.rot90(residual, quarters, (1, 2))), 1.0


def _residual(picture: NDArray[np.uint8]) -> Float:
    """Chroma without what luma and low frequencies tell of it, of even local deviation.

    Returns:
        (2, h, w), its long side at most WORK_PX.
    """
    height, width = picture.shape[:2]
    shrink = min(1.0, WORK_PX / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    rgb = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    luma = rgb @ LUMA_WEIGHTS
    wide, narrow = (round(max(size) / part) | 1 for part in (1.25 * LOW, 12))
    luma_mean = _average(luma, narrow)
    variance = np.maximum(_average(luma * luma, narrow) - luma_mean**2, 0)
    planes, means = [], []
    for chroma in ((rgb[..., 2] - luma) / B_FROM_CB, (rgb[..., 0] - luma) / R_FROM_CR):
        mean = _average(chroma, narrow)
        slope = (_average(luma * chroma, narrow) - luma_mean * mean) / (variance + 20)
        rest = chroma - _average(slope, narrow) * (luma - luma_mean)
        rest = rest - _average(rest, wide)
        rest /= np.sqrt(_average(rest * rest, narrow) + 1)
        planes.append(np.clip(rest, -2.5, 2.5))
        means.append(mean)
    gain = np.sqrt(gain_of(luma, cv2.magnitude(*means)))
    return np.asarray(np.stack(planes) * gain, np.float32)


def _average(plane: Float, size: int) -> Float:
    return np.asarray(cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT))


def spectrum(planes_2hw: Float, scale: float, grid: int) -> NDArray[np.complex64]:
    """Transform planes that take 1 / scale of a periodic grid: (2, grid, grid // 2 + 1)."""
    height, width = planes_2hw.shape[1:]
    step = max(height, width) * scale / grid
    rows, columns = (min(grid, max(1, round(side / step))) for side in (height, width))
    to_plane = np.array([[step, 0, step / 2 - 0.5], [0, step, step / 2 - 0.5]])
    laid = np.zeros((2, grid, grid), np.float32)
    for plane, into in zip(planes_2hw, laid, strict=True):
        smooth = cv2.GaussianBlur(plane, (0, 0), 0.35 * step) if step > 1.2 else plane
        into[:rows, :columns] = cv2.warpAffine(
            smooth, to_plane, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
    return np.asarray(np.fft.rfft2(laid), np.complex64)


def _whiten(half: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Make all frequencies about equally strong, those that tower over their neighbours most."""
    sizes = np.abs(half)
    around = np.stack([cv2.blur(plane, (5, 5)) for plane in sizes])
    return np.asarray(half / (sizes + 3 * around + 1e-12))
