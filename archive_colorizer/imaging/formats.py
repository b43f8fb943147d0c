"""Picture formats, one row each: those that are read, and those that are written. Loads no codec.

A format that is read also needs a decoder (`decoders.DECODERS`); Pillow is one for any format that
it knows. A format that is written needs a writer (`encode.WRITERS`).
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Format = Literal["jpeg", "png", "tiff", "ptif", "webp"]
"""Key of WRITTEN, as settings have it."""
Compression = Literal["deflate", "jpeg"]
"""Of a pyramidal TIFF's tiles."""
SNIFFED_BYTES: Final = 132
"""How much of a file's beginning tells its format."""


@dataclass(frozen=True, slots=True)
class ReadFormat:
    """A format that masters may have."""

    mime: str
    endings: tuple[str, ...]
    """Endings of names by which a file is listed, lower-case; the first bytes then decide."""
    starts: tuple[bytes, ...]
    """First bytes, any of these."""
    at_8: bytes = b""
    """Bytes that must follow at offset 8."""
    extra: str = ""
    """Library of an extra without which it is not read, and not listed."""


@dataclass(frozen=True, slots=True)
class WrittenFormat:
    """A format that derivatives may have."""

    mime: str
    ending: str


_BOX: Final = b"\x00\x00\x00\x0c"
READ: Final[Mapping[str, ReadFormat]] = {
    "JPEG": ReadFormat("image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), (b"\xff\xd8\xff",)),
    "PNG": ReadFormat("image/png", (".png",), (b"\x89PNG\r\n\x1a\n",)),
    "TIFF": ReadFormat("image/tiff", (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    "JPEG2000": ReadFormat(
        "image/jp2",
        (".jp2", ".j2k", ".jpx", ".jpf", ".jpc"),
        (_BOX + b"jP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    ),
    "JXL": ReadFormat("image/jxl", (".jxl",), (_BOX + b"JXL \r\n\x87\n", b"\xff\x0a")),
    "WEBP": ReadFormat("image/webp", (".webp",), (b"RIFF",), at_8=b"WEBP"),
    "GIF": ReadFormat("image/gif", (".gif",), (b"GIF87a", b"GIF89a")),
    "BMP": ReadFormat("image/bmp", (".bmp",), (b"BM",)),
    "PDF": ReadFormat("application/pdf", (".pdf",), (b"%PDF-",), extra="pypdfium2"),
}
"""By Pillow's name where it has one."""

WRITTEN: Final[Mapping[Format, WrittenFormat]] = {
    "jpeg": WrittenFormat("image/jpeg", ".jpg"),
    "png": WrittenFormat("image/png", ".png"),
    "tiff": WrittenFormat("image/tiff", ".tif"),
    "ptif": WrittenFormat("image/tiff", ".tif"),
    "webp": WrittenFormat("image/webp", ".webp"),
}

ENDINGS: Final = frozenset(
    ending
    for one in READ.values()
    if not one.extra or importlib.util.find_spec(one.extra)
    for ending in one.endings
)
"""All endings of names that are listed as pictures."""

KNOWN: Final[tuple[tuple[int, bytes, str], ...]] = (
    (8, b"CR\x02\0", "camera raw (Canon CR2)"),
    (4, b"ftypcrx ", "camera raw (Canon CR3)"),
    (0, b"FUJIFILMCCD-RAW", "camera raw (Fujifilm RAF)"),
    (0, b"IIRO", "camera raw (Olympus ORF)"),
    (0, b"IIRS", "camera raw (Olympus ORF)"),
    (0, b"MMOR", "camera raw (Olympus ORF)"),
    (0, b"IIU\0", "camera raw (Panasonic RW2)"),
    (0, b"FOVb", "camera raw (Sigma X3F)"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"ftyp", "a video or another ISO media file"),
    (0, b"8BPS", "Photoshop (PSD)"),
    (0, b"%!PS", "PostScript"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"gimp xcf", "GIMP (XCF)"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"SDPX", "DPX"),
    (0, b"XPDS", "DPX"),
    (128, b"DICM", "DICOM"),
    *((0, b"P%d\n" % n, "a portable any-map (PNM)") for n in range(1, 8)),
    (0, b"\0\0\1\0", "an icon (ICO)"),
    (0, b"PK\3\4", "a ZIP archive"),
)
"""(offset, bytes, name) of kinds of files that are recognised and not read."""


def sniff(start: bytes) -> str | None:
    """Key of READ by a file's first 16 bytes; None for a format that is not read."""
    for name, one in READ.items():
        if start.startswith(one.starts) and start.startswith(one.at_8, 8):
            return None if kind_of(start, name) else name
    return None


def kind_of(start: bytes, read_as: str = "") -> str:
    """Name of a known kind of file that is not read, by its first SNIFFED_BYTES; or empty.

    Args:
        start: the file's beginning.
        read_as: key of READ that its first bytes fit all the same: a camera's raw file may call
            itself a TIFF.
    """
    for at, mark, name in KNOWN:
        if start.startswith(mark, at) and (not read_as or (read_as == "TIFF" and at == 8)):
            return name
    return ""
