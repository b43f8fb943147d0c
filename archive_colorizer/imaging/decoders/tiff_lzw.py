"""LZW segments of a TIFF through libtiff: imagecodecs' own decoder kills the process on bad codes.

Each segment is wrapped as a small grey TIFF of bytes, which Pillow hands to libtiff; predictor,
depth and layout stay tifffile's.
"""

import io
import math
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

LZW: Final = 5


def segments(source: BinaryIO, page: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Decode a page's segments as `TiffPage.segments` does: (pixels, index, shape) each.

    Raises:
        OSError: bad codes, or too few of them.
    """
    reverse = page.fillorder == 2
    # What is left for tifffile is a page that is not compressed.
    page.compression, page.fillorder = tifffile.COMPRESSION.NONE, 1
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    width = page.tilewidth if page.is_tiled else page.imagewidth
    row_bytes = math.ceil(width * samples * page.bitspersample / 8)
    for number, (at, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        _, index, shape = page.decode(None, number)
        source.seek(at)
        data = source.read(size)
        if not data:
            yield None, index, shape
            continue
        data = bytes(imagecodecs.bitorder_decode(data)) if reverse else data
        yield page.decode(decode_lzw(data, shape[1], row_bytes), number)


def decode_lzw(data: bytes, rows: int, row_bytes: int) -> bytes:
    """Decode rows * row_bytes bytes.

    Raises:
        OSError: bad codes, or too few of them.
    """
    entries = (
        (256, row_bytes), (257, rows), (258, 8), (259, LZW), (262, 1),
        (273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, rows), (279, len(data)),
    )  # fmt: skip
    ifd = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    with Image.open(io.BytesIO(head + ifd + bytes(4) + data), formats=["TIFF"]) as image:
        return np.asarray(image).tobytes()
