"""Compose: the master's luma or lightness with the model's chroma, strip by strip.

Two promises, two ways. JPEG stores luma and chroma apart: the master's Y' goes to the encoder as it
is (`ycc_planes`). PNG and TIFF store RGB: there CIE L* is kept, in linear light (`rgb_strips`).
Chroma that does not fit the gamut is reduced towards grey, never clipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

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
from archive_colorizer.imaging.decode import luma_of, to_8_bits
from archive_colorizer.imaging.halving import evened, halved
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.upsample import ChromaMap, Method, chroma_map

STRIP_PIXELS: Final = 1 << 18
"""Pixels of one strip: small enough for the processor's cache."""
BLOCKS_OF_STRIP: Final = 1 << 17
"""Blocks of 2 x 2 pixels of which chroma is made at a time: its ten planes stay in the cache."""
ENCODE_STEPS: Final = 1 << 16


class Planes(NamedTuple):
    """A picture as a 4:2:0 JPEG holds it (JFIF), uint8.

    Whatever changes chroma without touching luminance does so on these, between composing and
    encoding.
    """

    luma: NDArray[np.uint8]
    """Y' (H, W); the memory behind it goes on to even sides."""
    cb: NDArray[np.uint8]
    """(ceil(H/2), ceil(W/2))."""
    cr: NDArray[np.uint8]
    """(ceil(H/2), ceil(W/2))."""


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

    def ycc_planes(self) -> Planes:
        """Planes for a 4:2:0 JPEG."""
        height, width = self.luma_hw.shape
        even = evened(to_8_bits(self.luma_hw))
        half_h, half_w = even.shape[0] // 2, even.shape[1] // 2
        cb, cr = np.empty((half_h, half_w), np.uint8), np.empty((half_h, half_w), np.uint8)
        rows = max(1, BLOCKS_OF_STRIP // half_w)
        for top in range(0, half_h, rows):
            at = slice(top, top + rows)
            cb[at], cr[at] = self._half_chroma(even[2 * top : 2 * (top + rows)], top, half_h)
        return Planes(even[:height, :width], cb, cr)

    def _half_chroma(
        self, strip: NDArray[np.uint8], top: int, half_h: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Chroma for each 2 x 2 block of a strip, fit for its darkest and its lightest pixel."""
        low, high, mean = blocks_of(strip)
        cb, cr = self.chroma.at(mean, top, half_h)
        scale = gamut_scale(low, high, cb, cr)
        return _to_bytes(cb, scale), _to_bytes(cr, scale)

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
        strip = self.luma_hw[top:bottom]
        luma = np.asarray(strip, np.float32) / np.float32(self.top_value)
        cb, cr = self.chroma.at(luma, top, self.luma_hw.shape[0])
        target = linear_table(self.top_value)[strip]
        linear = _linear_rgb(luma, cb, cr, target)
        return encode_table(bits)[np.rint(linear * (ENCODE_STEPS - 1)).astype(np.uint16)]


def compose(
    luma_hw: NDArray[Any], chroma: NetworkMap | NDArray[Any], method: Method = "guided"
) -> Composer:
    """Join a master's luma with small chroma.

    Args:
        luma_hw: (H, W) uint8 or uint16, upright, sRGB-encoded.
        chroma: CIE Lab a and b as the network says them, or (2, h, w) that divide the picture
            evenly; no larger than the luma.
        method: how chroma is brought to full size.
    """
    if not isinstance(chroma, NetworkMap):
        chroma = NetworkMap.of_pixels(np.moveaxis(chroma, 0, 2))
    return Composer(luma_hw, chroma_map(luma_hw, chroma, method))


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
    red, blue = R_FROM_CR * cr, B_FROM_CB * cb
    green = np.asarray(cv2.addWeighted(cb, G_FROM_CB, cr, G_FROM_CR, 0.0)).reshape(cb.shape)
    up = np.maximum(np.maximum(red, green), np.maximum(blue, np.float32(1e-6)))
    down = np.minimum(np.minimum(red, green), np.minimum(blue, np.float32(-1e-6)))
    # Each plane is written over once it is not needed: memory is what this costs.
    np.divide(1 - high, up, out=up)
    np.divide(-low, down, out=down)
    np.minimum(up, down, out=up)
    return np.asarray(np.minimum(up, np.float32(1), out=up))


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
    return evened(luma_hw)[:height, :width]


def blocks_of(strip: NDArray[np.uint8]) -> tuple[Float, Float, Float]:
    """Smallest, largest and mean value of each 2 x 2 block of a strip of even sides, in [0, 1]."""
    rows, columns = strip.shape
    # Of neighbours in a row: OpenCV takes pairs apart in vectors, numpy's strides do not.
    low, high = (
        pick(*cv2.split(pick(strip[::2], strip[1::2]).reshape(rows // 2, columns // 2, 2)))
        for pick in (cv2.min, cv2.max)
    )
    scale = np.float32(1 / 255)
    return low * scale, high * scale, halved(strip) * scale


def _to_bytes(plane: Float, scale: Float) -> NDArray[np.uint8]:
    """Centred chroma in the gamut, times a factor, as bytes about 128."""
    np.multiply(plane, scale, out=plane)
    # Never below zero, where this would take the absolute value: 255 * -0.5 + 128 is 0.5.
    return np.asarray(cv2.convertScaleAbs(plane, alpha=255, beta=128))


@dataclass(frozen=True, slots=True)
class WholePicture:
    """RGB that keeps nothing of the master's luminance."""

    rgb_hw3: NDArray[np.uint8]

    @property
    def luma_hw(self) -> NDArray[np.uint8]:
        """Its own Y'."""
        return luma_of(self.rgb_hw3)

    def ycc_planes(self) -> Planes:
        """Planes for a 4:2:0 JPEG."""
        height, width = self.rgb_hw3.shape[:2]
        ycc = cv2.cvtColor(evened(self.rgb_hw3), cv2.COLOR_RGB2YCrCb)
        luma, cr, cb = cv2.split(ycc)
        return Planes(
            np.asarray(luma)[:height, :width], halved(np.asarray(cb)), halved(np.asarray(cr))
        )

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Strips of (rows, W, 3) uint8, or uint16 when 16 bits are asked for."""
        for top in range(0, len(self.rgb_hw3), rows):
            strip = self.rgb_hw3[top : top + rows]
            yield strip if bits == 8 else strip.astype(np.uint16) * 257
