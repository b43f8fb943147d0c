"""The facts of a picture's header, read before any pixel is decoded."""

from dataclasses import replace
from typing import BinaryIO

from archive_colorizer.imaging.blocks import read_blocks
from archive_colorizer.imaging.decoders import decoder_of
from archive_colorizer.imaging.faults import PictureFault, decoding
from archive_colorizer.imaging.formats import SNIFFED_BYTES, kind_of, sniff
from archive_colorizer.imaging.picture_header import ORIENTATION, Header, sensible_dpi
from archive_colorizer.imaging.profiles import icc_name
from archive_colorizer.imaging.samples import Heard, hearing

__all__ = ["ORIENTATION", "Header", "icc_name", "read_header"]


def read_header(source: BinaryIO, *, max_megapixels: float = 400.0, page: int = 0) -> Header:
    """Read a picture's header. The handle is left at the start.

    Args:
        source: the file.
        max_megapixels: more pixels than that are `too_large`; nothing is decoded before.
        page: which of the scans in a multi-page TIFF; previews and masks do not count.

    Raises:
        PictureFault: unreadable (not a picture), truncated, too_large, unsupported.
    """
    source.seek(0)
    name = _sniff(source.read(SNIFFED_BYTES))
    source.seek(0)
    with decoding(f"{name} header"), hearing(Heard(), "tifffile"):
        header = decoder_of(name).read_header(source, page)
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
    blocks = read_blocks(source, header.directory_at)
    if header.dpi_x is None:
        dpi_x, dpi_y = sensible_dpi(blocks.dpi)
        header = replace(header, dpi_x=dpi_x, dpi_y=dpi_y)
    return replace(header, blocks=blocks)


def _sniff(start: bytes) -> str:
    """The format by its first bytes; a name's ending may lie."""
    if not start:
        raise PictureFault("unreadable", "the file is empty")
    if name := sniff(start):
        return name
    if kind := kind_of(start):
        raise PictureFault("unsupported", f"{kind}: it is not among the formats that are read")
    shown = start[:8].decode("ascii", errors="replace")
    raise PictureFault("unreadable", f"not a picture that is known: it starts with {shown!r}")
