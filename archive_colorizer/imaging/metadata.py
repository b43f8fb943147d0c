"""Metadata of a derivative: XMP, EXIF, and how our own files are recognised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr, unescape

from PIL import Image

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
            text = held[match.start() :] + source.read(LABELS_BYTES)
            words = text.partition(b">")[0].decode("utf-8", errors="replace")
            return {name: unescape(value, _QUOTES) for name, _, value in LABEL.findall(words)}
    return {}


def carried_exif(header: Header) -> bytes:
    """The master's EXIF for its derivative: upright, without its thumbnail.

    Returns:
        A block that starts with the "Exif" mark; empty when there is nothing to carry.
    """
    exif = Image.Exif()
    if header.exif:
        try:
            exif.load(header.exif)
        except (ValueError, SyntaxError, OSError, KeyError, IndexError, TypeError):
            return b""
    for code, text in (header.text or {}).items():
        exif[code] = text
    if not len(exif):
        return b""
    exif[ORIENTATION] = 1
    try:
        return exif.tobytes()
    except (ValueError, TypeError, OSError, KeyError, AttributeError):
        return b""
