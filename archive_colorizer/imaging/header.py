"""The facts of a picture's header, read before any pixel is decoded."""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final

import tifffile
from PIL import Image, ImageCms

from archive_colorizer.imaging.blocks import Blocks, read_blocks
from archive_colorizer.imaging.faults import OF_BAD_BYTES, PictureFault, decoding
from archive_colorizer.imaging.formats import READ, sniff

# The limit is ours to check (`max_megapixels`); Pillow's own would warn first and raise later.
Image.MAX_IMAGE_PIXELS = None

ORIENTATION, IFD_RESOLUTION_UNIT = 0x0112, 296
TEXT_TAGS: Final = (269, 270, 271, 272, 305, 306, 315, 33432)
"""TIFF tags that EXIF has too: names, description, maker, software, date, artist, copyright."""
CM_PER_INCH = 2.54


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A picture's header. Width and height are of the stored picture, before its orientation."""

    format: str
    """Key of `formats.READ`."""
    width: int
    height: int
    bits_per_sample: int
    samples: int
    photometric: str
    """grey, white_is_zero, rgb, ycbcr, palette or cmyk."""
    n_pages: int = 1
    orientation: int = 1
    dpi_x: float | None = None
    dpi_y: float | None = None
    icc: bytes | None = None
    icc_name: str = ""
    exif: bytes | None = None
    """EXIF as a TIFF block, with or without the leading "Exif" mark."""
    text: Mapping[int, str] | None = None
    """TEXT_TAGS of a TIFF."""
    blocks: Blocks = field(default_factory=Blocks)
    """EXIF, XMP and IPTC-IIM as the file holds them."""

    @property
    def mime(self) -> str:
        """MIME type of the file."""
        return READ[self.format].mime

    @property
    def upright_size(self) -> tuple[int, int]:
        """(height, width) with the orientation applied."""
        size = (self.height, self.width)
        return size if self.orientation < 5 else (self.width, self.height)


def read_header(source: BinaryIO, *, max_megapixels: float = 400.0) -> Header:
    """Read a picture's header. The handle is left at the start.

    Raises:
        PictureFault: unreadable (not a picture), truncated, too_large, unsupported.
    """
    source.seek(0)
    name = _sniff(source.read(16))
    source.seek(0)
    with decoding(f"{name} header"):
        header = _read_tiff(source) if name == "TIFF" else _read_other(source, name)
    source.seek(0)
    megapixels = header.width * header.height / 1e6
    if megapixels > max_megapixels:
        raise PictureFault(
            "too_large",
            f"{header.width} x {header.height} pixels are {megapixels:.0f} megapixels; "
            f"the limit is {max_megapixels:g}",
        )
    if header.width < 1 or header.height < 1:
        raise PictureFault("unreadable", f"{header.width} x {header.height} pixels")
    blocks = read_blocks(source)
    if name == "JPEG" or header.dpi_x is None:  # Pillow says 72 dpi where a JPEG's EXIF says none
        dpi_x, dpi_y = _dpi(blocks.dpi)
        header = replace(header, dpi_x=dpi_x, dpi_y=dpi_y)
    return replace(header, blocks=blocks)


def _sniff(start: bytes) -> str:
    """The format by its first bytes; a name's ending may lie."""
    if not start:
        raise PictureFault("unreadable", "the file is empty")
    if name := sniff(start):
        return name
    shown = start[:8].decode("ascii", errors="replace")
    raise PictureFault("unreadable", f"not a picture that is known: it starts with {shown!r}")


_MODES: Final[Mapping[str, tuple[int, int, str]]] = {
    "1": (1, 1, "grey"),
    "L": (8, 1, "grey"),
    "LA": (8, 2, "grey"),
    "I;16": (16, 1, "grey"),
    "I;16B": (16, 1, "grey"),
    "I": (16, 1, "grey"),
    "P": (8, 1, "palette"),
    "PA": (8, 2, "palette"),
    "RGB": (8, 3, "rgb"),
    "RGBA": (8, 4, "rgb"),
    "CMYK": (8, 4, "cmyk"),
}


