"""The ICC profile of a colour picture whose luminance is a grey master's own samples.

A grey profile has a tone curve and no primaries. The colour picture gets that curve for red, green
and blue and the primaries of sRGB; the master's profile itself stands in a private tag, so that the
grey picture can be given back with it (ICC.1:2022, 7.3 and 10.18).
"""

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import linear_table
from archive_colorizer.imaging.profiles import gray_table, is_srgb, srgb_profile

CURVE_STEPS: Final = 4096
NAME: Final = "tone curve of a grey master, primaries of sRGB"
CURVES: Final = (b"rTRC", b"gTRC", b"bTRC")
MASTERS: Final = b"arcG"
"""Private tag: the master's own profile."""
_HEAD = 128
_PROFILE_ID: Final = slice(84, 100)


def colour_profile(icc: bytes | None) -> bytes:
    """Make the profile of a colour picture from its grey master's.

    Args:
        icc: the master's, grey or RGB; None for none.

    Returns:
        sRGB where the master has none, or one that cannot be used.
    """
    table = gray_table(icc) if icc else None
    if icc is None or table is None:
        return srgb_profile()
    tags = read_tags(srgb_profile())
    if not is_srgb(icc):
        tags |= dict.fromkeys(CURVES, _curve(table))
    tags |= {b"desc": _text(NAME), MASTERS: b"data" + bytes(4) + struct.pack(">I", 1) + icc}
    return write_profile(srgb_profile()[:_HEAD], tags)


def masters_profile(icc: bytes | None) -> bytes | None:
    """Find the grey master's own profile in one that `colour_profile` made; None for none."""
    try:
        held = read_tags(icc or b"").get(MASTERS, b"")
    except struct.error:
        return None
    return held[12:] or None


def _curve(table: NDArray[np.uint16]) -> bytes:
    """From device grey to linear light, as a `curv` of 16-bit steps."""
    at = np.rint(np.linspace(0, 65535, CURVE_STEPS)).astype(np.int64)
    linear = np.rint(linear_table(65535)[table[at]] * 65535).astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", CURVE_STEPS) + linear.tobytes()


def _text(words: str) -> bytes:
    """A `multiLocalizedUnicodeType` of one record."""
    text = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text


def read_tags(icc: bytes) -> dict[bytes, bytes]:
    """Read a profile's tags, by signature.

    Raises:
        struct.error: it is too short to be a profile.
    """
    (count,) = struct.unpack_from(">I", icc, _HEAD)
    entries = [struct.unpack_from(">4sII", icc, _HEAD + 4 + 12 * i) for i in range(count)]
    return {name: icc[offset : offset + size] for name, offset, size in entries}


def write_profile(head: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Write a profile of a header, 128 bytes, and tags; equal tags share their bytes."""
    start = _HEAD + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    body = b""
    for data in tags.values():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
    table = b"".join(
        struct.pack(">4sII", name, places[data], len(data)) for name, data in tags.items()
    )
    new = bytearray(head + struct.pack(">I", len(tags)) + table + body)
    new[:4] = struct.pack(">I", len(new))
    new[_PROFILE_ID] = bytes(16)
    return bytes(new)
