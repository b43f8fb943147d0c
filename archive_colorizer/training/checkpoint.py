"""A training state on disk: written whole or not at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from archive_colorizer.errors import LocationError
from archive_colorizer.storage.atomic import atomic_path

CHECKPOINT: Final = "last.pt"
MAX_TEXT: Final = 200
"""Characters of torch's own message that are passed on."""


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state under a temporary name, then rename it.

    Args:
        path: of the file.
        state: has `step`; tensors and plain values.

    Raises:
        LocationError: it cannot be written; the state before it is still there.
    """
    try:
        with atomic_path(path) as temporary:
            torch.save(state, temporary)
    except (OSError, RuntimeError) as error:  # torch's writer says a full disk by the latter
        raise LocationError(
            f"{path}: step {state['step']:,} cannot be written "
            f"({shutil.disk_usage(path.parent).free >> 20} MiB free): {shorten(error)}"
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """Read a state into the host's memory; only tensors and plain values are accepted.

    Raises:
        OSError, RuntimeError, EOFError: it is not there, cut, or no state.
    """
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def shorten(error: BaseException) -> str:
    """Bring an error's message to one line of at most MAX_TEXT characters."""
    return " ".join(str(error).split())[:MAX_TEXT]
