"""Networks that fail on one picture: out of memory, an error of torch, NaN.

A master that is black is the bad one: its proxy is, too, so that a network can tell it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from archive_colorizer.models.spec import Prediction

NO_ROOM_ON_CPU: Final = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
"""The words of torch 2.13 itself."""
FAULTS: Final[dict[str, tuple[Exception | None, str]]] = {
    "CUDA's out-of-memory": (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
    "the CPU allocator's": (RuntimeError(NO_ROOM_ON_CPU), "out_of_memory"),
    "Python's out-of-memory": (MemoryError(), "out_of_memory"),
    "a RuntimeError": (RuntimeError("shapes do not match"), "model_error"),
    "NaN": (None, "model_error"),
}
"""Fault -> the exception (None for NaN), and the error class of the picture's row."""
MAIN_FAULTS: Final = ("the CPU allocator's", "a RuntimeError", "NaN")
"""One of each kind, for tests that take long."""
BLACK: Final = 0.1
"""A picture whose mean, in [0, 1], is under this is the bad one."""


def is_bad(pictures: Tensor) -> Tensor:
    """(B,) whether each of (B, C, H, W) pictures is the bad one."""
    return pictures.float().mean(dim=(1, 2, 3)) < BLACK


def failing(method: Callable[..., Any], fault: str) -> Callable[..., Any]:
    """A network's method that fails when the bad picture is in its batch."""
    exception, _ = FAULTS[fault]

    def fail(self: Any, pictures: Tensor, **knobs: Any) -> Any:
        bad = is_bad(pictures)
        if exception is not None and bool(bad.any()):
            raise exception
        made = method(self, pictures, **knobs)
        if isinstance(made, Prediction):
            ab, doubt = (value.clone() for value in made)
            ab[bad] = torch.nan
            return Prediction(ab, doubt)
        made = made.clone()
        made[bad] = torch.nan
        return made

    return fail


def write_bad_master(folder: Path, size: tuple[int, int] = (160, 120)) -> str:
    """A grey master that is black, beside others; its name."""
    pixels = np.zeros(size[::-1], np.uint8)
    pixels[::8, ::8] = 12
    Image.fromarray(pixels).save(folder / "bad.png")
    return "bad.png"
