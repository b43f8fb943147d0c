"""Written files: what has been put into a staged file, and whether it has arrived."""

import hashlib
from typing import BinaryIO

from archive_colorizer.errors import WritePhotoError
from archive_colorizer.storage import Entry, Store


def digest(file: BinaryIO) -> tuple[str, int]:
    """Compute SHA-256, hex, and size in bytes of what was written."""
    file.flush()
    file.seek(0)
    found = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return found.hexdigest(), file.tell()


def check_arrived(store: Store, key: str, size_bytes: int) -> Entry:
    """Make sure that a file is in its place, whole.

    Raises:
        WritePhotoError: it is not.
    """
    entry = store.find(key)
    if entry is None or entry.size_bytes != size_bytes:
        raise WritePhotoError(f"{key}: {size_bytes:,} bytes were written and are not there")
    return entry
