"""Compose: the master's luma or lightness with the model's chroma, strip by strip.

Two promises, two ways. JPEG stores luma and chroma apart: the master's Y' goes to the encoder as it
is (`ycc_planes`). PNG and TIFF store RGB: there CIE L* is kept, in linear light (`rgb_strips`).
Chroma that does not fit the gamut is reduced towards grey, never clipped.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import (
    B_FROM_CB,
    G_FROM_CB,
    G_FROM_CR,
    LUMINANCE_WEIGHTS,
    R_FROM_CR,
    Float,
    encode_srgb,
    linear_table,
)
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.imaging.upsample import ChromaMap, Method, chroma_map

STRIP_PIXELS: Final = 1 << 18
"""Pixels of one strip: small enough for the processor's cache."""
ENCODE_STEPS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Composer:
    """A master's luma and the chroma that goes with it."""

    luma_hw: NDArray[Any]
    """(H, W) uint8 or uint16, upright, sRGB-encoded."""
    chroma: ChromaMap

    @property
    def top_value(self) -> int:
        """Largest value of the luma's type."""
        return int(np.iinfo(self.luma_hw.dtype).max)

    def ycc_planes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Planes for a 4:2:0 JPEG.

        Returns:
            Y' (H, W), Cb and Cr (ceil(H/2), ceil(W/2)), all uint8.
        """
        luma = self.luma_hw
        if luma.dtype != np.uint8:
            luma = cv2.convertScaleAbs(luma, alpha=1 / 257)
        height, width = luma.shape
        half = (math.ceil(height / 2), math.ceil(width / 2))
        cb, cr = np.empty(half, np.uint8), np.empty(half, np.uint8)
        rows = max(2, STRIP_PIXELS // max(1, width) // 2 * 2)
        for top in range(0, height, rows):
            strip = luma[top : top + rows]
            at = slice(top // 2, top // 2 + math.ceil(strip.shape[0] / 2))
            cb[at], cr[at] = self._half_chroma(strip, top // 2)
        return pad_to_even(luma), cb, cr

    def _half_chroma(
        self, strip: NDArray[np.uint8], top: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Chroma for each 2 x 2 block of a strip, fit for its darkest and its lightest pixel."""
        low, high, mean = _blocks(strip)
        height, width = (math.ceil(side / 2) for side in self.luma_hw.shape)
        proxy_h, proxy_w = self.chroma.coefficients_hw4.shape[:2]
        cb, cr = self.chroma.at(mean, top, proxy_h / height, proxy_w / width)
        scale = gamut_scale(low, high, cb, cr)
        return _to_bytes(cb * scale), _to_bytes(cr * scale)

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """RGB with the master's L*, from top to bottom.

        Args:
            bits: 8 or 16 a sample.
            rows: of each strip; the last may have fewer.

        Returns:
            Strips of (rows, W, 3) uint8 or uint16.
        """
        height = self.luma_hw.shape[0]
        for top in range(0, height, rows):
            yield self.rgb_rows(bits, top, min(top + rows, height))

    def rgb_rows(self, bits: int, top: int, bottom: int) -> NDArray[Any]:
        """RGB of some rows with the master's L*: (bottom - top, W, 3) uint8 or uint16."""
        height, width = self.luma_hw.shape
        proxy_h, proxy_w = self.chroma.coefficients_hw4.shape[:2]
        strip = self.luma_hw[top:bottom]
        luma = np.asarray(strip, np.float32) / np.float32(self.top_value)
        cb, cr = self.chroma.at(luma, top, proxy_h / height, proxy_w / width)
        target = linear_table(self.top_value)[strip]
        linear = _linear_rgb(luma, cb, cr, target)
        return encode_table(bits)[np.rint(linear * (ENCODE_STEPS - 1)).astype(np.uint16)]


def compose(luma_hw: NDArray[Any], ab_2hw: NDArray[Any], method: Method = "guided") -> Composer:
    """Join a master's luma with chroma at proxy size.

    Args:
        luma_hw: (H, W) uint8 or uint16, upright, sRGB-encoded.
        ab_2hw: CIE Lab a and b, (2, h, w), h and w no larger than H and W.
        method: how chroma is brought to full size.
    """
    size = (ab_2hw.shape[2], ab_2hw.shape[1])
    small = cv2.resize(luma_hw, size, interpolation=cv2.INTER_AREA)
    gray = small.astype(np.float32) / np.iinfo(luma_hw.dtype).max
    return Composer(luma_hw, chroma_map(gray, ab_2hw, method))


