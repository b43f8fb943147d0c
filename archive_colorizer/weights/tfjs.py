"""TensorFlow.js' layers models: a JSON file, and files of float32 beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from archive_colorizer.errors import LocationError

MANIFEST: Final = "weightsManifest"
NUMBERS: Final = np.dtype("<f4")


def is_tfjs(path: Path) -> bool:
    """Tell whether a file is a model's JSON, by its name."""
    return path.suffix == ".json"


def read_tfjs(path: Path) -> dict[str, Tensor]:
    """Read the weights of a model as a state dict.

    `LAYER/kernel` becomes `LAYER.weight`, turned from (height, width, in, out); nothing of the
    model is run.

    Raises:
        LocationError: a file is missing, cut or too long, or its numbers are not float32; one line.
    """
    try:
        model = json.loads(path.read_text("utf-8"))
        return {
            name: tensor
            for group in model[MANIFEST]
            for name, tensor in _read_group(path.parent, group)
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        text = " ".join(str(error).split())[:160]
        raise LocationError(f"{path}: not a model of TensorFlow.js: {text}") from error


def _read_group(folder: Path, group: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    names = [str(name) for name in group["paths"]]
    if strange := [name for name in names if Path(name).name != name]:
        raise ValueError(f"{strange[0]!r} is not a file beside it")
    data, at = b"".join((folder / name).read_bytes() for name in names), 0
    for entry in group["weights"]:
        name, shape = str(entry["name"]), tuple(int(side) for side in entry["shape"])
        if entry["dtype"] != "float32" or "quantization" in entry:
            raise ValueError(f"{name} is quantised or not float32")
        count = int(np.prod(shape))
        if at + count * NUMBERS.itemsize > len(data):
            raise ValueError(f"its weights end within {name}")
        values = np.frombuffer(data, NUMBERS, count, at).reshape(shape).astype(np.float32)
        at += count * NUMBERS.itemsize
        turned = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values
        layer, _, part = name.rpartition("/")
        yield (
            f"{layer}.{'weight' if part == 'kernel' else part}",
            torch.from_numpy(np.ascontiguousarray(turned)),
        )
    if at != len(data):
        raise ValueError(f"{len(data)} bytes of weights where {at} belong")