def _read_other(source: BinaryIO, name: str) -> Header:
    with Image.open(source, formats=[name]) as image:
        if image.mode not in _MODES:
            raise PictureFault("unsupported", f"{name} with pixels of kind {image.mode}")
        bits, samples, photometric = _MODES[image.mode]
        if name == "PNG":
            bits = _png_bits(source, bits)
        if name == "JPEG" and photometric == "rgb":
            photometric = "ycbcr"
        # Not image.getexif(): for a PNG without EXIF that decodes the whole picture.
        exif = image.info.get("exif") or None
        dpi_x, dpi_y = _dpi(image.info.get("dpi"))
        icc = image.info.get("icc_profile") or None
        return Header(
            format=name,
            width=image.width,
            height=image.height,
            bits_per_sample=bits,
            samples=samples,
            photometric=photometric,
            n_pages=getattr(image, "n_frames", 1) if name in {"GIF", "WEBP", "PNG"} else 1,
            orientation=_exif_orientation(exif),
            dpi_x=dpi_x,
            dpi_y=dpi_y,
            icc=icc,
            icc_name=icc_name(icc),
            exif=exif,
        )


def _png_bits(source: BinaryIO, bits: int) -> int:
    """IHDR's own depth: Pillow shows 48-bit colour as 24-bit."""
    source.seek(24)
    return 16 if source.read(1) == b"\x10" else bits


def _dpi(value: Any) -> tuple[float | None, float | None]:  # noqa: ANN401 (Pillow's info)
    try:
        dpi_x, dpi_y = float(value[0]), float(value[1])
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None, None
    sensible = 1 <= dpi_x <= 100_000 and 1 <= dpi_y <= 100_000
    return (round(dpi_x, 2), round(dpi_y, 2)) if sensible else (None, None)


def _exif_orientation(data: bytes | None) -> int:
    exif = Image.Exif()
    try:
        exif.load(data or b"")
        return _orientation(exif.get(ORIENTATION, 1))
    except (OSError, *OF_BAD_BYTES):
        return 1


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def icc_name(icc: bytes | None) -> str:
    """A profile's description; empty when there is none or it cannot be read."""
    if not icc:
        return ""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return " ".join(ImageCms.getProfileDescription(profile).split())
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


def _read_tiff(source: BinaryIO) -> Header:
    with tifffile.TiffFile(source) as tiff:
        page = tiff.pages[0]
        photometric = _tiff_photometric(page)
        icc = page.tags.get(34675)
        dpi_x, dpi_y = _tiff_dpi(page)
        profile = bytes(icc.value) if icc is not None else None
        bits = page.bitspersample
        return Header(
            format="TIFF",
            width=int(page.imagewidth),
            height=int(page.imagelength),
            bits_per_sample=max(bits) if isinstance(bits, tuple) else bits,
            samples=int(page.samplesperpixel),
            photometric=photometric,
            n_pages=sum(1 for p in tiff.pages if not _is_reduced(p)),
            orientation=_orientation(_tag(page, ORIENTATION, 1)),
            dpi_x=dpi_x,
            dpi_y=dpi_y,
            icc=profile,
            icc_name=icc_name(profile),
            text={n: str(_tag(page, n, "")) for n in TEXT_TAGS if n in page.tags},
        )


def _is_reduced(page: Any) -> bool:  # noqa: ANN401 (tifffile's page)
    """Whether a page is a smaller copy or a mask (NewSubfileType), not a page of its own."""
    return bool(int(_tag(page, 254, 0)) & 0b101)


def _tag(page: Any, code: int, default: Any) -> Any:  # noqa: ANN401 (tifffile's page)
    page = page.aspage()
    return page.tags[code].value if code in page.tags else default


_PHOTOMETRIC: Final = {0: "white_is_zero", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycbcr"}


def _tiff_photometric(page: Any) -> str:  # noqa: ANN401 (tifffile's page)
    code = int(page.photometric)
    if code not in _PHOTOMETRIC:
        raise PictureFault("unsupported", f"TIFF with photometric interpretation {code}")
    bits = page.bitspersample
    if (max(bits) if isinstance(bits, tuple) else bits) > 16 or page.sampleformat not in {1, 4}:
        raise PictureFault(
            "unsupported", f"TIFF with {bits} bits a sample, or not of whole numbers"
        )
    return _PHOTOMETRIC[code]


def _tiff_dpi(page: Any) -> tuple[float | None, float | None]:  # noqa: ANN401 (tifffile's page)
    unit = int(_tag(page, IFD_RESOLUTION_UNIT, 2))
    factor = {2: 1.0, 3: CM_PER_INCH}.get(unit)
    try:
        values = [_tag(page, code, (0, 1)) for code in (282, 283)]
        return _dpi([factor * n / d for n, d in values]) if factor else (None, None)
    except (TypeError, ValueError, ArithmeticError, struct.error):
        return None, None
