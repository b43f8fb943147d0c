"""The contact sheet: grey, what each model makes of it, truth."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

HEADER_PX: Final = 28
GAP_PX: Final = 4
CELL_PX, MIN_CELL_PX = 256, 128


def comparison_sheet(
    titles: Sequence[str], rows: Sequence[Sequence[NDArray[np.uint8]]]
) -> Image.Image:
    """Lay out one picture a row and one title a column.

    Args:
        titles: of the columns.
        rows: (H, W, 3) sRGB pictures, as many in each row as titles; larger ones are reduced.
    """
    largest = max((max(p.shape[:2]) for row in rows for p in row), default=CELL_PX)
    edge = max(MIN_CELL_PX, min(CELL_PX, largest))
    step = edge + GAP_PX
    sheet = Image.new("RGB", (step * len(titles), HEADER_PX + step * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for column, title in enumerate(titles):
        draw.text((column * step + 2, 6), _shorten(title, font, edge), fill="black", font=font)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            cell = Image.fromarray(picture)
            cell.thumbnail((edge, edge), Image.Resampling.LANCZOS)
            sheet.paste(cell, (column * step, HEADER_PX + row * step))
    return sheet


def _shorten(title: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, edge: int) -> str:
    """Cut a title that is too long to its end: the end of a path says most."""
    if font.getlength(title) <= edge - 4:
        return title
    while font.getlength("..." + title) > edge - 4:
        title = title[1:]
    return "..." + title
