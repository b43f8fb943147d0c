"""Published weights from a file that the user names: read without unpickling code."""

import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from archive_colorizer.errors import LocationError
from archive_colorizer.weights.keras import is_hdf5, read_keras
from archive_colorizer.weights.ncnn import is_ncnn, ncnn_state, read_ncnn
from archive_colorizer.weights.tfjs import is_tfjs, read_tfjs

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
"""Errors of reading bytes that are not a state dict: torch's unpickler raises of many kinds."""


WRAPPINGS: Final = ("params_ema", "params", "state_dict")
"""Keys under which public checkpoints keep their tensors, the better ones first."""

READERS: Final[Sequence[tuple[Callable[[Path], bool], Callable[[Path], dict[str, Tensor]]]]] = (
    (is_hdf5, lambda path: read_keras(path).state()),
    (is_tfjs, read_tfjs),
    (is_ncnn, lambda path: ncnn_state(read_ncnn(path))),
)
"""Other programs' files: how each kind is told, and read."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, on the CPU: .safetensors, a torch state dict, Keras', TF.js'
    or ncnn's.

    A dict inside a dict (`params_ema`, `params`, `state_dict`) is taken out, `module.` before the
    names is left off.

    Raises:
        LocationError: the file is missing or is neither; one line.
    """
    if not path.is_file():
        raise LocationError(f"{path}: no such weights file (nothing is downloaded)")
    try:
        for is_kind, read in READERS:
            if is_kind(path):
                return read(path)
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            with warnings.catch_warnings(action="ignore"):  # of odd files: the error says enough
                state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        text = " ".join(str(error).split())[:160]
        raise LocationError(f"{path}: not a state dict that is safe to load: {text}") from error
    inner = state
    if isinstance(state, dict):
        inner = next((state[key] for key in WRAPPINGS if isinstance(state.get(key), dict)), state)
    plain = isinstance(inner, dict) and all(isinstance(v, Tensor) for v in inner.values())
    if not plain or not inner:
        raise LocationError(f"{path}: not a state dict (names and tensors)")
    return {str(name).removeprefix("module."): value for name, value in inner.items()}


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


def mean_state(before: Path, after: Path, *, share: float) -> dict[str, Tensor]:
    """The mean of two models' tensors; what is counted is the first one's.

    Args:
        before: a file of weights.
        after: another, of the same network.
        share: of `after`, 0 to 1.

    Raises:
        LocationError: a file cannot be read, or they are of different networks.
    """
    first, second = read_state(before), read_state(after)
    if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
        raise LocationError(f"{before} and {after}: not the same network")
    return {
        name: value.float().lerp(second[name].float(), share)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }
