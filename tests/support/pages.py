"""Drawn pages: a grey print beside colour, its place known."""

import cv2
import numpy as np
from numpy.typing import NDArray

GROUNDS = {
    "cream": (238, 226, 196),
    "orange": (222, 150, 60),
    "brown": (92, 70, 52),
    "green": (90, 120, 90),
    "white": (245, 245, 245),
    "grey": (128, 128, 128),
    "black": (22, 22, 24),
}
PATCHES = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (214, 126, 44), (80, 91, 166),
    (193, 90, 99), (94, 60, 108), (157, 188, 64), (56, 61, 150), (70, 148, 73), (175, 54, 60),
)  # fmt: skip


def scene(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """A grey photograph that cannot be confused when turned: light top right, dark bottom left."""
    y, x = np.mgrid[:height, :width]
    p = 70 + 90 * x / width + np.random.default_rng(seed).normal(0, 3, (height, width))
    p += 25 * np.sin(x / 9) * np.cos(y / 7)
    p[(y < height // 3) & (x > 2 * width // 3)] = 235
    p[(y > 2 * height // 3) & (x < width // 3)] = 25
    return p.clip(0, 255).astype(np.uint8)


def page_with_print(
    ground: str = "cream",
    size: tuple[int, int] = (350, 450),
    place: tuple[int, int, int, int] = (30, 30, 350, 250),
    tilt: float = 0.0,
    beside: str = "",
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A page of (height, width) and its print's corners; `place` is left, top, width, height."""
    rng = np.random.default_rng(5)
    page = np.broadcast_to(np.array(GROUNDS[ground], np.float32), (*size, 3)).copy()
    page += rng.normal(0, 2, (*size, 1)).astype(np.float32)
    left, top, width, height = place
    middle = (left + width / 2, top + height / 2)
    turn = cv2.getRotationMatrix2D(middle, -tilt, 1.0)
    box = np.array([[left, top], [left + width, top], [left + width, top + height],
                    [left, top + height]], np.float32)  # fmt: skip
    corners = (box @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    whole = np.zeros(size, np.float32)
    whole[top : top + height, left : left + width] = scene(height, width)
    mask = np.zeros(size, np.float32)
    mask[top : top + height, left : left + width] = 1
    laid, part = (cv2.warpAffine(one, turn, size[::-1]) for one in (whole, mask))
    page = page * (1 - part[..., None]) + laid[..., None]
    if beside == "target":
        for i, colour in enumerate(PATCHES):
            page[size[0] - 45 : size[0] - 25, 30 + 25 * i : 50 + 25 * i] = colour
    if beside == "stamp":
        page[size[0] - 50 : size[0] - 25, size[1] - 150 : size[1] - 70] = (190, 40, 40)
    return page.clip(0, 255).astype(np.uint8), corners
