"""Masters that say something of themselves, in every format; made without the product's writers."""

import io
import struct

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

ARTIST, CAPTION = "Anna Müller-Øst", "창덕궁 인정전"
IIM = b"".join(
    struct.pack(">BBBH", 0x1C, record, number, len(data)) + data
    for record, number, data in (
        (1, 90, b"\x1b%G"), (2, 5, b"F-1931-0042"), (2, 110, b"City Archive"),
        (2, 116, "Größe © City Archive".encode()), (2, 120, CAPTION.encode()),
    )
)  # fmt: skip
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:edm="http://www.europeana.eu/schemas/edm/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmpRights:WebStatement="http://rightsstatements.org/vocab/NoC-CR/1.0/" tiff:Orientation="6"
 xmp:CreatorTool="Scanner 9" photoshop:Credit="City Archive"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/print">
<dc:identifier>F-1931-0042</dc:identifier>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Palace</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Anna Müller-Øst</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt>
<rdf:li xml:lang="x-default">The throne hall</rdf:li></rdf:Alt></dc:description>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">reuse by permission</rdf:li></rdf:Alt></dc:rights>
<edm:rights rdf:resource="http://rightsstatements.org/vocab/NoC-CR/1.0/"/>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
KINDS = ("jpeg", "png", "png late", "tiff", "tiff big-endian", "bigtiff", "webp", "jpeg 2000",
         "jpeg xl")  # fmt: skip


def gray() -> np.ndarray:
    """A slope."""
    y, x = np.mgrid[:40, :56]
    return (40 + 2 * x + y).astype(np.uint8)


def exif() -> Image.Exif:
    """Names beyond ASCII, dates, numbers, a place, and a maker's note."""
    made = Image.Exif()
    made[0x010F], made[0x0112] = "Scanner", 6
    made[0x010E], made[0x013B] = CAPTION.encode(), ARTIST.encode()
    made[0x0132] = "2009:03:02 10:11:12"
    made[ExifTags.IFD.Exif] = {
        0x829A: (1, 60), 0x9003: "1931:06:14 00:00:00", 0x8827: 100, 0x927C: b"maker's own" * 4,
        0x9286: b"ASCII\0\0\0glass plate 13x18", 0x9290: "25",
    }  # fmt: skip
    made[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 0.5), 3: "E", 4: (11.0, 34.0, 0.0)}
    return made


def segment(marker: int, body: bytes) -> bytes:
    """A segment of JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def resource(iim: bytes) -> bytes:
    """What APP13 holds."""
    block = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iim)) + iim + bytes(len(iim) % 2)
    return b"Photoshop 3.0\0" + block


def jpeg(*segments: bytes, exif_block: bytes = b"", **more: object) -> bytes:
    """A JPEG with segments of one's own behind its JFIF."""
    sink = io.BytesIO()
    Image.fromarray(gray()).save(sink, "JPEG", exif=exif_block, **more)
    data = sink.getvalue()
    at = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:at] + b"".join(segments) + data[at:]


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def master(kind: str, xmp: bytes = XMP, iim: bytes = IIM) -> bytes:
    """A master of one of KINDS with EXIF, XMP and, where the format has it, IPTC-IIM."""
    sink, image = io.BytesIO(), Image.fromarray(gray())
    if kind == "jpeg":
        own = (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp), segment(0xED, resource(iim)))
        return jpeg(*own, exif_block=exif().tobytes())
    if kind.startswith("png"):
        text = PngImagePlugin.PngInfo()
        late = kind == "png late"
        text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=late)
        image.save(sink, "PNG", exif=exif(), pnginfo=text)
        data = sink.getvalue()
        at = data.index(b"iTXt") - 4
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        return data[:at] + data[end:-12] + data[at:end] + data[-12:] if late else data
    if kind == "webp":
        image.convert("RGB").save(sink, "WEBP", exif=exif().tobytes(), xmp=xmp)
    elif kind == "jpeg xl":
        boxes = [
            _box(b"JXL ", b"\r\n\x87\n"), _box(b"ftyp", b"jxl \0\0\0\0jxl "),
            _box(b"Exif", bytes(4) + exif().tobytes()[6:]), _box(b"xml ", xmp),
            _box(b"jxlc", imagecodecs.jpegxl_encode(gray(), usecontainer=False)),
        ]  # fmt: skip
        return b"".join(boxes)
    elif kind == "jpeg 2000":
        image.save(sink, "JPEG2000")
        uuids = (
            ("be7acfcb97a942e89c71999491e3afac", xmp), ("33c7a4d2b81d4723a0baf1a3e097ad38", iim),
            (b"JpgTiffExif->JP2".hex(), exif().tobytes()),
        )  # fmt: skip
        boxes = [_box(b"uuid", bytes.fromhex(name) + data) for name, data in uuids]
        return sink.getvalue() + b"".join(boxes)
    elif kind == "bigtiff":
        extra = [
            (270, 2, 0, CAPTION.encode(), True), (315, 2, 0, ARTIST.encode(), True),
            (306, 2, 0, "2009:03:02 10:11:12", True), (271, 2, 0, "Scanner", True),
            (700, 1, len(xmp), xmp, True), (33723, 7, len(iim), iim, True),
        ]  # fmt: skip
        tifffile.imwrite(sink, gray(), extratags=extra, metadata=None, bigtiff=True)
    else:
        made = Image.Exif()
        made.load(exif().tobytes())
        made[700], made[33723] = xmp, iim
        made[0x010E], made[0x013B] = CAPTION.encode(), ARTIST.encode()  # Pillow's load spoils these
        if kind == "tiff big-endian":  # Pillow writes no other picture so
            image = Image.fromarray((gray().astype(np.uint16) * 257).astype(">u2"))
        image.save(sink, "TIFF", exif=made)
    return sink.getvalue()
