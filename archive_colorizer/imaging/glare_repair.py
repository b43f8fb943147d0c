"""Repair of what a reflection has damaged: chroma, and on request luminance, from around it.

Nothing outside of the mask changes. Axes: h height, w width.
"""

from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.glare import Mask
from archive_colorizer.imaging.network_map import NetworkMap

SMALLEST_PX: Final = 2
"""Sides at which a pyramid ends."""
MARGIN: Final = 1 / 32
"""Share of the short side about a mask whose chroma is not filled from: the network sees the light
from there, too. Chosen on the photographs that the repair is measured on."""
BLUR: Final = 1 / 100
"""Share of the short side over which a reflection's light is averaged."""


def repair_chroma(ab_2hw: NDArray[Any], mask_hw: Mask) -> NDArray[Any]:
    """Fill chroma inside a mask from around it.

    Args:
        ab_2hw: CIE Lab a and b, (2, h, w).
        mask_hw: (H, W) of the same picture at any size: True where it is damaged.

    Returns:
        The same type; bit-equal outside of the mask.
    """
    height, width = ab_2hw.shape[1:]
    damaged = _at_size(mask_hw, (height, width))
    if not damaged.any() or damaged.all():
        return ab_2hw
    planes = np.moveaxis(ab_2hw, 0, 2).astype(np.float32)
    filled = fill(planes, _with_margin(damaged, MARGIN))
    return np.where(damaged, np.moveaxis(filled, 2, 0), ab_2hw).astype(ab_2hw.dtype)


def repair_cells(chroma: NetworkMap, mask_hw: Mask) -> NetworkMap:
    """Fill chroma inside a mask, cell by cell, as `repair_chroma` does.

    Args:
        chroma: CIE Lab a and b.
        mask_hw: of the chroma's picture at any size; where it ends, its edge goes on.
    """
    mask = _at_size(mask_hw, chroma.size)
    beyond = [(0, whole - side) for whole, side in zip(chroma.padded, chroma.size, strict=True)]
    planes = repair_chroma(np.moveaxis(chroma.cells_hwc, 2, 0), np.pad(mask, beyond, mode="edge"))
    return replace(chroma, cells_hwc=np.ascontiguousarray(np.moveaxis(planes, 0, 2)))


def repair_luma(luma_hw: NDArray[Any], mask_hw: Mask) -> NDArray[Any]:
    """Take the light that a reflection adds off a picture's luma, and keep its texture.

    The light is how much lighter the picture is inside the mask than a fill from around it,
    blurred.

    Args:
        luma_hw: (H, W) uint8 or uint16, sRGB-encoded.
        mask_hw: (h, w) of the same picture, no larger.

    Returns:
        The same type; bit-equal outside of the mask.
    """
    height, width = luma_hw.shape
    if not mask_hw.any() or mask_hw.all():
        return luma_hw
    rows, columns = mask_hw.shape
    small = cv2.resize(luma_hw, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    light = _blurred(small - fill(small[..., None], mask_hw)[..., 0], mask_hw)
    added = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    inside = _at_size(mask_hw, (height, width))
    lessened = np.rint(np.maximum(luma_hw - added, 0)).astype(luma_hw.dtype)
    return np.where(inside, lessened, luma_hw)


def _with_margin(mask_hw: Mask, share: float) -> Mask:
    """A mask and what is near it, up to a share of the short side; the mask where that is all."""
    reach = round(share * min(mask_hw.shape))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    grown = cv2.dilate(mask_hw.astype(np.uint8), around) > 0
    return mask_hw if grown.all() else np.asarray(grown)


def _blurred(planes_hw: NDArray[np.float32], mask_hw: Mask) -> NDArray[np.float32]:
    """Average over a mask's own pixels about each, by normalised convolution; 0 outside of it."""
    weight = mask_hw.astype(np.float32)
    sigma = max(1.0, min(mask_hw.shape) * BLUR)
    total = cv2.GaussianBlur(planes_hw * weight, (0, 0), sigma)
    found = total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    return np.asarray(np.maximum(found * weight, 0), np.float32)


def _at_size(mask_hw: Mask, size: tuple[int, int]) -> Mask:
    """A mask at another size: True where any part of a pixel is in it, or near it when enlarged."""
    if mask_hw.shape == size:
        return mask_hw
    grey = mask_hw.astype(np.float32)
    shrinks = size[0] < mask_hw.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(grey, size[::-1], interpolation=how) > 0)


def fill(planes_hwc: NDArray[np.float32], damaged_hw: Mask) -> NDArray[np.float32]:
    """Fill a hole smoothly by push and pull over a pyramid (Gortler et al. 1996).

    Args:
        planes_hwc: (h, w, c).
        damaged_hw: (h, w), True in the hole; it does not cover everything.

    Returns:
        (h, w, c), equal outside of the hole.
    """
    known = (~damaged_hw).astype(np.float32)
    height, width = known.shape
    if min(height, width) <= SMALLEST_PX:
        weight = max(float(known.sum()), 1.0)
        coarse = (planes_hwc * known[..., None]).sum((0, 1), keepdims=True) / weight
        coarse = np.broadcast_to(coarse, planes_hwc.shape)
    else:
        half = ((width + 1) // 2, (height + 1) // 2)
        weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
        total = cv2.resize(planes_hwc * known[..., None], half, interpolation=cv2.INTER_AREA)
        total = total.reshape(half[1], half[0], -1) / np.maximum(weight, 1e-6)[..., None]
        small = fill(total, weight < 1e-3)
        coarse = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        coarse = coarse.reshape(planes_hwc.shape)
    return np.where(damaged_hw[..., None], coarse, planes_hwc).astype(np.float32)
