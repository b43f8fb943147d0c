"""The luma of a decoded frame: its Y plane as it is, and the same as the model sees it.

H height, W width.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

FULL, LIMITED = 2, 1
"""AVCOL_RANGE_JPEG and AVCOL_RANGE_MPEG."""
BT709: Final = 1
"""AVCOL_SPC_BT709."""
PLANAR: Final = ("yuv4", "yuva4", "yuvj4", "nv12", "nv21", "nv16", "nv24", "gray")
"""Beginnings of the pixel formats whose first plane is the luma, and nothing else."""
CODED_GREYS: Final = frozenset({"h264", "hevc", "av1", "vp9", "mpeg2video", "mpeg4"})
"""Codecs whose grey pictures have the limited range where nothing says otherwise."""


@dataclass(frozen=True, slots=True)
class Luma:
    """The Y plane of a frame."""

    plane_hw: NDArray[Any]
    """uint8, or little-endian uint16 for more than 8 bits."""
    bits: int
    is_full: bool
    """Whether black is 0 and white the largest value; else 16 and 235, at 8 bits."""

    @property
    def black(self) -> int:
        """Value of black."""
        return 0 if self.is_full else 16 << (self.bits - 8)

    @property
    def white(self) -> int:
        """Value of white."""
        return (1 << self.bits) - 1 if self.is_full else 235 << (self.bits - 8)

    def seen(self) -> NDArray[np.uint8]:
        """The plane as grey from 0 to 255: (H, W) uint8."""
        if self.is_full and self.bits == 8:
            return self.plane_hw
        steps = np.arange(1 << self.bits, dtype=np.float32)
        shown = np.clip((steps - self.black) * (255 / (self.white - self.black)), 0, 255)
        table = np.rint(shown).astype(np.uint8)
        if self.bits == 8:
            return np.asarray(cv2.LUT(self.plane_hw, table))
        return np.asarray(table[np.minimum(self.plane_hw, len(table) - 1)])

    def at_depth(self, bits: int, *, full: bool) -> NDArray[Any]:
        """The plane at another depth and range; the same values where they are its own."""
        if (bits, full) == (self.bits, self.is_full):
            return self.plane_hw
        dtype = np.uint8 if bits == 8 else np.uint16
        if full == self.is_full is False and bits >= self.bits:
            return np.asarray(np.left_shift(self.plane_hw.astype(dtype), bits - self.bits))
        to = Luma(self.plane_hw, bits, full)
        scale = (to.white - to.black) / (self.white - self.black)
        moved = (self.plane_hw.astype(np.float32) - self.black) * scale + to.black
        return np.asarray(np.rint(np.clip(moved, 0, (1 << bits) - 1)).astype(dtype))


def luma_of(frame: VideoFrame, codec: str) -> Luma:
    """Take a frame's luma; colours that have none of their own (RGB) get the one of BT.709.

    Args:
        frame: as it was decoded.
        codec: its name.
    """
    plain, bits = _plain(frame), frame.format.components[0].bits
    if plain is not frame:
        bits = plain.format.components[0].bits
    dtype = np.uint8 if bits <= 8 else np.dtype("<u2")
    plane = plain.planes[0]
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
    luma_hw = np.ascontiguousarray(rows[: plain.height, : plain.width])
    return Luma(luma_hw, max(8, bits), _is_full(plain, codec))


def _plain(frame: VideoFrame) -> VideoFrame:
    """The frame in a format whose first plane is its luma."""
    form = frame.format
    name, bits = form.name, max(part.bits for part in form.components)
    if name.startswith(PLANAR) and not (form.is_big_endian and bits > 8):
        return frame
    if name.startswith(("mono", "ya8", "gray")):
        wide = "gray" if bits <= 8 else f"gray{bits}le" if bits in (10, 12, 14) else "gray16le"
        return frame.reformat(format=wide)
    wide = "yuv444p" if bits <= 8 else "yuv444p10le" if bits <= 10 else "yuv444p16le"
    if form.is_rgb or name == "pal8":
        return frame.reformat(format=wide, dst_colorspace=BT709, dst_color_range=LIMITED)
    return frame.reformat(format=wide)


def _is_full(frame: VideoFrame, codec: str) -> bool:
    name = frame.format.name
    if frame.color_range in (FULL, LIMITED):
        return bool(frame.color_range == FULL)
    return name.startswith("yuvj") or (name.startswith("gray") and codec not in CODED_GREYS)
