"""Assets: scripts, styles and pictures of a page, served from the package under a stamp.

The stamp is a hash of all of them, and a part of their address: an asset is kept by a browser for
good, and a new version has new addresses. Assets name each other by relative paths.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final, Self

KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
PLACE: Final = "/assets/"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    data: bytes
    kind: str
    """MIME type."""


@dataclass(frozen=True, slots=True)
class Assets:
    """All files, by their address below /assets/."""

    files: Mapping[str, Asset]
    stamp: str

    @classmethod
    def read(cls, folders: Mapping[str, Traversable]) -> Self:
        """Read the files of folders of the package, each below its name."""
        files = {
            f"{name}/{path}": Asset(data, _kind_of(path))
            for name, folder in folders.items()
            for path, data in _walk(folder)
        }
        digest = hashlib.sha256()
        for path in sorted(files):
            digest.update(f"{path}\0{len(files[path].data)}\0".encode() + files[path].data)
        return cls(files, digest.hexdigest()[:16])

    def find(self, path: str) -> tuple[Asset | None, bool]:
        """Find an asset by its address below /assets/.

        Returns:
            The asset, or None; and whether the address has the stamp, so that it never changes.
        """
        stamp, _, rest = path.partition("/")
        if stamp == self.stamp:
            return self.files.get(rest), True
        return self.files.get(path), False

    def stamped(self, page: bytes) -> bytes:
        """Put the stamp into the addresses of a page."""
        return page.replace(b'"/assets/', f'"{PLACE}{self.stamp}/'.encode())


def _walk(folder: Traversable, below: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    if not folder.is_dir():
        return found
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one, f"{below}{one.name}/")
        else:
            found.append((f"{below}{one.name}", one.read_bytes()))
    return found


def _kind_of(path: str) -> str:
    ending = PurePosixPath(path).suffix.lower()
    return KINDS.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
