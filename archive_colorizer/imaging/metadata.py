"""Metadata of a derivative: XMP, EXIF, and how our own files are recognised."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar
from xml.sax.saxutils import escape, quoteattr, unescape

from PIL import ExifTags, Image

from archive_colorizer.imaging.faults import PictureFault, decoding
from archive_colorizer.imaging.header import ORIENTATION, Header
from archive_colorizer.imaging.profiles import srgb_profile

NAMESPACE: Final = "https://archive-colorizer.org/ns/1.0/"
DIGITAL_SOURCE_TYPE: Final = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
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
_IFDS: Final = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
Result = TypeVar("Result")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Tags:
    """The metadata that are written into a derivative beside its pixels."""

    xmp: bytes = b""
    exif: bytes = b""
    """EXIF as a TIFF block with the leading "Exif" mark; its orientation is 1."""
    dpi: tuple[float, float] | None = None
    icc: bytes = field(default_factory=srgb_profile)


def build_xmp(fields: Mapping[str, str], estimate: str = ESTIMATE) -> bytes:
    """An XMP packet (ISO 16684-1) that labels the colours as a model's estimate.

    Args:
        fields: names and values in our own namespace, such as rowId, model, sourceSha256.
        estimate: the description for people.

    Returns:
        UTF-8 XML in an xpacket.
    """
    own = "\n".join(f"   arcol:{name}={quoteattr(_xml(value))}" for name, value in fields.items())
    tool = quoteattr(f"archive-colorizer {fields.get('version', '')}".strip())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '   xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '   xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '   xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
        f'   xmlns:arcol="{NAMESPACE}"\n'
        f"   xmp:CreatorTool={tool}\n"
        f'   Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"\n'
        f"{own}>\n"
        '   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
        f"{escape(estimate)}</rdf:li></rdf:Alt></dc:description>\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    ).encode()


def _xml(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


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


def carried_exif(header: Header) -> Carried:
    """The master's EXIF for its derivative: upright, without its thumbnail.

    Scanners write numbers that do not fit their fields, and worse: such an entry is left out alone.
    """
    exif, text = Image.Exif(), header.text or {}
    lost = bool(header.exif) and not _succeeds(lambda: exif.load(header.exif or b""))
    if lost:
        exif = Image.Exif()
    if not len(exif) and not text:
        return Carried(b"", lost)
    for code, value in {**text, ORIENTATION: 1}.items():
        exif[code] = value
    whole = _result(exif.tobytes)
    if whole is not None:
        return Carried(whole, lost)
    kept = {code: _kept(exif, code) for code in exif}
    values = {code: value for code, value in kept.items() if value is not None}
    return Carried(_result(partial(_block, exif.endian, values)) or b"", lost=True)


def _kept(exif: Image.Exif, code: int) -> Any:  # noqa: ANN401 (of any tag)
    """What can be written of an entry: of an IFD, those in it; None where nothing can."""
    if code not in _IFDS:
        value = _result(partial(exif.__getitem__, code))
        return value if _succeeds(partial(_block, exif.endian, {code: value})) else None
    return {
        name: value
        for name, value in (_result(partial(exif.get_ifd, code)) or {}).items()
        if _succeeds(partial(_block, exif.endian, {code: {name: value}}))
    } or None


def _block(endian: str | None, values: Mapping[int, Any]) -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    for code, value in values.items():
        exif[code] = value
    return exif.tobytes()


def _result(work: Callable[[], Result]) -> Result | None:
    """What a call to Pillow gives; None where it raises on this EXIF."""
    try:
        with decoding("EXIF"):
            return work()
    except PictureFault:
        return None


def _succeeds(work: Callable[[], object]) -> bool:
    return _result(lambda: (work(),)) is not None
