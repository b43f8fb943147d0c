"""Pixels of one TIFF page: its segments put together, and its samples made grey or RGB.

Axes: h rows, w columns, s samples.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image

from archive_colorizer.imaging.decoders import jpeg, tiff_lzw, tiff_ycbcr
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.profiles import cmyk_to_srgb
from archive_colorizer.imaging.samples import Heard, Pixels, on_white, widened

STRIP_BYTES: Final = 16 << 20
"""About how much of an uncompressed file is read at once."""
MAX_LONE_TILE: Final = 1 << 22
"""Pixels that a tile may have however small the picture is."""
EXTRA_SAMPLES, COLOR_MAP = 338, 320
JPEG: Final = 7
ASSOCIATED, UNASSOCIATED = 1, 2


def strips_of(
    source: BinaryIO,
    page: Any,  # noqa: ANN401 (tifffile's page)
    header: Header,
    heard: Heard,
) -> Iterator[Pixels]:
    """Yield the page's pixels from top to bottom: (rows, W) grey or (rows, W, 3) RGB."""
    _check_complete(source, page)
    finish = _finisher(page, header)
    if header.photometric == "ycbcr" and page.compression != JPEG:
        yield tiff_ycbcr.read_rgb(source, page)
        return
    if page.is_contiguous and page.compression == 1 and page.planarconfig == 1:
        bands = _read_uncompressed(source, page)
    elif page.planarconfig == 2 and page.samplesperpixel > 1:
        bands = _decode_planes(source, page)
    elif _has_words(page):
        bands = _read_words(source, page)
    else:
        bands = _decode_bands(source, page, heard)
    for band in bands:
        yield finish(band)


def _check_complete(source: BinaryIO, page: Any) -> None:  # noqa: ANN401 (tifffile's page)
    """A TIFF whose segments lie beyond its end is cut; some decoders fill it with grey."""
    size = source.seek(0, io.SEEK_END)
    ends = (a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=True))
    end = max(ends, default=0)
    if end > size or not page.dataoffsets:
        raise PictureFault("truncated", f"the file has {size} bytes; its pixels end at {end}")
    area = page.imagewidth * page.imagelength
    if page.is_tiled and page.tilewidth * page.tilelength > 4 * area + MAX_LONE_TILE:
        raise PictureFault("unsupported", "TIFF with tiles that are far larger than its picture")


def _read_uncompressed(source: BinaryIO, page: Any) -> Iterator[Pixels]:  # noqa: ANN401
    """Read an uncompressed picture of 8 or 16 bits some rows at a time, whatever its strips are."""
    samples, width, height = page.samplesperpixel, page.imagewidth, page.imagelength
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    row_bytes = width * samples * dtype.itemsize
    step = max(1, STRIP_BYTES // row_bytes)
    source.seek(page.dataoffsets[0])
    for top in range(0, height, step):
        rows = min(step, height - top)
        data = source.read(rows * row_bytes)
        if len(data) < rows * row_bytes:
            raise PictureFault("truncated", f"its pixels end at row {top + rows} of {height}")
        pixels = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
        yield pixels.reshape(rows, width, samples)


def _has_words(page: Any) -> bool:  # noqa: ANN401 (tifffile's page)
    """Whether samples of 9 to 15 bits lie in words of 16, though the standard packs them."""
    words = 2 * page.imagewidth * page.imagelength * page.samplesperpixel
    plain = page.compression == 1 and not page.is_tiled and page.predictor == 1
    return bool(plain and 8 < page.bitspersample < 16 and sum(page.databytecounts) == words)


def _read_words(source: BinaryIO, page: Any) -> Iterator[Pixels]:  # noqa: ANN401 (tifffile's page)
    parts = []
    for at, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        source.seek(at)
        parts.append(source.read(size))
    dtype = np.dtype(f"{page.parent.byteorder}u2")
    pixels = np.frombuffer(b"".join(parts), dtype).astype(np.uint16)
    yield pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)


