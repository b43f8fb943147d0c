"""Seeded stand-ins for painted and drawn styles, to make training pairs from photographs.

They are filters, not Monet's or a draughtsman's hand: what they are for is to give two models the
same task to learn. H height, W width.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]


def monet(rgb_hw3: Rgb, rng: np.random.Generator) -> Rgb:
    """Short brush strokes along the contours, from coarse to fine, colours raised and scattered.

    After Hertzmann, "Painterly Rendering with Curved Brush Strokes of Multiple Sizes" (1998), with
    straight strokes.

    Args:
        rgb_hw3: (H, W, 3).
        rng: places and colours the strokes.

    Returns:
        (H, W, 3).
    """
    height, width = rgb_hw3.shape[:2]
    vivid = _saturate(rgb_hw3, 1.35)
    canvas = cv2.GaussianBlur(vivid, (0, 0), max(2.0, min(height, width) / 32))
    angles = _contours(rgb_hw3)
    for share in (16, 32, 64):
        brush = max(2, min(height, width) // share)
        smooth = cv2.GaussianBlur(vivid, (0, 0), brush / 3)
        count = int(2.2 * height * width / brush**2)
        rows, columns = rng.integers(height, size=count), rng.integers(width, size=count)
        colours = smooth[rows, columns].astype(np.float32) + rng.normal(0, 9, (count, 3))
        turns = angles[rows, columns] + rng.normal(0, 0.25, count)
        reach = brush * rng.uniform(0.6, 1.6, count)
        along = np.stack((np.cos(turns), np.sin(turns)), axis=1) * reach[:, None]
        middle = np.stack((columns, rows), axis=1)
        starts, ends = np.rint(middle - along).astype(int), np.rint(middle + along).astype(int)
        for start, end, colour in zip(starts, ends, colours.clip(0, 255), strict=True):
            shade = tuple(float(v) for v in colour)
            first, last = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
            cv2.line(canvas, first, last, shade, max(1, brush // 2), cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)


def comic(rgb_hw3: Rgb, rng: np.random.Generator) -> Rgb:
    """Flat tones and dark outlines.

    Args:
        rgb_hw3: (H, W, 3).
        rng: how many tones, how heavy the lines.

    Returns:
        (H, W, 3).
    """
    flat = rgb_hw3
    for _ in range(3):
        flat = cv2.bilateralFilter(flat, 7, 40, 7)
    lab = cv2.cvtColor(np.ascontiguousarray(flat), cv2.COLOR_RGB2Lab).astype(np.float32)
    step = 256 / int(rng.integers(6, 9))
    lab[..., 0] = (np.floor(lab[..., 0] / step) + 0.5) * step
    lab[..., 1:] = (lab[..., 1:] - 128) * 1.4 + 128
    toned = cv2.cvtColor(lab.clip(0, 255).astype(np.uint8), cv2.COLOR_Lab2RGB)
    gray = cv2.cvtColor(np.ascontiguousarray(flat), cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Difference of Gaussians: a line where the picture is darker than around it.
    edge = cv2.GaussianBlur(gray, (0, 0), 1.0) - cv2.GaussianBlur(gray, (0, 0), 1.6)
    ink = np.clip(1 + edge * float(rng.uniform(0.25, 0.4)), 0, 1)[..., None]
    return np.asarray(np.rint(toned * ink), np.uint8)


def _saturate(rgb_hw3: Rgb, factor: float) -> Rgb:
    gray = cv2.cvtColor(np.ascontiguousarray(rgb_hw3), cv2.COLOR_RGB2GRAY)[..., None]
    moved = gray + factor * (rgb_hw3.astype(np.float32) - gray)
    return np.asarray(moved.clip(0, 255), np.uint8)


def _contours(rgb_hw3: Rgb) -> NDArray[np.float64]:
    """Direction along the local contour, radians, (H, W), from the smoothed structure tensor."""
    gray = cv2.cvtColor(np.ascontiguousarray(rgb_hw3), cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    parts = (across * across, down * down, across * down)
    xx, yy, xy = (cv2.GaussianBlur(part, (0, 0), 4) for part in parts)
    return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2, np.float64)
