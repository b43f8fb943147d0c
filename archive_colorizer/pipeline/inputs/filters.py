"""Glob patterns on the path relative to SOURCE; `*` crosses folders, case matters.

`people/` means all that is beneath that folder.
"""

import fnmatch
import os
import re
from collections.abc import Sequence


class Filter:
    """What `--include` and `--exclude` say together."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._globs = tuple(map(_whole, include))
        self._include = [re.compile(fnmatch.translate(glob)) for glob in self._globs]
        self._exclude = [re.compile(fnmatch.translate(_whole(glob))) for glob in exclude]

    def __call__(self, relative_raw: bytes) -> bool:
        """Tell whether a page is wanted."""
        name = os.fsdecode(relative_raw)
        if any(pattern.match(name) for pattern in self._exclude):
            return False
        return not self._include or any(pattern.match(name) for pattern in self._include)

    def leaves_out(self, folder: str) -> bool:
        """Tell whether nothing below a folder can be wanted, without knowing what is there."""
        inside = f"{folder}/"
        if any(pattern.match(folder) or pattern.match(inside) for pattern in self._exclude):
            return True
        fixed = [re.split(r"[*?\[]", glob, maxsplit=1)[0] for glob in self._globs]
        return bool(fixed) and not any(
            inside.startswith(start) or start.startswith(inside) for start in fixed
        )

    def names(self, part: str) -> bool:
        """Tell whether an include pattern has this name as one of its parts."""
        return any(part.casefold() in glob.casefold().split("/") for glob in self._globs)


def _whole(glob: str) -> str:
    """Make a folder's name the pattern of all beneath it."""
    glob = glob.removeprefix("./")
    return f"{glob}*" if glob.endswith("/") else glob
