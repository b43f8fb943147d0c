"""XMP (ISO 16684-1): the master's properties, read with care, and a derivative's packet.

Ours come first and are written as attributes, so that `metadata.find_labels` finds them in the head
of a file; the master's own follow as they were, whatever their namespace.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

NAMESPACE: Final = "https://archive-colorizer.org/ns/1.0/"
DIGITAL_SOURCE_TYPE: Final = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
RDF, XML, NOTE = (
    "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}",
    "{http://www.w3.org/XML/1998/namespace}",
    "{http://ns.adobe.com/xmp/note/}",
)
DC, XMP, TIFF, EXIF, PHOTOSHOP, IPTC_EXT = (
    "{http://purl.org/dc/elements/1.1/}",
    "{http://ns.adobe.com/xap/1.0/}",
    "{http://ns.adobe.com/tiff/1.0/}",
    "{http://ns.adobe.com/exif/1.0/}",
    "{http://ns.adobe.com/photoshop/1.0/}",
    "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}",
)
DESCRIPTION, INSTRUCTIONS = DC + "description", PHOTOSHOP + "Instructions"
MOVED: Final = {
    XMP + "CreatorTool": "masterCreatorTool",
    IPTC_EXT + "DigitalSourceType": "masterDigitalSourceType",
    IPTC_EXT + "AISystemUsed": "masterAISystemUsed",
    IPTC_EXT + "AISystemVersionUsed": "masterAISystemVersionUsed",
    IPTC_EXT + "AIPromptInformation": "masterAIPromptInformation",
    IPTC_EXT + "AIPromptWriterName": "masterAIPromptWriterName",
}
"""The master's properties that would say something wrong of its derivative, and their names among
ours."""
OF_THE_FILE: Final = frozenset(
    {
        DC + "format", NOTE + "HasExtendedXMP", XMP + "Thumbnails",
        PHOTOSHOP + "ColorMode", PHOTOSHOP + "ICCProfile",
        EXIF + "PixelXDimension", EXIF + "PixelYDimension", EXIF + "ColorSpace",
        *(TIFF + name for name in (
            "ImageWidth", "ImageLength", "BitsPerSample", "Compression", "Orientation",
            "PhotometricInterpretation", "SamplesPerPixel", "PlanarConfiguration",
            "YCbCrSubSampling", "YCbCrPositioning", "XResolution", "YResolution",
            "ResolutionUnit", "TransferFunction", "WhitePoint", "PrimaryChromaticities",
            "YCbCrCoefficients", "ReferenceBlackWhite", "NativeDigest",
        )),
    }
)  # fmt: skip
"""Properties that say how the master's file is stored; of a derivative they would be wrong."""
MAX_MOVED: Final = 1000
"""Characters of a property that is kept under another name."""
_DECLARATION: Final = re.compile(r"^<\?xml\s[^>]*\?>")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmpFault(ValueError):  # noqa: N818 (a fault of the packet, not an error of the program)
    """The packet cannot be used; the message says why."""


@dataclass(slots=True)
class Theirs:
    """What the master says of itself."""

    properties: list[Any] = field(default_factory=list)
    """Property elements (lxml), in their order."""
    moved: dict[str, str] = field(default_factory=dict)
    """Those of MOVED, by our names."""
    taken: set[str] = field(default_factory=set)
    """Names of `properties`, and of what other metadata of the master say in their place."""
    lost: bool = False

    def read(self, packet: bytes) -> None:
        """Add the properties of a packet; one that cannot be used is lost alone."""
        try:
            rdf = parse(packet)
        except XmpFault:
            self.lost = True
            return
        for node in rdf:
            if node.tag == RDF + "Description":
                self._read_description(node)
            else:
                self.lost = True

    def _read_description(self, node: Any) -> None:  # noqa: ANN401 (lxml's element)
        for name, value in node.attrib.items():
            if name.startswith("{") and not name.startswith((RDF, XML)):
                element = etree.Element(name, nsmap=node.nsmap)
                element.text = value
                self._add(element)
        for child in list(node):
            self._add(child)

    def _add(self, element: Any) -> None:  # noqa: ANN401 (lxml's element)
        name = str(element.tag)
        if name in MOVED:
            self.moved.setdefault(MOVED[name], "".join(element.itertext()).strip()[:MAX_MOVED])
        elif name in OF_THE_FILE or name.startswith(f"{{{NAMESPACE}}}"):
            return
        elif name in self.taken or not name.startswith("{"):
            self.lost = True
        else:
            element.tail = None
            self.taken.add(name)
            self.properties.append(element)

    def caption(self, text: str) -> None:
        """Give `dc:description` where the packet has none: the caption of EXIF or IPTC-IIM."""
        if not text or DESCRIPTION in self.taken:
            return
        element = etree.Element(DESCRIPTION, nsmap={"dc": DC[1:-1], "rdf": RDF[1:-1]})
        alternative = etree.SubElement(element, RDF + "Alt")
        item = etree.SubElement(alternative, RDF + "li", {XML + "lang": "x-default"})
        item.text = clean(text)
        self._add(element)


