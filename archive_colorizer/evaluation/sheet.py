"""The contact sheet: grey, what each model makes of it, truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

HEADER_PX: Final = 28
GAP_PX: Final = 4
CELL_PX: Final = 256


def write_sheet(
    path: Path, titles: Sequence[str], rows: Sequence[Sequence[NDArray[np.uint8]]]
) -> None:
    """Write a PNG with one picture a row and one title a column.

    Args:
        path: of the PNG; replaced where it is there.
        titles: of the columns.
        rows: (H, W, 3) sRGB pictures, as many in each row as titles; larger ones are reduced.
    """
    step = CELL_PX + GAP_PX
    sheet = Image.new("RGB", (step * len(titles), HEADER_PX + step * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for column, title in enumerate(titles):
        draw.text((column * step + 2, 6), _shortened(title, font), fill="black", font=font)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            cell = Image.fromarray(picture)
            cell.thumbnail((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
            sheet.paste(cell, (column * step, HEADER_PX + row * step))
    sheet.save(path, "PNG")


def _shortened(title: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The title's end, where it is too long: of a path the end says most."""
    if font.getlength(title) <= CELL_PX - 4:
        return title
    while font.getlength("..." + title) > CELL_PX - 4:
        title = title[1:]
    return "..." + title
