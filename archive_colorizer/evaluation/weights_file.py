"""Published weights from a file that the user names: read without unpickling code."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from archive_colorizer.errors import LocationError

UNREADABLE: Final = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    SafetensorError,
    pickle.UnpicklingError,
)
"""What reading bytes that are not a state dict raises: torch's unpickler is not choosy."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a state dict saved by torch, on the CPU.

    Raises:
        LocationError: the file is missing or is neither; one line.
    """
    if not path.is_file():
        raise LocationError(f"{path}: no such weights file (nothing is downloaded)")
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Tensor] = load_file(path)
            return tensors
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        text = " ".join(str(error).split())[:160]
        raise LocationError(f"{path}: not a state dict that is safe to load: {text}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise LocationError(f"{path}: not a state dict (names and tensors)")
    return state


def fill(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Put tensors into a module; batch counters may be absent.

    Raises:
        LocationError: a key is missing, unknown or of another shape; says which first.
    """
    known = module.state_dict()
    missing = sorted(k for k in known.keys() - state.keys() if "num_batches" not in k)
    unknown = sorted(state.keys() - known.keys())
    if missing or unknown:
        raise LocationError(
            f"{where}: does not fit {type(module).__name__}: {len(missing)} keys missing "
            f"{missing[:2]}, {len(unknown)} unknown {unknown[:2]}"
        )
    wrong = [key for key, value in state.items() if value.shape != known[key].shape]
    if wrong:
        raise LocationError(f"{where}: does not fit {type(module).__name__}: shape of {wrong[0]}")
    module.load_state_dict(dict(state), strict=False)
