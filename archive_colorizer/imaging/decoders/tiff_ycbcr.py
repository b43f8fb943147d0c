"""YCbCr in TIFF without JPEG (TIFF 6.0, section 21): chroma subsampled in data units."""

import math
from typing import Any, BinaryIO

import numpy as np
import tifffile

from archive_colorizer.imaging.decoders import tiff_lzw
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.samples import Pixels

SUBSAMPLING, COEFFICIENTS, REFERENCE = 530, 529, 532


def read_rgb(source: BinaryIO, page: Any) -> Pixels:  # noqa: ANN401 (tifffile's page)
    """Decode a page of 8 bits in strips or tiles.

    Returns:
        (H, W, 3) uint8.

    Raises:
        PictureFault: unsupported depth, planes or predictor; truncated.
    """
    across, down = _tag(page, SUBSAMPLING, (2, 2))
    if page.bitspersample != 8 or page.samplesperpixel != 3 or page.planarconfig != 1:
        raise PictureFault("unsupported", "TIFF of YCbCr not of 3 x 8 bits in one plane")
    if (
        page.predictor != 1
        or page.fillorder != 1
        or across not in {1, 2, 4}
        or down not in {1, 2, 4}
    ):
        raise PictureFault("unsupported", "TIFF of YCbCr with a predictor or odd subsampling")
    height, width = page.imagelength, page.imagewidth
    picture = np.zeros((height, width, 3), np.uint8)
    rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, height)
    columns = page.tilewidth if page.is_tiled else width
    in_a_row = math.ceil(width / columns)
    decompress = tifffile.TIFF.DECOMPRESSORS[page.compression]
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    for number, (at, size) in enumerate(segments):
        top, left = number // in_a_row * rows, number % in_a_row * columns
        room = picture[top : top + rows, left : left + columns]
        if not room.size:
            continue
        source.seek(at)
        data = source.read(size)
        high = rows if page.is_tiled else room.shape[0]
        if page.compression == tiff_lzw.LZW:
            units = math.ceil(high / down) * math.ceil(columns / across)
            data = tiff_lzw.decode_lzw(data, 1, units * (across * down + 2))
        elif decompress:
            data = decompress(data)
        units = _units(data, (high, columns), (down, across))
        room[...] = _to_rgb(units, page)[: room.shape[0], : room.shape[1]]
    return picture


def _units(data: bytes, size: tuple[int, int], step: tuple[int, int]) -> Pixels:
    """Data units (Y of step[0] x step[1] pixels, Cb, Cr) -> (rows, columns, 3), at least `size`."""
    (rows, columns), (down, across) = size, step
    high, wide, each = math.ceil(rows / down), math.ceil(columns / across), down * across + 2
    if len(data) < high * wide * each:
        raise PictureFault("truncated", f"its pixels need {high * wide * each} bytes a segment")
    units = np.frombuffer(data, np.uint8, high * wide * each).reshape(high, wide, each)
    luma = units[..., :-2].reshape(high, wide, down, across).swapaxes(1, 2)
    chroma = units[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return np.dstack([luma.reshape(high * down, wide * across), chroma])


def _to_rgb(ycc: Pixels, page: Any) -> Pixels:  # noqa: ANN401 (tifffile's page)
    """(rows, columns, 3) by the page's coefficients and reference black and white."""
    red, green, blue = _fractions(_tag(page, COEFFICIENTS, (299, 1000, 587, 1000, 114, 1000)))
    black = _fractions(_tag(page, REFERENCE, (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)))
    scale = (255, 127, 127)
    y, cb, cr = (
        (ycc[..., n].astype(np.float32) - black[2 * n])
        * (scale[n] / ((black[2 * n + 1] - black[2 * n]) or 1))
        for n in range(3)
    )
    r = y + cr * (2 - 2 * red)
    b = y + cb * (2 - 2 * blue)
    g = (y - red * r - blue * b) / (green or 1)
    return np.dstack([r, g, b]).round().clip(0, 255).astype(np.uint8)


def _fractions(value: tuple[int, ...]) -> list[float]:
    return [n / (d or 1) for n, d in zip(value[::2], value[1::2], strict=True)]


def _tag(page: Any, code: int, default: Any) -> Any:  # noqa: ANN401 (tifffile's page)
    return page.tags[code].value if code in page.tags else default
