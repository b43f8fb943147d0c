"""This machine's folder of fetched weights, by their hash."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from archive_colorizer.registry.connection import cache_folder
from archive_colorizer.weights.reference import WEIGHTS_NAME


def find_weights(name: str) -> Path | None:
    """Find weights in the cache; None where they are not there."""
    path = cache_folder() / name / WEIGHTS_NAME
    return path if path.is_file() else None


def put_weights(name: str, fetch: Callable[[Path], Path]) -> Path:
    """Put weights into the cache, whole or not at all: several workers may do it at once.

    Args:
        name: the weights' SHA-256, or another name that is theirs alone.
        fetch: takes an empty folder, and gives the file that it brought there.

    Raises:
        OSError: they cannot be stored.
    """
    place = cache_folder() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        fetched = fetch(Path(scratch))
        whole = Path(scratch) / "whole"
        whole.mkdir()
        fetched.rename(whole / WEIGHTS_NAME)
        shutil.rmtree(place, ignore_errors=True)
        whole.rename(place)
    return place / WEIGHTS_NAME
