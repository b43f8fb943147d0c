"""ICC profiles: into sRGB, and the sRGB profile that derivatives carry."""

import io
from functools import lru_cache
from typing import Final

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from archive_colorizer.imaging.faults import PictureFault

DATE: Final = slice(24, 36)
"""Where a profile holds the time of its making."""


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The sRGB profile; the same bytes at every call and in every run."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[DATE] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(data)


def is_srgb(icc: bytes, name: str) -> bool:
    """Whether a profile is sRGB by its description, so that nothing needs converting."""
    return "srgb" in name.lower()


def gray_table(icc: bytes) -> NDArray[np.uint16] | None:
    """Tabulate a grey profile for each 16-bit value.

    Returns:
        (65536,) uint16, sRGB-encoded; None when the profile cannot be used.
    """
    ramp = np.arange(65536, dtype=np.uint16)[None]
    try:
        rgb = imagecodecs.cms_transform(
            ramp, icc, srgb_profile(), colorspace="gray", outcolorspace="rgb", outdtype="uint16"
        )
    except (RuntimeError, ValueError, TypeError):
        return None
    return np.ascontiguousarray(rgb.reshape(65536, 3)[:, 1])


def rgb_to_srgb(rgb_hwc: NDArray[np.generic], icc: bytes) -> NDArray[np.generic] | None:
    """Convert RGB with a profile to sRGB.

    Args:
        rgb_hwc: (H, W, 3) uint8 or uint16.
        icc: an RGB profile.

    Returns:
        The same shape and type; None when the profile cannot be used.
    """
    try:
        return np.asarray(
            imagecodecs.cms_transform(
                rgb_hwc, icc, srgb_profile(), colorspace="rgb", outcolorspace="rgb"
            )
        )
    except (RuntimeError, ValueError, TypeError):
        return None


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
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise PictureFault("bad_icc", f"CMYK with a broken ICC profile: {error}") from error
    if done is None:
        raise PictureFault("bad_icc", "CMYK with an ICC profile that gives no picture")
    return np.asarray(done)


def apply_table(gray_hw: NDArray[np.generic], table: NDArray[np.uint16]) -> NDArray[np.generic]:
    """Look grey values up in a 16-bit table. (H, W) uint8 or uint16 -> the same type."""
    if gray_hw.dtype == np.uint8:
        small = np.rint(table[np.arange(256) * 257] / 257).astype(np.uint8)
        return np.asarray(cv2.LUT(gray_hw, small))
    return np.asarray(table[gray_hw])
