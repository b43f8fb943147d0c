"""Keras weights in HDF5 (`.h5`, `.hdf5`), with names and kernels as torch has them."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from archive_colorizer.errors import LocationError
from archive_colorizer.extras import require

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
PARTS: Final = {"kernel": "weight", "bias": "bias"}
"""Keras' name of a convolution's part -> torch's."""


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, by its first bytes; the name does not matter."""
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read_keras(path: Path) -> dict[str, Tensor]:
    """Read the convolutions of a file of weights, or of a whole model.

    `save_weights` and `save` of Keras 1 and 2 write such files (in Keras 3: `save` alone).

    Kernels are turned from (height, width, in, out) to (out, in, height, width). What the optimizer
    kept is left; links to other files are not followed.

    Raises:
        LocationError: h5py is not installed, the file is cut, or it holds something else.
    """
    require("keras", f"{path}: a Keras file", LocationError)
    import h5py

    found: dict[str, Tensor] = {}

    def take(place: str, what: Any) -> None:  # noqa: ANN401 (h5py has no types)
        names = place.split("/")
        part = PARTS.get(names[-1].partition(":")[0])
        if isinstance(what, h5py.Dataset) and part and names[0] != "optimizer_weights":
            found[f"{names[-2] if len(names) > 1 else ''}.{part}"] = _to_torch(place, what)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())[:160]
        raise LocationError(f"{path}: not a Keras file of weights: {text}") from error
    if not found:
        raise LocationError(f"{path}: not a Keras file of weights: no kernel or bias in it")
    return found


def _to_torch(place: str, what: Any) -> Tensor:  # noqa: ANN401 (h5py has no types)
    values = np.asarray(what[()])
    if values.ndim not in (1, 4) or values.dtype.kind != "f":
        raise ValueError(f"{place} is {values.dtype} of shape {values.shape}: not a convolution's")
    turned = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values
    return torch.from_numpy(np.ascontiguousarray(turned, np.float32))
