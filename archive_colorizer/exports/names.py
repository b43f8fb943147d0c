"""Names of an export's files: of any picture a name that every file system and URL takes."""

import hashlib
import re
import unicodedata
from typing import Final

from archive_colorizer.pipeline.inputs.naming import shorten

SLUG_CHARS: Final = 40
HASH_CHARS: Final = 10
_BESIDE: Final = re.compile(r"[^A-Za-z0-9]+")


def fit_key(key: str, ending: str = "") -> str:
    """Make a key with an ending of parts that file systems take."""
    return "/".join(map(shorten, f"{key}{ending}".split("/")))


def slug(text: str, *more: object) -> str:
    """Make a name of letters, digits and hyphens; texts that differ get names that differ.

    Args:
        text: is seen in the name, as far as it can be.
        more: what else tells two of them apart.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    seen = _BESIDE.sub("-", ascii_text).strip("-")[:SLUG_CHARS].strip("-")
    digest = hashlib.sha256("\0".join(map(str, (text, *more))).encode()).hexdigest()[:HASH_CHARS]
    return f"{seen}-{digest}".lstrip("-").lower()


def number_name(text: str, number: int, ending: str) -> str:
    """Name a numbered piece of a collection."""
    return f"{slug(text) if text else 'pictures'}-{number:05d}{ending}"