def _segments(source: BinaryIO, page: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    if page.compression == tiff_lzw.LZW:
        yield from tiff_lzw.segments(source, page)
    else:
        yield from page.segments(maxworkers=1, buffersize=STRIP_BYTES)


def _decode_planes(source: BinaryIO, page: Any) -> Iterator[Pixels]:  # noqa: ANN401 (tifffile's page)
    """Decode a picture whose samples lie in planes of their own; it is whole in memory."""
    picture: Pixels | None = None
    for pixels, (plane, _, y, x, _), _ in _segments(source, page):
        if pixels is None:
            raise PictureFault("truncated", f"there are no pixels at row {y} of plane {plane}")
        if picture is None:
            shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
            picture = np.zeros(shape, pixels.dtype)
        room = picture[y : y + pixels.shape[1], x : x + pixels.shape[2], plane]
        room[...] = pixels[0, : room.shape[0], : room.shape[1], 0]
    if picture is not None:
        yield picture


def _decode_bands(
    source: BinaryIO,
    page: Any,  # noqa: ANN401 (tifffile's page)
    heard: Heard,
) -> Iterator[Pixels]:
    """Decode strips or tiles, giving whole rows: a row of tiles is put together first."""
    width, height, samples = page.imagewidth, page.imagelength, page.samplesperpixel
    if page.compression == JPEG and page.bitspersample == 8:
        _hear_jpeg(page, heard)
    band: Pixels | None = None
    top = 0
    for pixels, (_, _, y, x, _), (_, rows, columns, _) in _segments(source, page):
        if pixels is None:
            raise PictureFault("truncated", f"there are no pixels at row {y} of {height}")
        if band is not None and y != top:
            yield band
            band = None
        if band is None:
            top = y
            band = np.zeros((min(rows, height - y), width, samples), pixels.dtype)
        across = min(columns, width - x)
        band[:, x : x + across] = pixels[0, : band.shape[0], :across].reshape(
            band.shape[0], across, samples
        )
    if band is not None:
        yield band


def _hear_jpeg(page: Any, heard: Heard) -> None:  # noqa: ANN401 (tifffile's page)
    """Let libjpeg look at each segment at an eighth of its size: tifffile drops its warnings."""
    tables = (page.jpegtables or b"\xff\xd8\xff\xd9")[:-2]
    source = page.parent.filehandle
    for data, _ in source.read_segments(page.dataoffsets, page.databytecounts):
        if data:
            colours = "GRAY" if page.samplesperpixel == 1 else "RGB"
            whole = tables + data[2:]
            jpeg.decode_jpeg(whole, colours, min_short_px=1, heard=heard)


def _finisher(page: Any, header: Header) -> Callable[[Pixels], Pixels]:  # noqa: ANN401
    """How a band (rows, W, S) of samples becomes grey or RGB."""
    bits, photometric = header.bits_per_sample, header.photometric
    if photometric == "palette":
        colours = _palette(page)
        return lambda band: colours[band[..., 0].astype(np.uint8)]
    if photometric == "cmyk":
        return lambda band: _from_ink(widened(band[..., :4], bits), header.icc)
    count = 1 if photometric in {"grey", "white_is_zero"} or page.samplesperpixel < 3 else 3
    alpha = _alpha_kind(page, count)

    def finish(band: Pixels) -> Pixels:
        colour = band[..., 0] if count == 1 else band[..., :count]
        colour = widened(np.ascontiguousarray(colour), bits)
        if photometric == "white_is_zero":
            colour = ~colour
        if not alpha:
            return colour
        cover = widened(np.ascontiguousarray(band[..., count]), bits)
        return on_white(colour, cover, premultiplied=alpha == ASSOCIATED)

    return finish


def _alpha_kind(page: Any, colours: int) -> int:  # noqa: ANN401 (tifffile's page)
    """What ExtraSamples says of the first sample beyond the colours; 0 where it is no alpha."""
    if page.samplesperpixel <= colours or EXTRA_SAMPLES not in page.tags:
        return 0
    value = page.tags[EXTRA_SAMPLES].value
    kind = int(value[0]) if isinstance(value, tuple) else int(value)
    return kind if kind in {ASSOCIATED, UNASSOCIATED} else 0


def _palette(page: Any) -> Pixels:  # noqa: ANN401 (tifffile's page)
    """(256, 3) uint8; some writers put bytes where the standard has 16 bits."""
    table = np.asarray(page.tags[COLOR_MAP].value, np.uint16).reshape(3, -1)
    scale = 1 if table.max(initial=0) < 256 else 257
    colours = np.zeros((256, 3), np.uint8)
    shown = np.round(table[:, :256].T / scale).astype(np.uint8)
    colours[: len(shown)] = shown
    return colours


def _from_ink(ink: Pixels, icc: bytes | None) -> Pixels:
    """CMYK through its profile, in bytes."""
    ink = ink if ink.dtype == np.uint8 else (ink // 257).astype(np.uint8)
    return cmyk_to_srgb(Image.fromarray(np.ascontiguousarray(ink), "CMYK"), icc)
