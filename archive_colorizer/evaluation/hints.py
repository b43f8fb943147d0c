"""Whether a colour hint stays where it was set. H height, W width."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import AB_SCALE

AROUND: Final = 0.1
"""Share of the picture around a hint that it may colour: a disc."""
SEEN: Final = 3.0
"""Change of a and b, Lab units, above which a pixel counts as coloured by a hint."""
STRANGE_CHROMA: Final = 40.0


def strange_hint(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a hint that no picture asks for: 3x3 pixels of a strong colour of any hue.

    Args:
        shape: height and width, pixels.
        rng: draws place and hue.

    Returns:
        (3, H, W): a and b over 110, and a mask of 0 and 1.
    """
    height, width = shape
    top, left, hue = rng.integers(height - 2), rng.integers(width - 2), rng.uniform(0, math.tau)
    planes = np.zeros((3, height, width), np.float32)
    colour = STRANGE_CHROMA / AB_SCALE * np.array([math.cos(hue), math.sin(hue)])
    planes[:, top : top + 3, left : left + 3] = np.array([*colour, 1])[:, None, None]
    return planes


def changed_outside(
    free_2hw: NDArray[np.floating], hinted_2hw: NDArray[np.floating], mask_hw: NDArray[np.floating]
) -> float:
    """Share of the pixels outside of a hint's surroundings that it coloured.

    Args:
        free_2hw: a and b without the hint, Lab units, before they are rounded to 8 bits.
        hinted_2hw: the same with it.
        mask_hw: 1 where the hint is; one hint.

    Returns:
        The share whose a and b moved by more than SEEN, in [0, 1]; 0: the hint is local.
    """
    height, width = mask_hw.shape
    row, column = np.argwhere(mask_hw > 0).mean(axis=0)
    rows, columns = np.ogrid[:height, :width]
    far = np.hypot(rows - row, columns - column) > math.sqrt(AROUND * height * width / math.pi)
    return float((np.hypot(*(hinted_2hw - free_2hw))[far] > SEEN).mean())
