"""ICC profiles: into sRGB, and the sRGB profile that derivatives carry."""

import io
from functools import lru_cache
from typing import Final

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from archive_colorizer.imaging.faults import PictureFault, attempt, one_line

DATE: Final = slice(24, 36)
"""Where a profile holds the time of its making."""
SRGB_WITHIN: Final = 2
"""Levels of 255 by which an sRGB profile's colours may be off: profiles round differently."""


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The sRGB profile; the same bytes at every call and in every run."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[DATE] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(data)


def icc_name(icc: bytes | None) -> str:
    """A profile's description; empty when there is none or it cannot be read."""
    if not icc:
        return ""

    def read() -> str:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return " ".join(ImageCms.getProfileDescription(profile).split())

    return attempt(read) or ""


def colour_space(icc: bytes) -> str:
    """The space of a profile's device values (ICC.1:2022, 7.2.6): RGB, GRAY, CMYK, Lab or other."""
    return icc[16:20].decode("ascii", errors="replace").strip()


@lru_cache(maxsize=64)
def is_srgb(icc: bytes) -> bool:
    """Whether a profile is sRGB by what it does to colours; a name says nothing.

    An RGB profile is compared on a lattice of 9 x 9 x 9 colours, a grey one on every value.
    """
    if colour_space(icc) == "GRAY":
        table = gray_table(icc)
        same = np.arange(65536, dtype=np.int64)
        return table is not None and bool(np.abs(table - same).max() <= SRGB_WITHIN * 257)
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    done = rgb_to_srgb(lattice, icc)
    return done is not None and bool(np.abs(done.astype(int) - lattice).max() <= SRGB_WITHIN)


@lru_cache(maxsize=16)
def gray_table(icc: bytes) -> NDArray[np.uint16] | None:
    """Tabulate a profile for each 16-bit value of grey; an RGB profile for each neutral.

    Returns:
        (65536,) uint16, sRGB-encoded; None when the profile cannot be used.
    """
    ramp = np.arange(65536, dtype=np.uint16)[None]
    if colour_space(icc) == "RGB":
        rgb = rgb_to_srgb(np.repeat(ramp[..., None], 3, axis=2), icc)
    else:
        rgb = attempt(
            lambda: imagecodecs.cms_transform(
                ramp, icc, srgb_profile(), colorspace="gray", outcolorspace="rgb", outdtype="uint16"
            )
        )
    if rgb is None:
        return None
    table = np.ascontiguousarray(rgb.reshape(65536, 3)[:, 1])
    table.flags.writeable = False  # it is kept for the next picture
    return table


def enumerated_profile(
    white: tuple[float, ...], primaries: tuple[float, ...], gamma: float | None, *, grey: bool
) -> bytes:
    """A matrix profile of stated colours.

    Args:
        white: x, y.
        primaries: x, y of red, green and blue.
        gamma: exponent of the tone curve; None is sRGB's curve.
        grey: whether the profile is for neutrals alone, so that primaries do not matter.

    Returns:
        An RGB profile, which `gray_table` takes too.
    """
    curve = {"gamma": gamma} if gamma else {"transferfunction": _srgb_curve()}
    shown = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06) if grey else primaries
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=list(shown), **curve)
    )


def _srgb_curve() -> NDArray[np.uint16]:
    """The curve of sRGB (IEC 61966-2-1) in 4,096 steps, from encoded to linear."""
    x = np.arange(4096) / 4095
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return np.round(linear * 65535).astype(np.uint16)


def rgb_to_srgb(rgb_hwc: NDArray[np.generic], icc: bytes) -> NDArray[np.generic] | None:
    """Convert RGB with a profile to sRGB.

    Args:
        rgb_hwc: (H, W, 3) uint8 or uint16.
        icc: an RGB profile.

    Returns:
        The same shape and type; None when the profile cannot be used.
    """
    rgb = attempt(
        lambda: imagecodecs.cms_transform(
            rgb_hwc, icc, srgb_profile(), colorspace="rgb", outcolorspace="rgb"
        )
    )
    return None if rgb is None else np.asarray(rgb)


def cmyk_to_srgb(image: Image.Image, icc: bytes | None) -> NDArray[np.uint8]:
    """Convert a CMYK picture through its profile.

    Returns:
        (H, W, 3) uint8.

    Raises:
        PictureFault: unsupported without a profile, bad_icc with one that cannot be used.
    """
    if not icc:
        raise PictureFault("unsupported", "CMYK without an ICC profile: its colours are unknown")
    try:
        done = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
            outputMode="RGB",
        )
    except Exception as error:
        words = one_line(error)
        raise PictureFault("bad_icc", f"CMYK with a broken ICC profile: {words}") from error
    if done is None:
        raise PictureFault("bad_icc", "CMYK with an ICC profile that gives no picture")
    return np.asarray(done)


def apply_table(gray_hw: NDArray[np.generic], table: NDArray[np.uint16]) -> NDArray[np.generic]:
    """Look grey values up in a 16-bit table. (H, W) uint8 or uint16 -> the same type."""
    if gray_hw.dtype == np.uint8:
        small = np.rint(table[np.arange(256) * 257] / 257).astype(np.uint8)
        return np.asarray(cv2.LUT(gray_hw, small))
    return np.asarray(table[gray_hw])