def gamut_scale(low: Float, high: Float, cb: Float, cr: Float) -> Float:
    """How much of the chroma fits at constant luma.

    Args:
        low: smallest luma of a place, in [0, 1].
        high: largest luma of a place, in [0, 1].
        cb: centred Cb.
        cr: centred Cr.

    Returns:
        A factor in [0, 1]; with it every R'G'B' of the place lies in [0, 1].
    """
    red, green, blue = R_FROM_CR * cr, G_FROM_CB * cb + G_FROM_CR * cr, B_FROM_CB * cb
    up = np.maximum(np.maximum(red, green), np.maximum(blue, 1e-6))
    down = np.maximum(np.maximum(-red, -green), np.maximum(-blue, 1e-6))
    scale = np.minimum((1 - high) / up, low / down)
    return np.asarray(np.minimum(scale, 1), np.float32)


@lru_cache(maxsize=2)
def encode_table(bits: int) -> NDArray[Any]:
    """The tone curve of sRGB as a table of ENCODE_STEPS linear values -> uint8 or uint16.

    Sixteen bits of linear light are too coarse for the darkest sRGB values at 16 bits (the steps
    there are 13 wide), and exact at 8.
    """
    top, dtype = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    linear = np.arange(ENCODE_STEPS, dtype=np.float32) / (ENCODE_STEPS - 1)
    return np.rint(encode_srgb(linear) * top).astype(dtype)


def _linear_rgb(luma: Float, cb: Float, cr: Float, target: Float) -> Float:
    """Linear RGB whose luminance is `target`, with the chromaticity of (luma, cb, cr)."""
    encoded = np.stack(
        (luma + R_FROM_CR * cr, luma + G_FROM_CB * cb + G_FROM_CR * cr, luma + B_FROM_CB * cb),
        axis=-1,
    )
    encoded *= ENCODE_STEPS - 1
    steps = np.clip(encoded, 0, ENCODE_STEPS - 1).astype(np.uint16)
    linear = linear_table(ENCODE_STEPS - 1)[steps]
    luminance = linear @ LUMINANCE_WEIGHTS
    linear *= (target / np.maximum(luminance, 1e-6))[..., None]
    linear -= target[..., None]
    # By channel: reducing an axis of three is ten times slower.
    red, green, blue = (linear[..., i] for i in range(3))
    up = np.maximum(np.maximum(red, green), np.maximum(blue, 1e-6))
    down = np.maximum(-np.minimum(np.minimum(red, green), blue), 1e-6)
    scale = np.minimum(np.minimum((1 - target) / up, target / down), 1)
    linear *= scale[..., None]
    linear += target[..., None]
    return np.asarray(np.clip(linear, 0, 1), np.float32)


def pad_to_even(luma_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same plane as a view into one of even sides, its edges repeated.

    The encoder reads whole 2 x 2 blocks of luma: beyond an odd side that would be foreign memory.
    """
    height, width = luma_hw.shape
    if not (height % 2 or width % 2):
        return np.ascontiguousarray(luma_hw)
    return np.pad(luma_hw, ((0, height % 2), (0, width % 2)), mode="edge")[:height, :width]


def _blocks(strip: NDArray[np.uint8]) -> tuple[Float, Float, Float]:
    """Smallest, largest and mean luma of each 2 x 2 block, in [0, 1]; edges are repeated."""
    rows, columns = strip.shape
    if rows % 2 or columns % 2:
        strip = np.pad(strip, ((0, rows % 2), (0, columns % 2)), mode="edge")
    a, b, c, d = strip[::2, ::2], strip[::2, 1::2], strip[1::2, ::2], strip[1::2, 1::2]
    low = np.minimum(np.minimum(a, b), np.minimum(c, d))
    high = np.maximum(np.maximum(a, b), np.maximum(c, d))
    size = (strip.shape[1] // 2, strip.shape[0] // 2)
    mean = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
    scale = np.float32(1 / 255)
    return low * scale, high * scale, np.asarray(mean * scale)


def _to_bytes(plane: Float) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(plane * 255 + 128), 0, 255), np.uint8)


@dataclass(frozen=True, slots=True)
class WholePicture:
    """RGB that keeps nothing of the master's luminance."""

    rgb_hw3: NDArray[np.uint8]

    @property
    def luma_hw(self) -> NDArray[np.uint8]:
        """Its own Y'."""
        return luma_of(self.rgb_hw3)

    def ycc_planes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Y' (H, W), Cb and Cr (ceil(H/2), ceil(W/2)), uint8, as JFIF has them."""
        height, width = self.rgb_hw3.shape[:2]
        ycc = cv2.cvtColor(np.ascontiguousarray(self.rgb_hw3), cv2.COLOR_RGB2YCrCb)
        even = np.pad(ycc, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        half = cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cr, cb = (np.ascontiguousarray(half[..., i]) for i in (1, 2))
        return pad_to_even(np.asarray(ycc[..., 0])), cb, cr

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Strips of (rows, W, 3) uint8, or uint16 when 16 bits are asked for."""
        for top in range(0, len(self.rgb_hw3), rows):
            strip = self.rgb_hw3[top : top + rows]
            yield strip if bits == 8 else strip.astype(np.uint16) * 257
