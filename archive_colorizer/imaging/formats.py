"""Picture formats, one row each: those that are read, and those that are written. Loads no codec.

A format that is read also needs its header (`header`) and its pixels (`strips`) understood; Pillow
does both where nothing else is said. A format that is written needs a writer (`encode.WRITERS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Format = Literal["jpeg", "png", "tiff"]
"""Key of WRITTEN, as settings have it."""


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


@dataclass(frozen=True, slots=True)
class WrittenFormat:
    """A format that derivatives may have."""

    mime: str
    ending: str


READ: Final[Mapping[str, ReadFormat]] = {
    "JPEG": ReadFormat("image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), (b"\xff\xd8\xff",)),
    "PNG": ReadFormat("image/png", (".png",), (b"\x89PNG\r\n\x1a\n",)),
    "TIFF": ReadFormat("image/tiff", (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    "WEBP": ReadFormat("image/webp", (".webp",), (b"RIFF",), at_8=b"WEBP"),
    "GIF": ReadFormat("image/gif", (".gif",), (b"GIF87a", b"GIF89a")),
    "BMP": ReadFormat("image/bmp", (".bmp",), (b"BM",)),
}
"""By Pillow's name."""

WRITTEN: Final[Mapping[Format, WrittenFormat]] = {
    "jpeg": WrittenFormat("image/jpeg", ".jpg"),
    "png": WrittenFormat("image/png", ".png"),
    "tiff": WrittenFormat("image/tiff", ".tif"),
}

ENDINGS: Final = frozenset(ending for one in READ.values() for ending in one.endings)
"""All endings of names that are listed as pictures."""


def sniff(start: bytes) -> str | None:
    """Key of READ by a file's first 16 bytes; None for a format that is not known."""
    for name, one in READ.items():
        if start.startswith(one.starts) and start.startswith(one.at_8, 8):
            return name
    return None
