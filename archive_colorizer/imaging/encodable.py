"""What an encoder is given: a picture, how it is to be encoded, and what looks on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from archive_colorizer.imaging.compose import STRIP_PIXELS, Planes
from archive_colorizer.imaging.formats import Compression, Format
from archive_colorizer.imaging.halving import halvings_for
from archive_colorizer.imaging.tone import MAX_MEASURED_PIXELS

ZLIB_LEVEL: Final = 4
"""Of PNG and TIFF."""


class Encodable(Protocol):
    """A picture that gives what an encoder asks for: planes for JPEG, strips for the others."""

    @property
    def luma_hw(self) -> NDArray[Any]:
        """(H, W): its size is the picture's."""

    def ycc_planes(self) -> Planes:
        """Y' (H, W), Cb and Cr of half the sides, uint8."""

    def rgb_strips(self, bits: int, rows: int) -> Iterator[NDArray[Any]]:
        """(rows, W, 3) from top to bottom."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a derivative is encoded."""

    format: Format = "jpeg"
    quality: int = 90
    bits: int = 8
    """A sample, of PNG and TIFF: 8 or 16."""
    lossless: bool = False
    """Whether a WebP gives back every pixel as it is; then `quality` does not count."""
    tiles: Compression = "deflate"
    """How the tiles of a pyramidal TIFF are compressed: JPEG has `quality`, and 8 bits."""

    @property
    def is_lossy(self) -> bool:
        """Whether the decoded picture may be another than the one that was encoded."""
        return (
            self.format == "jpeg"
            or (self.format == "webp" and not self.lossless)
            or (self.format == "ptif" and self.tiles == "jpeg")
        )


class Tap(Protocol):
    """Looks at what is encoded."""

    def planes(self, planes: Planes) -> None:
        """See what a JPEG is made of."""

    def strips(self, strips: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """See the strips of RGB that go into a lossless file, and pass them on."""


class _NoTap:
    def planes(self, planes: Planes) -> None:
        pass

    def strips(self, strips: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        return strips


NO_TAP: Final[Tap] = _NoTap()


def rows_of(height: int, width: int) -> int:
    """Rows of a strip: about STRIP_PIXELS pixels, a whole number of rows of the halved picture."""
    factor = 1 << halvings_for(height, width, MAX_MEASURED_PIXELS)
    return max(1, STRIP_PIXELS // max(1, width) // factor) * factor
