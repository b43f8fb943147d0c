"""TIFF: strips from top to bottom, or tiles with smaller copies of the picture beside them.

tifffile lays the file out; what it keeps for itself (the EXIF and GPS directories) is put in after.
"""

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from archive_colorizer.imaging import exif, exif_writing
from archive_colorizer.imaging.encodable import ZLIB_LEVEL, Encodable, Settings, Tap, rows_of
from archive_colorizer.imaging.halving import halved
from archive_colorizer.imaging.metadata import Tags

BIGTIFF_BYTES: Final = 4_000_000_000
XMP_TAG, IPTC_TAG = 700, 33723
OWN_TAGS: Final = frozenset({*exif.STRUCTURE, *exif.RESOLUTION})
"""Tags that tifffile writes of the derivative."""
TILE_PX: Final = 256
"""Sides of a tile."""
SMALLER_COPY: Final = 1
"""NewSubfileType of a level (TIFF 6.0, tag 254)."""


def write_tiff(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    """Write a TIFF of strips; a `Writer` of `encode.WRITERS`."""
    (height, width), bits = picture.luma_hw.shape, settings.bits
    rows = rows_of(height, width)
    described = _describe(tags)
    big = height * width * 3 * bits // 8 > BIGTIFF_BYTES
    with tifffile.TiffWriter(sink, bigtiff=big, byteorder="<") as writer:
        writer.write(
            map(_pack, tap.strips(picture.rgb_strips(bits, rows))),
            shape=(height, width, 3),
            rowsperstrip=rows,
            **_deflated(bits),
            **_told(tags, described, big=big),
        )
    _append_directories(sink, described, big=big)


def write_pyramid(
    picture: Encodable, sink: BinaryIO, settings: Settings, tags: Tags, tap: Tap
) -> None:
    """Write a TIFF of tiles whose SubIFDs hold the picture at a half, a quarter and so on.

    The first level goes tile row by tile row; the half of it is held in memory, and what is smaller
    is made of that. The last level fits into one tile. A `Writer` of `encode.WRITERS`.
    """
    height, width = picture.luma_hw.shape
    bits = 8 if settings.tiles == "jpeg" else settings.bits
    described, levels = _describe(tags), _count_levels(height, width)
    big = height * width * bits // 2 > BIGTIFF_BYTES  # a third more than the picture alone
    how = _tiled(settings)
    halves: list[NDArray[Any]] = []

    def bands() -> Iterator[NDArray[Any]]:
        for band in tap.strips(picture.rgb_strips(bits, TILE_PX)):
            if levels:
                halves.append(halved(band))
            yield band

    with tifffile.TiffWriter(sink, bigtiff=big, byteorder="<") as writer:
        writer.write(
            _pack_tiles(bands(), settings), shape=(height, width, 3), subifds=levels, **how,
            **_told(tags, described, big=big),
        )  # fmt: skip
        level = np.concatenate(halves) if levels else np.empty(0)
        halves.clear()
        for number in range(levels):
            level = halved(level) if number else level
            rows = (level[top : top + TILE_PX] for top in range(0, len(level), TILE_PX))
            writer.write(
                _pack_tiles(rows, settings), shape=level.shape, subfiletype=SMALLER_COPY, **how,
                iccprofile=tags.icc, software=False, metadata=None,
            )  # fmt: skip
    _append_directories(sink, described, big=big)


def _count_levels(height: int, width: int) -> int:
    """Count the halvings until a picture fits into one tile."""
    return max(0, (max(height, width) - 1) // TILE_PX).bit_length()


def _describe(tags: Tags) -> exif.Directory:
    return exif_writing.to_little_endian(exif.read_block(tags.exif)) if tags.exif else {}


def _told(tags: Tags, described: exif.Directory, *, big: bool) -> dict[str, Any]:
    """What a TIFF's first directory says of the picture, for tifffile."""
    return {
        "iccprofile": tags.icc,
        "resolution": tags.dpi or (1, 1),
        "resolutionunit": "INCH" if tags.dpi else "NONE",
        "software": False,
        "metadata": None,
        "extratags": list(_extra_tags(tags, described, big=big)),
    }


def _deflated(bits: int) -> dict[str, Any]:
    """How pixels lie that are compressed without loss, for tifffile."""
    return {
        "dtype": np.uint8 if bits == 8 else np.uint16,
        "photometric": "rgb",
        "compression": "adobe_deflate",
        "predictor": True,
    }


def _tiled(settings: Settings) -> dict[str, Any]:
    """How tiles lie, for tifffile."""
    if settings.tiles == "deflate":
        return {"tile": (TILE_PX, TILE_PX), **_deflated(settings.bits)}
    return {
        "tile": (TILE_PX, TILE_PX),
        "dtype": np.uint8,
        "photometric": "ycbcr",
        "subsampling": (2, 2),
        "compression": "jpeg",
    }


def _pack_tiles(bands: Iterator[NDArray[Any]], settings: Settings) -> Iterator[bytes]:
    """Yield the tiles of bands of TILE_PX rows; edges are filled by repetition."""
    for band in bands:
        height, width = band.shape[:2]
        filled = np.pad(band, [(0, -height % TILE_PX), (0, -width % TILE_PX), (0, 0)], "edge")
        for left in range(0, width, TILE_PX):
            tile = np.ascontiguousarray(filled[:, left : left + TILE_PX])
            if settings.tiles == "jpeg":
                yield simplejpeg.encode_jpeg(tile, settings.quality, "RGB", "420")
            else:
                yield _pack(tile)


def _pack(part: NDArray[Any]) -> bytes:
    """A strip or tile as TIFF stores it: differences along the rows (predictor 2), deflated."""
    differences = imagecodecs.delta_encode(part, axis=1).tobytes()
    return bytes(imagecodecs.zlib_encode(differences, ZLIB_LEVEL))


ExtraTag = tuple[int, int, int, bytes, bool]
"""Code, type, count, little-endian value, and True, for tifffile."""


def _extra_tags(tags: Tags, described: exif.Directory, *, big: bool) -> Iterator[ExtraTag]:
    """XMP, IPTC-IIM, and the first directory of the EXIF, as tags of the TIFF itself."""
    if tags.exif:
        yield exif.ORIENTATION, exif.SHORT, 1, struct.pack("<H", 1), True
    for code, value in described.items():
        if isinstance(value, dict):
            kind, size = (exif.IFD8, 8) if big else (exif.LONG, 4)
            yield code - 1, kind, 1, bytes(size), True
        elif code not in OWN_TAGS and not isinstance(described.get(code + 1), dict):
            kind = exif.ASCII if value.kind == exif.UTF8 else value.kind
            yield code, kind, value.length, value.data, True
    for code, kind, data in (
        (XMP_TAG, exif.BYTE, tags.xmp), (IPTC_TAG, exif.UNDEFINED, tags.iptc),
    ):  # fmt: skip
        if data:
            yield code, kind, len(data), data, True


def _append_directories(sink: BinaryIO, described: exif.Directory, *, big: bool) -> None:
    """Write the EXIF and GPS directories behind the pixels, and point to them.

    tifffile keeps these tags for itself: entries of the codes before them hold their places.
    """
    below = {code: value for code, value in described.items() if isinstance(value, dict)}
    if not below:
        return
    writer = exif_writing.Writer("<", sink.seek(0, io.SEEK_END), big=big)
    offsets = {code: writer.directory(directory) for code, directory in below.items()}
    sink.write(writer.data())
    held, _ = exif.read_entries(sink, [code - 1 for code in below])
    for code, offset in offsets.items():
        place = held[code - 1][1]
        sink.seek(place)
        sink.write(struct.pack("<H", code))
        sink.seek(place + (12 if big else 8))
        sink.write(struct.pack("<Q" if big else "<I", offset))
