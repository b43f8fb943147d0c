"""Keras files in HDF5 (`.h5`, `.hdf5`): layers in the network's order, kernels in torch's."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from archive_colorizer.errors import LocationError
from archive_colorizer.extras import require

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
CONVOLUTION: Final = ("kernel", "bias")
NORM: Final = ("gamma", "beta", "moving_mean", "moving_variance")
PARTS: Final = frozenset((*CONVOLUTION, *NORM))
LEFT_OUT: Final = frozenset(("optimizer", "optimizer_weights", "seed_generator"))
"""Groups that hold nothing of the network's own."""

KerasLayers = Mapping[str, Mapping[str, Tensor]]
"""Layer -> its tensors by Keras' names, in the network's order."""


@dataclass(frozen=True, slots=True)
class KerasFile:
    """The contents of a Keras file."""

    layers: KerasLayers
    """Kernels are (out, in, height, width), of transposed convolutions (in, out, height, width)."""
    model: Mapping[str, Any]
    """Keras' description of the whole model; empty in a file of weights."""

    def state(self) -> dict[str, Tensor]:
        """The convolutions as a state dict, each under its layer's own name."""
        return {
            f"{name.rpartition('/')[2]}.{'weight' if part == 'kernel' else part}": tensor
            for name, parts in self.layers.items()
            for part, tensor in parts.items()
            if part in CONVOLUTION
        }


@dataclass(slots=True)
class _Contents:
    """Everything that a file lists."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    """Group -> what it says of its layers' or weights' order."""
    called: dict[str, str] = field(default_factory=dict)
    """Group of Keras 3 -> the layer's own name."""

    def take(self, place: str, what: Any) -> None:  # noqa: ANN401 (h5py has no types)
        """Take down what stands at a place: a dataset that a layer needs, or a group's names."""
        if LEFT_OUT & set(place.split("/")):
            return
        if hasattr(what, "shape"):
            if _find_part(place):
                self.tensors[place] = _to_torch(place, what)
            return
        for key in ("layer_names", "weight_names"):
            if key in what.attrs:
                words = what.attrs[key]
                self.names[place] = [
                    word.decode() if isinstance(word, bytes) else str(word) for word in words
                ]
        if "name" in what.attrs:
            self.called[place] = str(what.attrs["name"])


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, by its first bytes; the name does not matter."""
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read_keras(path: Path) -> KerasFile:
    """Read the layers of a file of weights, or of a whole model.

    `save` and `save_weights` of Keras 1 to 3 write such files. Kernels are turned from (height,
    width, in, out). What the optimizer kept is left; links to other files are not followed; nothing
    of the model is run.

    Raises:
        LocationError: h5py is not installed, the file is cut, or it holds something else.
    """
    require("keras", f"{path}: a Keras file", LocationError)
    import h5py

    contents = _Contents()
    try:
        with h5py.File(path, "r") as file:
            contents.take("", file)
            model = json.loads(file.attrs.get("model_config", "{}"))
            file.visititems(contents.take)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())[:160]
        raise LocationError(f"{path}: not a Keras file of weights: {text}") from error
    layers: dict[str, dict[str, Tensor]] = {}
    for place in _in_order(contents):
        parts = layers.setdefault(_name_layer(place, contents), {})
        parts[_name_part(place, contents)] = contents.tensors[place]
    if not layers:
        raise LocationError(f"{path}: not a Keras file of weights: no kernel or bias in it")
    return KerasFile(layers, model if isinstance(model, dict) else {})


def _find_part(place: str) -> str:
    """What a dataset holds of its layer, as Keras 1 and 2 name it or Keras 3 numbers it; or ''."""
    *above, last = place.split("/")
    part = last.partition(":")[0]
    numbered = above[-1:] == ["vars"] and part in ("0", "1", "2", "3")
    return part if part in PARTS or numbered else ""


def _name_part(place: str, contents: _Contents) -> str:
    """Keras' name of a dataset; of numbered ones the first tells the kind of layer."""
    part, (above, _, _) = _find_part(place), place.rpartition("/")
    if not part.isdigit():
        return part
    first = contents.tensors.get(f"{above}/0")
    names = CONVOLUTION if first is not None and first.ndim == 4 else NORM
    return names[int(part)] if int(part) < len(names) else part


def _in_order(contents: _Contents) -> list[str]:
    """Datasets in the network's order.

    Files of Keras 1 and 2 list it. In those of Keras 3, layers of one kind are numbered; the parts
    of a network that are networks themselves come before the layers that stand alone, as in a U-Net
    of blocks with one convolution after them.
    """
    listed: dict[str, int] = {}
    for root in ("", "model_weights"):
        for layer in contents.names.get(root, []):
            group = f"{root}/{layer}" if root else layer
            for weight in contents.names.get(group, []):
                listed.setdefault(f"{group}/{weight}", len(listed))

    def rank(place: str) -> tuple[int, int, list[tuple[str, int]]]:
        words = [re.fullmatch(r"(.*?)_?(\d*)", word) for word in place.split("/")]
        numbered = [(w[1], int(w[2] or 0)) for w in words if w]
        return listed.get(place, len(listed)), -place.count("layers/"), numbered

    return sorted(contents.tensors, key=rank)


def _name_layer(place: str, contents: _Contents) -> str:
    """A layer's own name after those of the networks that it is in."""

    def words() -> Iterator[str]:
        above = place.split("/")[:-1]
        for i, word in enumerate(above):
            if word in ("layers", "vars", "model_weights"):
                continue
            yield contents.called.get("/".join([*above[: i + 1], "vars"]), word)

    found = list(words())
    return "/".join(word for i, word in enumerate(found) if word not in found[i + 1 : i + 2])


def _to_torch(place: str, what: Any) -> Tensor:  # noqa: ANN401 (h5py has no types)
    values = np.asarray(what[()])
    if values.ndim not in (1, 4) or values.dtype.kind != "f":
        raise ValueError(f"{place} is {values.dtype} of shape {values.shape}: not a convolution's")
    turned = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values
    return torch.from_numpy(np.ascontiguousarray(turned, np.float32))
