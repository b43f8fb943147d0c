"""Files on this machine that appear whole: written under a temporary name, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in a file's folder; it takes the file's name when the block ends.

    With an error nothing is renamed, and what was written is deleted. A killed process leaves the
    temporary file: its name is always the same, so the next writer takes its place.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a whole file, text as UTF-8, so that nobody ever sees a part of it.

    Raises:
        OSError: it cannot be written; an earlier file is still there.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data if isinstance(data, bytes) else data.encode())
