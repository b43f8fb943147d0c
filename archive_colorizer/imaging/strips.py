"""A picture's pixels in strips, so that a large master never lies in memory as colour.

Strips are of the stored picture (orientation not applied), (rows, W) grey or (rows, W, 3) RGB,
uint8 or uint16, in the file's own colour space, from top to bottom without a gap.
"""

from collections.abc import Iterator
from typing import BinaryIO

from archive_colorizer.imaging.decoders import decoder_of
from archive_colorizer.imaging.faults import decoding
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.samples import Heard, Pixels

__all__ = ["Pixels", "read_strips"]


def read_strips(source: BinaryIO, header: Header, heard: Heard | None = None) -> Iterator[Pixels]:
    """Decode a picture from top to bottom.

    Args:
        source: the file.
        header: its header.
        heard: gets what the decoder says of damage.

    Raises:
        PictureFault: truncated, unreadable, unsupported, bad_icc, out_of_memory.
    """
    source.seek(0)
    with decoding(f"{header.format} pixels"):
        yield from decoder_of(header.format).read_strips(source, header, heard or Heard())
