"""An archive for the review desk: grey crops of sample photographs, with odd ones among them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from archive_colorizer.demo import colour_photographs

STRANGE_NAME = "<img src=x onerror=alert(1)> & 'quotes'.jpg"
LARGE_NAME = "large plate.jpg"
"""More pixels than a preview has."""
KOREAN_NAME = "경복궁 근정전 앞뜰에서 찍은 단체 사진 1938년 가을.jpg"


def write_archive(folder: Path, crops: int = 4, width: int = 480) -> int:
    """Write grey crops of the six sample photographs in folders, a broken file and a colour one.

    Returns:
        How many of them a job colours.
    """
    number = 0
    for name, rgb in colour_photographs():
        for part, crop in enumerate(_crops(rgb, crops)):
            gray = Image.fromarray(crop).convert("L")
            gray.thumbnail((width, width))
            place = folder / ("places" if name in {"china", "rocket", "coffee"} else "people")
            place.mkdir(parents=True, exist_ok=True)
            gray.save(place / f"{name} {part + 1}.jpg", quality=90)
            number += 1
            if number in (1, 2):
                gray.save(folder / (STRANGE_NAME if number == 1 else KOREAN_NAME), quality=90)
    gray.resize((2560, 1708)).save(folder / LARGE_NAME, quality=90)
    sink = io.BytesIO()
    gray.save(sink, "JPEG")
    (folder / "cut short.jpg").write_bytes(sink.getvalue()[:4_000])
    Image.fromarray(crop).save(folder / "in colour.png")
    return number + 3


def _crops(rgb: np.ndarray, count: int) -> list[np.ndarray]:
    """Overlapping crops, each of two thirds of the sides."""
    height, width = rgb.shape[0] * 2 // 3, rgb.shape[1] * 2 // 3
    steps = [
        (top, left) for top in (0, rgb.shape[0] - height) for left in (0, rgb.shape[1] - width)
    ]
    return [rgb[top : top + height, left : left + width] for top, left in steps[:count]]
