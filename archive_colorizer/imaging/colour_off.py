"""The grey picture of a derivative whose colour can be taken off again."""

import io

from archive_colorizer.imaging.coded_luma import grey_body, read_luma_of
from archive_colorizer.imaging.encode import write_jpeg_head
from archive_colorizer.imaging.grey_profile import masters_profile
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import LIMITS, Tags, carried_exif


def take_colour_off(derivative: bytes) -> bytes:
    """Give the grey master's picture back: a JPEG of one component that decodes to its samples.

    It has the master's tables, coefficients, profile, orientation and resolution, and its EXIF and
    IPTC-IIM as far as the derivative carries them. XMP, which says that colours are estimated, is
    left out.

    Raises:
        ValueError: the file is no derivative whose colour can be taken off; says why.
        PictureFault: its header cannot be read.
    """
    coded = read_luma_of(derivative)
    header = read_header(io.BytesIO(derivative), max_megapixels=float("inf"))
    dpi = (header.dpi_x, header.dpi_y) if header.dpi_x and header.dpi_y else None
    sink = io.BytesIO()
    tags = Tags(
        exif=carried_exif(header, dpi, LIMITS["jpeg"].exif, as_stored=True).exif,
        iptc=header.blocks.iptc,
        dpi=dpi,
        icc=masters_profile(header.icc) or b"",
    )
    write_jpeg_head(sink, tags)
    sink.write(grey_body(coded))
    return sink.getvalue()
