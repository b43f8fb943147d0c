"""The facts that a picture's header states, and what headers of several formats have in common."""

from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image

from archive_colorizer.imaging.blocks import Blocks
from archive_colorizer.imaging.faults import attempt
from archive_colorizer.imaging.formats import READ

# The limit is ours to check (`max_megapixels`); Pillow's own would warn first and raise later.
Image.MAX_IMAGE_PIXELS = None

ORIENTATION: Final = 0x0112
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
CM_PER_INCH: Final = 2.54


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
    """How many scans the file holds; smaller copies and masks do not count."""
    page: int = 0
    """Which of them this is."""
    directory_at: int = 0
    """Of a TIFF, the place of the scan's own directory; 0 where it is the file's first."""
    orientation: int = 1
    dpi_x: float | None = None
    dpi_y: float | None = None
    icc: bytes | None = None
    icc_name: str = ""
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


def sensible_dpi(value: Any) -> tuple[float | None, float | None]:  # noqa: ANN401 (from a file)
    """Dots an inch across and down, or nothing where a file states what no scanner does."""
    try:
        dpi_x, dpi_y = float(value[0]), float(value[1])
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None, None
    sensible = 1 <= dpi_x <= 100_000 and 1 <= dpi_y <= 100_000
    return (round(dpi_x, 2), round(dpi_y, 2)) if sensible else (None, None)


def orientation_of(value: object) -> int:
    """An orientation tag's value, 1 where it is none of 1 to 8."""
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_orientation(block: bytes | None) -> int:
    """The orientation that EXIF states, 1 for none."""
    return orientation_of(attempt(lambda: _exif(block).get(ORIENTATION, 1)))


def exif_dpi(block: bytes | None) -> tuple[float | None, float | None]:
    """The resolution that EXIF states, in dots an inch."""

    def read() -> tuple[float | None, float | None]:
        exif = _exif(block)
        factor = {2: 1.0, 3: CM_PER_INCH}.get(exif.get(RESOLUTION_UNIT, 2))
        values = [float(exif.get(code, 0)) for code in (X_RESOLUTION, Y_RESOLUTION)]
        return sensible_dpi([value * factor for value in values]) if factor else (None, None)

    return attempt(read) or (None, None)


def _exif(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block or b"")
    return exif
