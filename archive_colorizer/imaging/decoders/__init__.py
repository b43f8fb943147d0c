"""Which library decodes what: one module for each, chosen by the file's own header alone.

A decoder knows everything about its format that differs from library to library: depth, alpha,
palette, ink, and which of several pictures in a file is the scan. It gives stored pixels, in the
file's own colour space; profiles, orientation and luma are `decode`'s, for all formats alike.
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, Protocol

from archive_colorizer.imaging.decoders import (
    jpeg,
    jpeg2000,
    jpegxl,
    pdf,
    pillow,
    png,
    tiff,
)
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.samples import Heard, Pixels


class Decoder(Protocol):
    """A module that reads one format, or several by one library."""

    def read_header(self, source: BinaryIO, page: int) -> Header:
        """Facts of the header.

        Raises:
            PictureFault: truncated, unreadable, unsupported.
        """

    def read_strips(self, source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
        """Stored pixels from top to bottom: (rows, W) grey or (rows, W, 3) RGB, uint8 or uint16.

        Raises:
            PictureFault: as `read_header`, bad_icc for ink without a usable profile.
        """


DECODERS: Final[Mapping[str, Decoder]] = {
    "JPEG": jpeg,
    "PNG": png,
    "TIFF": tiff,
    "JPEG2000": jpeg2000,
    "JXL": jpegxl,
    "PDF": pdf,
}
"""By key of `formats.READ`; Pillow decodes any other."""


def decoder_of(name: str) -> Decoder:
    """The decoder of a format; `name` is a key of `formats.READ`."""
    return DECODERS.get(name) or pillow.of(name)
