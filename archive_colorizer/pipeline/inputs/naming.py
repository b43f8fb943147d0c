"""Names of derivatives: a second run chooses the same again, and no other source's.

The rule, in full in docs/formats.md: the source's relative path (or its object id), the suffix, the
new extension. Where two masters would get one name, both keep their own extension in it (or their
file's name); where that is not enough a short hash of the source's raw name is added, and last one
of its place. Names are chosen over all that SOURCE holds, whatever is filtered out, and against
every row that OUTPUT has.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar, Final

from archive_colorizer.imaging.formats import WRITTEN
from archive_colorizer.pipeline.records import RENDITIONS
from archive_colorizer.storage import TEMPORARIES

EXTENSIONS: Final[Mapping[str, str]] = {name: one.ending for name, one in WRITTEN.items()}
MAX_NAME_BYTES: Final = 255
RESERVED: Final = frozenset(
    {"manifest", "history", "models", "report", *RENDITIONS, TEMPORARIES, "job.json", "job.lock"}
)
"""Names in OUTPUT that are ours: a source folder of that name gets an underscore."""
HASH_CHARS: Final = 8
TAIL_CHARS: Final = 40
REFUSED: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
"""Characters that some file system refuses in a name."""
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows gives to devices."""


def output_keys(  # noqa: PLR0913 (most have defaults)
    raw_paths: Sequence[bytes],
    suffix: str,
    image_format: str,
    *,
    uris: Sequence[str] = (),
    owned: Sequence[str] = (),
    taken: Iterable[str] = (),
    stems: Sequence[str] = (),
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
        stems: names that sources get in place of their paths, or empty: of any text.

    Returns:
        Keys relative to OUTPUT: valid UTF-8, every part at most 255 bytes, no two alike even where
        upper and lower case or Unicode normal forms are not told apart.
    """
    ending = suffix + EXTENSIONS[image_format]
    keys = [key if key.endswith(ending) else "" for key in owned] or [""] * len(raw_paths)
    used = {_fold(key) for key in (*taken, *keys) if key}
    names = [
        _Names(raw, uris[i] if uris else "", stems[i] if stems else "")
        for i, raw in enumerate(raw_paths)
    ]
    late = []
    for i, key in enumerate(_choose_apart(names, ending)):
        if keys[i]:
            continue
        if _fold(key) in used:
            late.append(i)
        else:
            keys[i] = key
            used.add(_fold(key))
    for i in late:
        found = [names[i].make_key(step, ending) for step in _Names.STEPS[1:]]
        keys[i] = next((key for key in found if _fold(key) not in used), found[-1])
        used.add(_fold(keys[i]))
    return keys


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that one source may get."""

    STEPS: ClassVar = ("short", "whole", "hashed", "placed")

    raw: bytes
    uri: str
    stem: str
    """In place of the path; empty for none."""

    def make_key(self, step: str, ending: str) -> str:
        """Make the key of a step: each is longer than the one before, and less often another's."""
        path = PurePosixPath(_to_utf8(self.raw))
        stem, whole = path.stem, path.name
        if self.stem:
            stem = _make_stem(self.stem)
            path, whole = PurePosixPath(stem), f"{stem}.{path.name}"
        raw = self.raw if step == "hashed" else self.uri.encode() + self.raw
        name = {"short": stem, "whole": whole}.get(step) or f"{whole}.{_hash_name(raw)}"
        return _make_key(path, name + ending)


def _choose_apart(names: Sequence[_Names], ending: str) -> list[str]:
    """Choose distinct keys for the sources of one listing, whatever OUTPUT holds."""
    first, *longer = _Names.STEPS
    keys = [one.make_key(first, ending) for one in names]
    for step in longer:
        seen = Counter(map(_fold, keys))
        if len(seen) == len(keys):
            break
        for i, key in enumerate(keys):
            if seen[_fold(key)] > 1:
                keys[i] = names[i].make_key(step, ending)
    return keys


def _make_stem(text: str) -> str:
    """Make a file's name of any text: what file systems refuse becomes `_`."""
    name = REFUSED.sub("_", unicodedata.normalize("NFC", text.strip()))
    return f"_{name}" if name.startswith(".") or DEVICES.fullmatch(name) else name


def _make_key(path: PurePosixPath, name: str) -> str:
    parts = [part for part in path.parent.parts if part not in {"/", ".", ".."}]
    if parts and parts[0].casefold() in RESERVED:
        parts[0] += "_"
    return "/".join(shorten(part) for part in (*parts, name))


def _to_utf8(raw: bytes) -> str:
    """Decode UTF-8; other bytes become %FF. A percent sign stays as it is."""
    return raw.decode("utf-8", errors="surrogateescape").translate(_ESCAPES)


_ESCAPES: Final = {0xDC00 + byte: f"%{byte:02X}" for byte in range(128, 256)} | {0: "%00"}


def _fold(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


def shorten(part: str) -> str:
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
