"""TIFF 6.0 and BigTIFF, through tifffile: which of its pictures is the scan, and what it says.

Pillow is not used: it has rules of its own for orientation, depth and alpha.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import tifffile

from archive_colorizer.imaging.decoders import tiff_pixels
from archive_colorizer.imaging.faults import PictureFault, one_line
from archive_colorizer.imaging.picture_header import (
    CM_PER_INCH,
    ORIENTATION,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    Y_RESOLUTION,
    Header,
    orientation_of,
    sensible_dpi,
)
from archive_colorizer.imaging.profiles import icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, hearing

NEW_SUBFILE, OLD_SUBFILE, PHOTOMETRIC, COLOR_MAP = 254, 255, 262, 320
MAX_SAMPLE, ICC, DNG_VERSION = 281, 34675, 50706
MAX_PAGES: Final = 100_000
PHOTOMETRICS: Final = {
    0: "white_is_zero", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycbcr",
}  # fmt: skip
UNREAD: Final = {
    4: "a transparency mask", 8: "CIELab colours", 9: "ICCLab colours", 10: "ITULab colours",
    32803: "camera raw (colour filter array)", 34892: "camera raw (linear)",
    32844: "LogL luminances", 32845: "LogLuv colours", 51177: "a depth map",
}  # fmt: skip
"""Photometric interpretations that are refused by name."""
COMPRESSIONS: Final = {
    1: "none", 2: "CCITT RLE", 3: "CCITT G3", 4: "CCITT G4", 5: "LZW", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34925: "LZMA", 34926: "Zstandard", 34927: "WebP",
    50000: "Zstandard", 50001: "WebP",
}  # fmt: skip
"""Compressions that are read."""
CCITT: Final = frozenset({2, 3, 4})
JPEG: Final = 7


def tag(page: Any, code: int, default: Any = None) -> Any:  # noqa: ANN401 (tifffile's page)
    """A tag's value, or the default where the page lacks it."""
    return page.tags[code].value if code in page.tags else default


def scans(tiff: tifffile.TiffFile) -> Iterator[Any]:
    """The pages that are pictures of their own, in the file's order.

    A smaller copy or a mask is none (NewSubfileType bits 0 and 2, SubfileType 2); of such a
    page the SubIFDs are searched, because some scanners put the scan there.
    """
    for number, page in enumerate(tiff.pages):
        if number >= MAX_PAGES:
            raise PictureFault("unsupported", f"TIFF with over {MAX_PAGES:,} pages")
        page = page.aspage()
        if not _is_copy(page):
            yield page
        elif page.subifds:
            yield from (one.aspage() for one in page.pages if not _is_copy(one.aspage()))


def _is_copy(page: Any) -> bool:  # noqa: ANN401 (tifffile's page)
    kind = tag(page, NEW_SUBFILE)
    if kind is None:
        return bool(tag(page, OLD_SUBFILE, 1) == 2)
    return bool(int(kind) & 0b101)


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of one scan's tags."""
    with tifffile.TiffFile(source) as tiff:
        found = list(scans(tiff))
        scan = _pick(found, page)
        photometric = _photometric(scan)
        bits = _check_readable(scan, photometric)
        icc = tag(scan, ICC)
        profile = bytes(icc) if icc is not None else None
        dpi_x, dpi_y = _dpi(scan)
        return Header(
            format="TIFF",
            width=int(scan.imagewidth),
            height=int(scan.imagelength),
            bits_per_sample=bits,
            samples=int(scan.samplesperpixel),
            photometric=photometric,
            n_pages=len(found),
            page=page,
            directory_at=0 if scan.offset == tiff.pages[0].offset else int(scan.offset),
            orientation=orientation_of(tag(scan, ORIENTATION, 1)),
            dpi_x=dpi_x,
            dpi_y=dpi_y,
            icc=profile,
            icc_name=icc_name(profile),
        )


def _pick(found: list[Any], page: int) -> Any:  # noqa: ANN401 (tifffile's page)
    if not found:
        raise PictureFault("unsupported", "TIFF that holds nothing but previews or masks")
    if not 0 <= page < len(found):
        raise PictureFault("unreadable", f"page {page}: the TIFF has {len(found)}, from 0")
    return found[page]


