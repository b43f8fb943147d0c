"""Names of derivatives: a second run chooses the same again, and no other source's.

The rule, in full in docs/formats.md: the source's relative path, the suffix, the new extension.
Where two masters would get one name, both keep their own extension in it; where that is not enough
a short hash of the source's raw name is added, and last one of its place. Names are chosen over all
that SOURCE holds, whatever is filtered out, and against every row that OUTPUT has.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from archive_colorizer.imaging.formats import WRITTEN
from archive_colorizer.storage import TEMPORARIES

EXTENSIONS: Final[Mapping[str, str]] = {name: one.ending for name, one in WRITTEN.items()}
MAX_NAME_BYTES: Final = 255
RESERVED: Final = frozenset(
    {"manifest", "history", "models", "report", TEMPORARIES, "job.json", "job.lock"}
)
"""Names in OUTPUT that are ours: a source folder of that name gets an underscore."""
HASH_CHARS: Final = 8
TAIL_CHARS: Final = 40


def output_keys(
    raw_paths: Sequence[bytes],
    suffix: str,
    image_format: str,
    *,
    uris: Sequence[str] = (),
    owned: Sequence[str] = (),
    taken: Iterable[str] = (),
) -> list[str]:
    """Choose a distinct key for each source.

    Args:
        raw_paths: paths relative to SOURCE, "/" between parts, bytes as the store gave them.
        suffix: goes before the extension.
        image_format: of the derivatives.
        uris: of the sources; they tell apart what two SOURCEs name alike.
        owned: key that each source has by its row, or empty: it is kept where it has this suffix
            and format.
        taken: keys of other sources.

    Returns:
        Keys relative to OUTPUT: valid UTF-8, every part at most 255 bytes, no two alike even where
        upper and lower case or Unicode normal forms are not told apart.
    """
    ending = suffix + EXTENSIONS[image_format]
    keys = [key if key.endswith(ending) else "" for key in owned] or [""] * len(raw_paths)
    used = {_fold(key) for key in (*taken, *keys) if key}
    late = []
    for i, key in enumerate(_choose_apart(raw_paths, ending)):
        if keys[i]:
            continue
        if _fold(key) in used:
            late.append(i)
        else:
            keys[i] = key
            used.add(_fold(key))
    for i in late:
        path = _path_of(raw_paths[i])
        place = (uris[i] if uris else "").encode() + raw_paths[i]
        names = [path.name, *(f"{path.name}.{_hash_name(one)}" for one in (raw_paths[i], place))]
        found = [_make_key(path, name + ending) for name in names]
        keys[i] = next((key for key in found if _fold(key) not in used), found[-1])
        used.add(_fold(keys[i]))
    return keys


def _choose_apart(raw_paths: Sequence[bytes], ending: str) -> list[str]:
    """Choose distinct keys for the sources of one listing, whatever OUTPUT holds."""
    keys = []
    for raw in raw_paths:
        path = _path_of(raw)
        keys.append(_make_key(path, path.stem + ending))
    for is_hashed in (False, True):
        seen = Counter(map(_fold, keys))
        for i, key in enumerate(keys):
            if seen[_fold(key)] > 1:
                path = _path_of(raw_paths[i])
                name = f"{path.name}.{_hash_name(raw_paths[i])}" if is_hashed else path.name
                keys[i] = _make_key(path, name + ending)
    return keys


def _path_of(raw: bytes) -> PurePosixPath:
    return PurePosixPath(_to_utf8(raw))


def _make_key(path: PurePosixPath, name: str) -> str:
    parts = [part for part in path.parent.parts if part not in {"/", ".", ".."}]
    if parts and parts[0].casefold() in RESERVED:
        parts[0] += "_"
    return "/".join(_shorten(part) for part in (*parts, name))


def _to_utf8(raw: bytes) -> str:
    """Decode UTF-8; other bytes become %FF. A percent sign stays as it is."""
    return raw.decode("utf-8", errors="surrogateescape").translate(_ESCAPES)


_ESCAPES: Final = {0xDC00 + byte: f"%{byte:02X}" for byte in range(128, 256)} | {0: "%00"}


def _fold(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


def _shorten(part: str) -> str:
    """Shorten a part to what file systems take; its end (suffix and extension) is kept."""
    data = part.encode()
    if len(data) <= MAX_NAME_BYTES:
        return part
    _, dot, tail = part[-TAIL_CHARS:].partition(".")
    ending = f".{_hash_name(data)}{dot}{tail}"
    room = MAX_NAME_BYTES - len(ending.encode())
    return data[:room].decode("utf-8", errors="ignore") + ending


def _hash_name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:HASH_CHARS]
