"""A picture's pixels in strips, so that a large master never lies in memory as colour.

Strips are of the stored picture (orientation not applied), (rows, W) grey or (rows, W, 3) RGB,
uint8 or uint16, in the file's own colour space, from top to bottom without a gap.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging.faults import PictureFault, decoding
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.profiles import cmyk_to_srgb

Pixels = NDArray[Any]
STRIP_BYTES: Final = 16 << 20
"""About how much of an uncompressed file is read at once."""


def read_strips(source: BinaryIO, header: Header) -> Iterator[Pixels]:
    """Decode a picture from top to bottom.

    Raises:
        PictureFault: truncated, unreadable, unsupported, bad_icc, out_of_memory.
    """
    source.seek(0)
    with decoding(f"{header.format} pixels"):
        if header.format == "TIFF" and _streams(header):
            yield from _tiff_strips(source, header)
        elif header.format == "JPEG" and header.photometric != "cmyk":
            yield decode_jpeg(source.read(), gray=header.photometric == "grey")
        elif header.format == "PNG" and header.bits_per_sample == 16:
            yield _drop_alpha(np.asarray(imagecodecs.png_decode(source.read())))
        else:
            yield _pillow(source, header)


def decode_jpeg(data: bytes, *, gray: bool, min_short_px: int = 0) -> Pixels:
    """Decode a JPEG, reduced by the decoder itself when `min_short_px` allows.

    Returns:
        (H, W) or (H, W, 3) uint8; both sides at least `min_short_px` where the picture's are.

    Raises:
        ValueError: the data are cut or broken.
    """
    options = {"colorspace": "GRAY" if gray else "RGB"}
    sides = {"min_height": min_short_px, "min_width": min_short_px, "min_factor": 1}
    if not min_short_px:
        sides = {}
    try:
        pixels = simplejpeg.decode_jpeg(data, **options, **sides)
    except ValueError as error:
        if "premature" in str(error).lower():
            raise
        # Harmless oddities (extra bytes before a marker) are common in archives.
        pixels = simplejpeg.decode_jpeg(data, **options, **sides, strict=False)
    return np.asarray(pixels[..., 0] if gray else pixels)


def _streams(header: Header) -> bool:
    return header.photometric in {"grey", "white_is_zero", "rgb"} and header.bits_per_sample in {
        8,
        16,
    }


def _pillow(source: BinaryIO, header: Header) -> Pixels:
    with Image.open(source, formats=[header.format]) as image:
        image.load()
        if image.mode == "CMYK":
            return cmyk_to_srgb(image, header.icc)
        if image.mode in {"1", "L"}:
            return np.asarray(image.convert("L"))
        if image.mode.startswith("I"):
            return np.asarray(image).astype(np.uint16)
        if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
            return _flatten_on_white(image.convert("RGBA"))
        return np.asarray(image.convert("RGB"))


def _flatten_on_white(image: Image.Image) -> Pixels:
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))


def _drop_alpha(pixels: Pixels) -> Pixels:
    """Drop an alpha channel."""
    if pixels.ndim == 2:
        return pixels
    return np.ascontiguousarray(pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0])


def _tiff_strips(source: BinaryIO, header: Header) -> Iterator[Pixels]:
    with tifffile.TiffFile(source) as tiff:
        page = tiff.pages[0].aspage()
        _check_complete(source, page)
        raw = page.is_contiguous and page.compression == 1 and page.planarconfig == 1
        rows = _read_uncompressed(source, page, tiff.byteorder) if raw else _decode_segments(page)
        for pixels in rows:
            strip = _drop_alpha(pixels)
            yield ~strip if header.photometric == "white_is_zero" else strip


def _check_complete(source: BinaryIO, page: Any) -> None:  # noqa: ANN401 (tifffile's page)
    """A TIFF whose segments lie beyond its end is cut; some decoders fill it with grey."""
    size = source.seek(0, io.SEEK_END)
    ends = (a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=True))
    end = max(ends, default=0)
    if end > size or not page.dataoffsets:
        raise PictureFault("truncated", f"the file has {size} bytes; its pixels end at {end}")


def _read_uncompressed(source: BinaryIO, page: Any, byteorder: str) -> Iterator[Pixels]:  # noqa: ANN401
    """Read an uncompressed picture some rows at a time, whatever its strips are."""
    samples, width, height = page.samplesperpixel, page.imagewidth, page.imagelength
    dtype = np.dtype(page.dtype).newbyteorder(byteorder)
    row_bytes = width * samples * dtype.itemsize
    step = max(1, STRIP_BYTES // row_bytes)
    source.seek(page.dataoffsets[0])
    for top in range(0, height, step):
        rows = min(step, height - top)
        data = source.read(rows * row_bytes)
        if len(data) < rows * row_bytes:
            raise PictureFault("truncated", f"its pixels end at row {top + rows} of {height}")
        pixels = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
        shape = (rows, width) if samples == 1 else (rows, width, samples)
        yield pixels.reshape(shape)


def _decode_segments(page: Any) -> Iterator[Pixels]:  # noqa: ANN401 (tifffile's page)
    """Decode strips or tiles, giving whole rows: a row of tiles is put together first."""
    width, height, samples = page.imagewidth, page.imagelength, page.samplesperpixel
    if page.planarconfig == 2 and samples > 1:
        planes = page.asarray()
        yield np.moveaxis(planes, 0, -1)
        return
    band: Pixels | None = None
    top = 0
    for pixels, (_, _, y, x, _), (_, rows, columns, _) in page.segments(
        maxworkers=1, buffersize=STRIP_BYTES
    ):
        if pixels is None:
            raise PictureFault("truncated", f"there are no pixels at row {y} of {height}")
        if band is not None and y != top:
            yield _drop_single_axis(band, samples)
            band = None
        if band is None:
            top = y
            band = np.zeros((min(rows, height - y), width, samples), pixels.dtype)
        across = min(columns, width - x)
        band[:, x : x + across] = pixels[0, : band.shape[0], :across].reshape(
            band.shape[0], across, samples
        )
    if band is not None:
        yield _drop_single_axis(band, samples)


def _drop_single_axis(band: Pixels, samples: int) -> Pixels:
    return band[..., 0] if samples == 1 else band
