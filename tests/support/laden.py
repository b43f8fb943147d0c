"""Encoded pictures that bring all that masters may bring along: EXIF, XMP, profiles, resolution."""

import io
import struct

import numpy as np
import tifffile
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

KINDS = ("jpeg", "png", "tiff", "webp")


def gray(height: int = 40, width: int = 56) -> np.ndarray:
    """A slope with grain."""
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(0).normal(0, 4, (height, width))
    return (40 + 2 * x + y + grain).clip(0, 255).astype(np.uint8)


def profile() -> bytes:
    """An RGB profile that is not called sRGB."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made.replace(b"s\0R\0G\0B", b"t\0R\0G\0B").replace(b"\0s\0R\0G\0B", b"\0t\0R\0G\0B")


def exif() -> Image.Exif:
    """Entries of every kind, also in the IFDs below."""
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x0112] = "Scanner", "Model 7", 6
    made[0x010E], made[0x8298] = "market square", "the archive"
    made[0x011A] = made[0x011B] = 300.0
    made[0x0128] = 2
    made[ExifTags.IFD.Exif] = {
        0x829A: (1, 60), 0x9003: "1931:05:04 03:02:01", 0x8827: 100, 0x927C: b"maker's own" * 4,
        0x9286: b"ASCII\0\0\0a comment",
    }  # fmt: skip
    made[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 0.5), 3: "E", 4: (11.0, 34.0, 0.0)}
    return made


def encoded(kind: str) -> bytes:
    """A picture in one of KINDS, with metadata."""
    sink, image, rgb = io.BytesIO(), Image.fromarray(gray()), np.dstack([gray()] * 3)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
    if kind == "tiff":
        extra = [
            (270, 2, 0, "market square", True), (315, 2, 0, "nobody", True),
            (700, 1, len(xmp), xmp, True), (34675, 7, len(profile()), profile(), True),
            (33723, 7, 8, b"\x1c\x02\x78\0\x03abc", True),
        ]  # fmt: skip
        tifffile.imwrite(sink, rgb, photometric="rgb", resolution=(300, 300), extratags=extra,
                         compression="zlib", metadata=None)  # fmt: skip
    elif kind == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Title", "market square")
        text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        image.save(sink, "PNG", exif=exif(), icc_profile=profile(), dpi=(300, 300), pnginfo=text)
    elif kind == "webp":
        Image.fromarray(rgb).save(sink, "WEBP", exif=exif().tobytes(), icc_profile=profile(),
                                  xmp=xmp)  # fmt: skip
    else:
        Image.fromarray(rgb).save(sink, "JPEG", exif=exif(), icc_profile=profile(), xmp=xmp,
                                  dpi=(300, 300), comment=b"a comment")  # fmt: skip
    return sink.getvalue()


def head(data: bytes) -> int:
    """Where the pixels of an encoded picture begin, about: what is before them are metadata."""
    for mark in (b"\xff\xda", b"IDAT", b"VP8 "):
        if (at := data.find(mark)) > 0:
            return at
    return min(len(data), 64)


def with_entry(code: int, kind: int, value: int) -> bytes:
    """A JPEG whose EXIF has one entry of four bytes, after the maker's name."""
    maker = b"Scanner\0"
    entries = struct.pack("<HHII", 271, 2, len(maker), 38) + struct.pack(
        "<HHII", code, kind, 1, value
    )
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + b"\0" * 4 + maker
    sink = io.BytesIO()
    Image.fromarray(gray()).save(sink, "JPEG", exif=block)
    return sink.getvalue()
