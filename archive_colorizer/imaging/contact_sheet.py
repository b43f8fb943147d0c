"""Contact sheets: rows of pictures with captions, for people to look at."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

MARGIN_PX: Final = 16
CAPTION_PX: Final = 26
PAPER, INK = (250, 249, 246), (40, 40, 40)


def contact_sheet(
    rows: Sequence[Sequence[tuple[str, NDArray[Any]]]], height_px: int = 300
) -> Image.Image:
    """Pictures of one height, row by row, each under its caption.

    Args:
        rows: of (caption, picture): (H, W) or (H, W, 3) uint8.
        height_px: of every picture on the sheet.
    """
    cells = [[(caption, _scale(pixels, height_px)) for caption, pixels in row] for row in rows]
    width = max(sum(image.width + MARGIN_PX for _, image in row) for row in cells) + MARGIN_PX
    step = height_px + CAPTION_PX + MARGIN_PX
    sheet = Image.new("RGB", (width, step * len(cells) + MARGIN_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for number, row in enumerate(cells):
        left, top = MARGIN_PX, MARGIN_PX + number * step
        for caption, image in row:
            room = max(1, int(image.width / 8))
            draw.text((left, top), caption[:room], fill=INK, font=font)
            sheet.paste(image, (left, top + CAPTION_PX))
            left += image.width + MARGIN_PX
    return sheet


def _scale(pixels: NDArray[Any], height_px: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    width = max(1, round(image.width * height_px / image.height))
    return image.resize((width, height_px), Image.Resampling.LANCZOS)
