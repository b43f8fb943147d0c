"""Pictures in memory as encoded bytes, so that they go the way of a file: the steps know no other.

Nothing is lost on it: arrays become TIFF without compression, PIL pictures PNG.
"""

import io
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

PNG_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
"""Modes of Pillow that PNG keeps as they are."""
CONVERTED: Final = frozenset({"CMYK", "HSV", "LAB", "PA", "RGBX", "YCbCr"})
"""Modes of 8 bits that become RGB first."""


def encode_array(pixels: NDArray[Any]) -> bytes:
    """Encode an array.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB, sRGB-encoded; uint8 or uint16.

    Raises:
        ValueError: another shape or type.
    """
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not fits or pixels.dtype not in (np.uint8, np.uint16) or not pixels.size:
        raise ValueError(
            f"an array of {pixels.dtype}, shape {pixels.shape}: must be (H, W) grey or "
            "(H, W, 3) RGB, uint8 or uint16"
        )
    sink = io.BytesIO()
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(sink, np.ascontiguousarray(pixels), photometric=kind)
    return sink.getvalue()


def encode_pillow(picture: Image.Image) -> bytes:
    """Encode a picture of Pillow, with its ICC profile and its orientation.

    Raises:
        ValueError: its mode has more than 16 bits a sample.
    """
    profile = picture.info.get("icc_profile")
    if picture.mode in CONVERTED:
        picture, profile, exif = picture.convert("RGB"), None, picture.getexif()
    elif picture.mode in PNG_MODES:
        exif = picture.getexif()
    else:
        raise ValueError(f"a picture of mode {picture.mode}: give an array of uint8 or uint16")
    sink = io.BytesIO()
    picture.save(sink, "PNG", compress_level=1, icc_profile=profile, exif=exif)
    return sink.getvalue()
