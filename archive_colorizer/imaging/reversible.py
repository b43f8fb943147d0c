"""Colour that can be taken off again: a grey JPEG's own luminance with chroma beside it.

The derivative codes the master's luminance coefficient by coefficient (`coded_luma`), in the
master's own tone curve and in its own orientation. What is composed for it is chroma alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.coded_luma import CodedLuma, colour_body, read_grey
from archive_colorizer.imaging.colour import (
    B_FROM_CB,
    G_FROM_CB,
    G_FROM_CR,
    LUMA_WEIGHTS,
    R_FROM_CR,
)
from archive_colorizer.imaging.compose import (
    STRIP_PIXELS,
    Composer,
    Planes,
    blocks_of,
    compose,
    gamut_scale,
    pad_to_even,
)
from archive_colorizer.imaging.decode import as_stored, read_luma
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.grey_profile import colour_profile
from archive_colorizer.imaging.halving import evened
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.profiles import apply_table, gray_table, is_srgb
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.imaging.upsample import Method

CURVE_STEPS: Final = 4096
"""Steps of the way back from sRGB to the master's tone curve: 16 to a level of 8 bits."""


@dataclass(frozen=True, slots=True)
class Reversible:
    """A grey master's coded luminance, and chroma for it."""

    luma_hw: NDArray[np.uint8]
    """(H, W): the master's samples as they are stored, not upright, in its own tone curve."""
    composed: Composer
    """The same in sRGB, with the model's chroma."""
    coded: CodedLuma
    curve: NDArray[np.uint16] | None
    """(65536,) the master's values -> sRGB's; None where they are the same."""
    icc: bytes
    """Profile of the derivative."""
    orientation: int
    """The master's: the derivative keeps it instead of applying it."""

    def ycc_planes(self) -> Planes:
        """Y' (H, W) as the master has it; Cb and Cr (ceil(H/2), ceil(W/2)) to go with it; uint8."""
        _, cb, cr = self.composed.ycc_planes()
        if self.curve is not None:
            cb, cr = _in_curve(self.luma_hw, self.curve, cb, cr)
        return Planes(pad_to_even(self.luma_hw), cb, cr)

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """Yield (rows, W, 3) strips in sRGB, of 8 or 16 bits a sample, from top to bottom."""
        return self.composed.rgb_strips(bits, rows)

    def body(self, planes: Planes, quality: int) -> bytes:
        """Write the JPEG from its first table to its end mark.

        Args:
            planes: of `ycc_planes`, whose luma is coded already.
            quality: of the chroma.
        """
        return colour_body(self.coded, planes.cb, planes.cr, quality)


def read_coded(source: BinaryIO, header: Header) -> CodedLuma | None:
    """Read a master's coded luminance; None where its colour could not be taken off again."""
    if header.format != "JPEG" or header.samples != 1:
        return None
    source.seek(0)
    try:
        return read_grey(source.read())
    except (ValueError, IndexError, PictureFault):
        return None


def compose_reversible(
    source: BinaryIO, header: Header, chroma: NetworkMap, method: Method, heard: Heard
) -> Reversible | None:
    """Compose chroma for a master's own coded luminance.

    Args:
        source: the master.
        header: of the master.
        chroma: CIE Lab a and b, upright.
        method: how chroma is brought to full size.
        heard: gets the decoder's words.

    Returns:
        None where the master is not a sound JPEG of one component, of 8 bits and Huffman-coded.

    Raises:
        PictureFault: as `decode.read_luma`.
    """
    coded = read_coded(source, header)
    if coded is None:
        return None
    decoded = read_luma(source, replace(header, icc=None, orientation=1))
    if decoded.damaged:  # what a decoder makes of damage is its own affair
        return None
    for words in decoded.warnings:
        heard.note(words, damage=False)
    luma, icc = decoded.pixels, header.icc
    curve = gray_table(icc) if icc and not is_srgb(icc) else None
    srgb = luma if curve is None else np.asarray(apply_table(luma, curve))
    composed = compose(srgb, _as_stored(chroma, header.orientation), method)
    return Reversible(luma, composed, coded, curve, colour_profile(icc), header.orientation)


def _as_stored(chroma: NetworkMap, orientation: int) -> NetworkMap:
    """Turn chroma as the master's pixels are stored."""
    if orientation == 1:
        return chroma
    turned = NetworkMap.of_pixels(as_stored(chroma.at_size(), orientation))
    return replace(turned, wraps=chroma.wraps)


def _in_curve(
    luma_hw: NDArray[np.uint8],
    curve: NDArray[np.uint16],
    cb: NDArray[np.uint8],
    cr: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bring chroma of sRGB into a master's tone curve, so that its profile shows the same colours.

    Args:
        luma_hw: (H, W), the master's samples.
        curve: their values in sRGB, (65536,).
        cb: (ceil(H/2), ceil(W/2)), of sRGB.
        cr: as `cb`.

    Returns:
        Cb and Cr that fit the gamut at the master's own luma.
    """
    steps = np.linspace(0, 1, CURVE_STEPS)
    back = np.interp(steps, curve / 65535, np.linspace(0, 1, 65536)).astype(np.float32)
    new_cb, new_cr = np.empty_like(cb), np.empty_like(cr)
    even = evened(luma_hw)
    rows = max(1, STRIP_PIXELS // max(1, cb.shape[1]))
    for top in range(0, len(cb), rows):
        at = slice(top, top + rows)
        low, high, mean = blocks_of(even[2 * top : 2 * (top + rows)])
        y = curve[np.rint(mean * 65535).astype(np.int64)].astype(np.float32) / 65535
        b, r = (plane[at].astype(np.float32) / 255 - np.float32(128 / 255) for plane in (cb, cr))
        rgb = (y + R_FROM_CR * r, y + G_FROM_CB * b + G_FROM_CR * r, y + B_FROM_CB * b)
        red, green, blue = (
            back[np.clip(one * (CURVE_STEPS - 1) + 0.5, 0, CURVE_STEPS - 1).astype(np.int64)]
            for one in rgb
        )
        luma = red * LUMA_WEIGHTS[0] + green * LUMA_WEIGHTS[1] + blue * LUMA_WEIGHTS[2]
        b, r = (blue - luma) / B_FROM_CB, (red - luma) / R_FROM_CR
        fits = gamut_scale(low, high, b, r)
        new_cb[at], new_cr[at] = (np.rint(one * fits * 255 + 128).clip(0, 255) for one in (b, r))
    return new_cb, new_cr