def parse(packet: bytes) -> Any:  # noqa: ANN401 (lxml's element)
    """Parse a packet.

    A document type, and with it every entity, is refused before the parser sees it; depth and
    length of text are libxml2's limits (256; 10 MB).

    Returns:
        Its rdf:RDF element.

    Raises:
        XmpFault: it is not XMP in UTF-8, or has a document type.
    """
    try:
        text = packet.decode("utf-8-sig").strip("\0 \t\r\n\ufeff")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise XmpFault("XMP with a document type")
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        root = etree.fromstring(_DECLARATION.sub("", text), parser)
    except (etree.LxmlError, ValueError) as error:
        raise XmpFault(f"XMP: {error}") from error
    rdf = root if root.tag == RDF + "RDF" else root.find(f".//{RDF}RDF")
    if rdf is None:
        raise XmpFault("XMP without rdf:RDF")
    return rdf


def build_packet(
    fields: Mapping[str, str], statement: str, theirs: Theirs, limit: int = 1 << 32
) -> tuple[bytes, bytes]:
    """Write a derivative's XMP.

    Args:
        fields: names and values in our own namespace, such as rowId, model, sourceSha256.
        statement: for people: goes where the master left a place, `dc:description` or
            `photoshop:Instructions`, and always into `arcol:statement`.
        theirs: the master's properties.
        limit: bytes of the packet; the master's that do not fit go into another.

    Returns:
        UTF-8 XML in an xpacket, and extended XMP (empty where nothing is left for it).
    """
    ours = _our_description(fields, statement, theirs)
    room = limit - len(_wrap(ours, "", "")) - 2 * len(_note("0" * 32))
    near: list[Any] = []
    far: list[Any] = []
    for element in theirs.properties:
        size = len(etree.tostring(element, encoding="utf-8"))
        (far if size > room else near).append(element)
        room -= size if size <= room else 0
    more = _describe(far)
    if not more:
        return _wrap(ours, _describe(near), ""), b""
    extended = f"{_open_rdf()}{more}{_CLOSE_RDF}".encode()
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    return _wrap(ours, _describe(near), _note(guid)), extended


_CLOSE_RDF: Final = "\n </rdf:RDF>\n</x:xmpmeta>"


def _open_rdf() -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f' <rdf:RDF xmlns:rdf="{RDF[1:-1]}">\n'
    )  # fmt: skip


def _wrap(ours: str, theirs: str, note: str) -> bytes:
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    parts = "\n".join(filter(None, (ours, theirs, note)))
    return f'{begin}{_open_rdf()}{parts}{_CLOSE_RDF}\n<?xpacket end="w"?>'.encode()


def _note(guid: str) -> str:
    """Say that there is extended XMP (XMP Specification Part 3, 1.1.3.1)."""
    return (
        f'<rdf:Description rdf:about="" xmlns:xmpNote="{NOTE[1:-1]}" '
        f'xmpNote:HasExtendedXMP="{guid}"/>'
    )


def _our_description(fields: Mapping[str, str], statement: str, theirs: Theirs) -> str:
    named = {**fields, **theirs.moved, "statement": statement}
    own = "\n".join(f"   arcol:{name}={quoteattr(clean(value))}" for name, value in named.items())
    tool = quoteattr(f"archive-colorizer {fields.get('version', '')}".strip())
    text, more = escape(clean(statement)), ""
    if DESCRIPTION not in theirs.taken:
        more = (
            '\n   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
            f"{text}</rdf:li></rdf:Alt></dc:description>"
        )
    elif INSTRUCTIONS not in theirs.taken:
        more = f"\n   <photoshop:Instructions>{text}</photoshop:Instructions>"
    return (
        '  <rdf:Description rdf:about=""\n'
        f'   xmlns:xmp="{XMP[1:-1]}"\n'
        f'   xmlns:dc="{DC[1:-1]}"\n'
        f'   xmlns:photoshop="{PHOTOSHOP[1:-1]}"\n'
        f'   xmlns:Iptc4xmpExt="{IPTC_EXT[1:-1]}"\n'
        f'   xmlns:arcol="{NAMESPACE}"\n'
        f"   xmp:CreatorTool={tool}\n"
        f'   Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"\n'
        f"{_name_system(fields)}"
        f"{own}>{more}\n"
        "  </rdf:Description>"
    )


def _name_system(fields: Mapping[str, str]) -> str:
    """Name the AI system as IPTC Photo Metadata 2025.1 has it; no prompt, since there is none."""
    model, release = fields.get("model", ""), fields.get("modelVersion", "")
    system = f"archive-colorizer, model {model}" if model else "archive-colorizer"
    versions = (fields.get("version", ""), f"model {release}" if release else "")
    named = {"AISystemUsed": system, "AISystemVersionUsed": ", ".join(filter(None, versions))}
    return "".join(
        f"   Iptc4xmpExt:{name}={quoteattr(clean(value))}\n"
        for name, value in named.items()
        if value
    )


def _describe(elements: Iterable[Any]) -> str:
    """One rdf:Description with the elements; empty without any."""
    elements = list(elements)
    if not elements:
        return ""
    names: dict[str | None, str] = {"rdf": RDF[1:-1]}
    for element in elements:
        for prefix, uri in element.nsmap.items():
            if prefix and uri not in names.values():
                names.setdefault(prefix, uri)
    description = etree.Element(RDF + "Description", {RDF + "about": ""}, nsmap=names)
    description.extend(elements)
    etree.cleanup_namespaces(description)
    return str(etree.tostring(description, encoding="unicode"))


def clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
