"""Reserve of disk space for rows, so that a full disk still gets its `write_error` rows."""

import uuid
from typing import Final

from archive_colorizer.errors import LocationError
from archive_colorizer.storage import TEMPORARIES, Store

BYTES: Final = 8 << 20
SLICES: Final = 32
FOLDER: Final = f"{TEMPORARIES}/reserve"


def keep(store: Store) -> None:
    """Reserve space, in slices; not on a store that does not fill up.

    Raises:
        LocationError: there is none.
    """
    if not store.fills_up:
        return
    try:
        for number in range(SLICES):
            # Not zeros: some file systems store those as holes.
            data = uuid.uuid4().bytes * (BYTES // SLICES // 16)
            store.write_atomic(f"{FOLDER}/{number:02d}", data)
    except OSError as error:
        raise LocationError(
            f"{store.uri}: OUTPUT has no room for {BYTES >> 20} MiB: {error.strerror or error}"
        ) from error


def release(store: Store) -> bool:
    """Free one slice; False when none is left."""
    for entry in store.list(FOLDER):
        store.delete(entry.key)
        return True
    return False
