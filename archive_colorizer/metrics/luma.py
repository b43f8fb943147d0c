"""How good an enlarged picture is: PSNR on Y, beside bicubic. H height, W width.

Reduction and the bicubic baseline are Pillow's bicubic (antialiased when reducing, a = -0.5), which
is MATLAB's `imresize` but for rounding; published tables use the latter.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.metrics import picture

Rgb = NDArray[np.uint8]


def luma_601(rgb_hw3: Rgb) -> NDArray[np.float64]:
    """Y of YCbCr as tables of super-resolution use it (ITU-R BT.601, 16 to 235): (H, W)."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return np.asarray(16 + rgb_hw3.astype(np.float64) @ weights)


def psnr_y(made_hw3: Rgb, truth_hw3: Rgb, shave: int) -> float:
    """PSNR of Y in dB, peak 255, without `shave` pixels at each edge; infinite where equal."""
    inside = slice(shave, -shave or None)
    difference = (luma_601(made_hw3) - luma_601(truth_hw3))[inside, inside]
    return picture.psnr(float(np.mean(difference**2)))


def reduced(rgb_hw3: Rgb, scale: int) -> Rgb:
    """A picture whose sides are multiples of `scale`, made smaller by it."""
    height, width = rgb_hw3.shape[:2]
    return resized(rgb_hw3, width // scale, height // scale)


def resized(rgb_hw3: Rgb, width: int, height: int) -> Rgb:
    """By Pillow's bicubic."""
    image = Image.fromarray(np.ascontiguousarray(rgb_hw3))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def through_jpeg(rgb_hw3: Rgb, quality: int) -> Rgb:
    """Encoded and decoded again; quality 0 leaves it as it is."""
    if not quality:
        return rgb_hw3
    bgr = np.ascontiguousarray(rgb_hw3[..., ::-1])
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
