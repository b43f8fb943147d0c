"""Metadata of a derivative: the master's, our labels, and how our own files are recognised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple
from xml.sax.saxutils import unescape

from archive_colorizer.imaging import exif, exif_writing, iptc, xmp
from archive_colorizer.imaging.blocks import XMP_MARK
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.profiles import srgb_profile

DIGITAL_SOURCE_TYPE: Final = xmp.DIGITAL_SOURCE_TYPE
ESTIMATE: Final = (
    "The colours of this picture are an estimate by a machine-learning model; "
    "the original is in black and white."
)
ENLARGEMENT: Final = (
    "The colours and the finest detail of this picture are an estimate by machine-learning models; "
    "the original is in black and white, and smaller."
)
TRANSLATION: Final = (
    "A machine-learning model made this picture from another one: "
    "it shows a time of day, season or style that the original does not."
)
ROW_ID: Final = re.compile(rb'arcol:rowId="([0-9a-f]{64})"')
ROW_ID_BYTES: Final = len('arcol:rowId=""') + 64
LABEL: Final = re.compile(r"""arcol:(\w+)=(["'])(.*?)\2""", re.DOTALL)
LABELS_BYTES: Final = 1 << 14
"""More than the labels of one picture take; paths are the longest of them."""
_QUOTES: Final = {"&quot;": '"', "&#10;": "\n", "&#9;": "\t", "&#13;": "\r"}
CHUNK_BYTES: Final = 1 << 18
"""Read at once in search of a row id; a JPEG's EXIF and XMP have at most half of it."""
_LABEL_MARK: Final = b"arcol:rowId="
"""In a value of EXIF it would be found before our own."""
Dpi = tuple[float, float]


class Limits(NamedTuple):
    """Bytes that a format's blocks may have."""

    exif: int = 1 << 32
    xmp: int = 1 << 32
    iptc: int = 1 << 32


_SEGMENT: Final = 65533
"""Bytes in a segment of JPEG, after its length."""
LIMITS: Final[Mapping[str, Limits]] = {
    "jpeg": Limits(_SEGMENT, _SEGMENT - len(XMP_MARK), _SEGMENT - 64),
    "webp": Limits(iptc=0),  # it has no place for IPTC-IIM
}


@dataclass(frozen=True, slots=True)
class Tags:
    """The metadata that are written into a derivative beside its pixels."""

    xmp: bytes = b""
    extended_xmp: bytes = b""
    """What does not fit into a JPEG's first packet."""
    exif: bytes = b""
    """EXIF as a TIFF block with the leading "Exif" mark; its orientation is 1."""
    iptc: bytes = b""
    """IPTC-IIM datasets."""
    dpi: Dpi | None = None
    icc: bytes = field(default_factory=srgb_profile)


def build_xmp(fields: Mapping[str, str], estimate: str = ESTIMATE) -> bytes:
    """An XMP packet (ISO 16684-1) that labels the colours as a model's estimate.

    Args:
        fields: names and values in our own namespace, such as rowId, model, sourceSha256.
        estimate: the description for people.

    Returns:
        UTF-8 XML in an xpacket.
    """
    return xmp.build_packet(fields, estimate, xmp.Theirs())[0]


def find_row_id(source: BinaryIO) -> str | None:
    """The row id in a derivative of ours; None for any other file."""
    return find_labels(source).get("rowId")


def find_labels(source: BinaryIO) -> dict[str, str]:
    """What a derivative of ours says of itself (`rowId`, `pageId` ...); empty for any other file.

    Our encoders write it before the pixels, so of our own files only the head is read.
    """
    source.seek(0)
    held = b""
    while part := source.read(CHUNK_BYTES):
        held = held[-ROW_ID_BYTES:] + part
        if match := ROW_ID.search(held):
            text = held[match.start() :]
            if b">" not in text:
                text += source.read(LABELS_BYTES)
            words = text.partition(b">")[0].decode("utf-8", errors="replace")
            return {name: unescape(value, _QUOTES) for name, _, value in LABEL.findall(words)}
    return {}


@dataclass(frozen=True, slots=True)
class Carried:
    """What of the master's EXIF a derivative carries."""

    exif: bytes
    """A block that starts with the "Exif" mark; empty when there is nothing to carry."""
    lost: bool
    """Whether the master had more, which no EXIF can hold or which could not be read."""


def carry(
    header: Header,
    form: Format,
    labels: Mapping[str, str],
    statement: str,
    dpi: Dpi | None,
    *,
    as_stored: bool = False,
) -> tuple[Tags, bool]:
    """The metadata of a derivative: the master's, and ours beside them.

    Args:
        header: of the master.
        form: format of the derivative; in a JPEG a block has at most 64 KB.
        labels: names and values in our own namespace.
        statement: for people.
        dpi: dots an inch of the derivative; None where the master states none.
        as_stored: the pixels lie as the master's do, and in its colour space: both tags stay.

    Returns:
        The tags, and whether the master had metadata that they do not carry.
    """
    blocks, limits = header.blocks, LIMITS.get(form, Limits())
    block = carried_exif(header, dpi, limits.exif, as_stored=as_stored)
    datasets, understood = iptc.read_datasets(blocks.iptc)
    iim, whole = iptc.write_datasets(datasets, limits.iptc)
    theirs = xmp.Theirs(lost=blocks.lost or block.lost or not (understood and whole))
    for packet in filter(None, (blocks.xmp, blocks.extended_xmp)):
        theirs.read(packet)
    # Readers take XMP for more current than IIM and EXIF: ours must not hide the master's caption.
    theirs.caption(iptc.text_of(datasets, iptc.CAPTION) or _caption(block.exif))
    if iptc.text_of(datasets, iptc.INSTRUCTIONS):
        theirs.taken.add(xmp.INSTRUCTIONS)
    main, extended = xmp.build_packet(labels, statement, theirs, limits.xmp)
    tags = Tags(xmp=main, extended_xmp=extended, exif=block.exif, iptc=iim, dpi=dpi)
    return tags, theirs.lost


def _caption(block: bytes) -> str:
    return iptc.decode_text(exif.read_block(block).caption) if block else ""


def carried_exif(
    header: Header, dpi: Dpi | None = None, limit: int = 1 << 32, *, as_stored: bool = False
) -> Carried:
    """The master's EXIF for its derivative: of its resolution, without its thumbnail; upright, or
    as it is stored.

    Scanners write numbers that do not fit their fields, and worse: such an entry is left out alone.
    Where a block is limited, the largest entries are left out first.
    """
    blocks = header.blocks
    found = exif.read_block(blocks.exif) if blocks.exif else exif.Exif()
    exif_writing.leave_out(found, _LABEL_MARK)
    orientation = header.orientation if as_stored else 1
    # Readers without an EXIF orientation take one from anywhere in the XMP, by its name alone.
    said = orientation != 1 or b"Orientation" in blocks.xmp + blocks.extended_xmp
    if not found.root and not said:
        return Carried(b"", blocks.lost or found.lost)
    exif_writing.put_number(found, exif.ORIENTATION, orientation)
    if not as_stored:
        exif_writing.put_srgb(found)
    if dpi:
        exif_writing.put_resolution(found, dpi)
    found = exif_writing.fit(found, limit)
    block = exif_writing.write_block(found, limit)
    return Carried(block, blocks.lost or found.lost)