def _photometric(page: Any) -> str:  # noqa: ANN401 (tifffile's page)
    """What the samples mean; without the tag, what libtiff supposes, but never white first."""
    if DNG_VERSION in page.tags:
        raise PictureFault("unsupported", "camera raw (DNG): it is not among the formats read")
    code = tag(page, PHOTOMETRIC)
    if code is None:
        return _without_photometric(page)
    if int(code) not in PHOTOMETRICS:
        known = UNREAD.get(int(code), f"photometric interpretation {int(code)}")
        raise PictureFault("unsupported", f"TIFF with {known}")
    return PHOTOMETRICS[int(code)]


def _without_photometric(page: Any) -> str:  # noqa: ANN401 (tifffile's page)
    samples, compression = int(page.samplesperpixel), int(page.compression)
    if COLOR_MAP in page.tags and samples == 1:
        return "palette"
    if samples <= 2 and compression not in CCITT:
        return "grey"
    if samples == 3 and compression != JPEG:
        return "rgb"
    raise PictureFault(
        "unsupported",
        "TIFF without the tag PhotometricInterpretation (262): what its samples mean is unknown",
    )


def _check_readable(page: Any, photometric: str) -> int:  # noqa: ANN401 (tifffile's page)
    """Bits a sample, of a layout that is read."""
    compression = int(page.compression)
    if compression not in COMPRESSIONS:
        name = {6: "old-style JPEG"}.get(compression, one_line(page.compression))
        raise PictureFault("unsupported", f"TIFF with compression {compression} ({name})")
    bits = page.bitspersample
    if isinstance(bits, tuple):
        raise PictureFault("unsupported", f"TIFF with samples of different depths: {bits}")
    if page.sampleformat not in {1, 4}:
        kind = {2: "signed", 3: "floating-point"}.get(page.sampleformat, "complex")
        raise PictureFault("unsupported", f"TIFF with {kind} samples of {bits} bits")
    if not 1 <= bits <= 16:
        raise PictureFault("unsupported", f"TIFF with {bits} bits a sample")
    colours = {"rgb": 3, "ycbcr": 3, "cmyk": 4}.get(photometric, 1)
    if page.samplesperpixel < colours and not (photometric == "ycbcr" and compression == JPEG):
        raise PictureFault(
            "unreadable", f"TIFF of kind {photometric} with {page.samplesperpixel} samples a pixel"
        )
    if photometric == "palette" and (COLOR_MAP not in page.tags or bits > 8):
        raise PictureFault("unsupported", f"TIFF palette of {bits} bits, or without its colours")
    if page.imagedepth > 1:
        raise PictureFault("unsupported", f"TIFF of a volume, {page.imagedepth} pictures deep")
    return _depth(page, bits)


def _depth(page: Any, bits: int) -> int:  # noqa: ANN401 (tifffile's page)
    """The depth of the scan: scanners may put 10, 12 or 14 bits into words of 16, and say so."""
    most = tag(page, MAX_SAMPLE)
    most = max(most) if isinstance(most, tuple) else most
    deep = {(1 << n) - 1: n for n in range(9, 16)}
    return deep.get(most, bits) if bits == 16 and isinstance(most, int) else bits


def _dpi(page: Any) -> tuple[float | None, float | None]:  # noqa: ANN401 (tifffile's page)
    factor = {2: 1.0, 3: CM_PER_INCH}.get(tag(page, RESOLUTION_UNIT, 2))
    values = [tag(page, code, (0, 1)) for code in (X_RESOLUTION, Y_RESOLUTION)]
    try:
        return sensible_dpi([factor * n / d for n, d in values]) if factor else (None, None)
    except (TypeError, ValueError, ArithmeticError):
        return None, None


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Decode one scan from top to bottom, some strips or a row of tiles at once."""
    with hearing(heard, "tifffile"), tifffile.TiffFile(source) as tiff:
        found = scans(tiff)
        page = next(one for number, one in enumerate(found) if number == header.page)
        yield from tiff_pixels.strips_of(source, page, header, heard)
