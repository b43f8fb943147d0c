"""A face that comes with scikit-image, as lighter and darker skin."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from archive_colorizer.imaging.colour import lab_to_rgb, rgb_to_lab

SHADES: Final = {"very light": 1.0, "intermediate": 0.8, "brown": 0.65, "dark": 0.5}
"""Tone group -> the factor of L* that makes the astronaut's face one of it."""


def face(shade: float = 1.0) -> NDArray[np.uint8]:
    """(256, 256, 3): the astronaut's head, L* times the factor and chroma times its root."""
    lab = rgb_to_lab(astronaut()[40:296, 100:356])
    lab *= np.array([shade, shade**0.5, shade**0.5], np.float32)
    return np.asarray(np.rint(lab_to_rgb(lab) * 255), np.uint8)


def save_faces(folder: Path, tones: dict[str, int]) -> Path:
    """A folder with so many pictures of each tone."""
    folder.mkdir()
    for tone, count in tones.items():
        for number in range(count):
            Image.fromarray(face(SHADES[tone])).save(folder / f"{tone} {number}.png")
    return folder
