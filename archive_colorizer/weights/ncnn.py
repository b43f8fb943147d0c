"""ncnn's files: the text of a network (`.param`), and its weights beside it (`.bin`).

A line of the text is a layer: kind, name, how many maps it takes and gives, their names, settings
as `number=value`. The weights follow in the order of the lines: a tag of four bytes, the kernel
(out, in, height, width), the bias as float32. Nothing is run.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from archive_colorizer.errors import LocationError

MAGIC: Final = "7767517"
"""First line of every `.param`."""
CONVOLUTION: Final = "Convolution"
TYPES: Final[Mapping[int, np.dtype[np.floating]]] = {
    0x00000000: np.dtype("<f4"),
    0x0002C056: np.dtype("<f4"),
    0x01306B47: np.dtype("<f2"),
}
"""Tag before a kernel -> its numbers; the other tags are of quantised ones."""
WEIGHTLESS: Final = frozenset(
    ("BinaryOp", "Concat", "Eltwise", "Input", "Interp", "Split", CONVOLUTION)
)
"""Kinds of layers that are known; all but the convolution have no weights."""
ARRAYS_FROM: Final = -23300
"""Setting number n of several values is written as this less n."""
OUT, KERNEL, DILATION, STRIDE, PADDING, BIAS, SIZE = range(7)
"""Numbers of a convolution's settings."""


@dataclass(frozen=True, slots=True)
class NcnnLayer:
    """A line of the text, with its weights."""

    kind: str
    name: str
    takes: tuple[str, ...]
    """Names of maps."""
    gives: tuple[str, ...]
    settings: Mapping[int, tuple[float, ...]]
    kernel: Tensor | None = None
    """(out, in, height, width) float32, of a convolution."""
    bias: Tensor | None = None

    def number(self, key: int, default: float = 0) -> float:
        """A setting of one value."""
        return self.settings.get(key, (default,))[0]


def is_ncnn(path: Path) -> bool:
    """Tell whether a file is ncnn's text of a network, by its first line."""
    with path.open("rb") as file:
        return file.read(len(MAGIC) + 1).split() == [MAGIC.encode()]


def read_ncnn(path: Path) -> tuple[NcnnLayer, ...]:
    """Read a network and its weights.

    Args:
        path: the `.param`; the `.bin` of the same name stands beside it.

    Raises:
        LocationError: a file is missing, cut or too long, or has a kind of layer or of numbers that
            is not known here; one line.
    """
    beside = path.with_suffix(".bin")
    if not beside.is_file():
        raise LocationError(f"{path}: its weights, {beside.name}, are not beside it")
    try:
        layers = _read_text(path.read_text("ascii"))
        data = beside.read_bytes()
        return tuple(_take_weights(layers, data))
    except (OSError, ValueError) as error:
        raise LocationError(f"{path}: not a network of ncnn's: {error}") from error


def ncnn_state(layers: Sequence[NcnnLayer]) -> dict[str, Tensor]:
    """The convolutions as a state dict, each under its layer's own name."""
    found: dict[str, Tensor] = {}
    for layer in layers:
        if layer.kernel is not None and layer.bias is not None:
            found |= {f"{layer.name}.weight": layer.kernel, f"{layer.name}.bias": layer.bias}
    return found


def _read_text(text: str) -> list[NcnnLayer]:
    _, counts, *lines = [line.split() for line in text.splitlines() if line.strip()]
    if int(counts[0]) != len(lines):
        raise ValueError(f"{len(lines)} layers where {counts[0]} belong")
    return [_read_line(words) for words in lines]


def _read_line(words: list[str]) -> NcnnLayer:
    if len(words) < 4:
        raise ValueError(f"a line is cut: {' '.join(words)!r}")
    kind, name, takes, gives = words[0], words[1], int(words[2]), int(words[3])
    if kind not in WEIGHTLESS:
        raise ValueError(f"{name} is a {kind}, a kind of layer that is not known here")
    maps, said = words[4 : 4 + takes + gives], words[4 + takes + gives :]
    if len(maps) < takes + gives or any("=" in one for one in maps):
        raise ValueError(f"{name} names fewer maps than it has")
    settings = dict(_read_setting(name, word) for word in said)
    return NcnnLayer(kind, name, tuple(maps[:takes]), tuple(maps[takes:]), settings)


def _read_setting(name: str, word: str) -> tuple[int, tuple[float, ...]]:
    key, equals, value = word.partition("=")
    if not equals:
        raise ValueError(f"{name} has {word!r} where a setting belongs")
    number, values = int(key), [float(one) for one in value.split(",")]
    if number > ARRAYS_FROM:
        return number, tuple(values)
    if int(values[0]) != len(values) - 1:
        raise ValueError(f"{name} has {len(values) - 1} values where {int(values[0])} belong")
    return ARRAYS_FROM - number, tuple(values[1:])


def _take_weights(layers: Sequence[NcnnLayer], data: bytes) -> Iterator[NcnnLayer]:
    at = 0
    for layer in layers:
        if layer.kind != CONVOLUTION:
            yield layer
            continue
        out, edge, size = (int(layer.number(key)) for key in (OUT, KERNEL, SIZE))
        if min(out, edge, size) < 1 or size % (out * edge**2) or not layer.number(BIAS):
            raise ValueError(f"{layer.name} has no kernel of a square, or no bias")
        if len(data) < at + 4:
            raise ValueError(f"the weights end before {layer.name}")
        (tag,) = struct.unpack_from("<I", data, at)
        if tag not in TYPES:
            raise ValueError(f"{layer.name} has numbers of kind {tag:#010x}: only float16 and 32")
        kernel, at = _take(layer.name, data, at + 4, size, TYPES[tag])
        bias, at = _take(layer.name, data, at, out, np.dtype("<f4"))
        shaped = kernel.reshape(out, size // (out * edge**2), edge, edge)
        yield NcnnLayer(
            layer.kind, layer.name, layer.takes, layer.gives, layer.settings, shaped, bias
        )
    if at != len(data):
        raise ValueError(f"{len(data)} bytes of weights where {at} belong")


def _take(
    name: str, data: bytes, at: int, count: int, kind: np.dtype[np.floating]
) -> tuple[Tensor, int]:
    """Numbers as float32, and where the next ones begin: at a multiple of four bytes."""
    end = at + count * kind.itemsize
    if end > len(data):
        raise ValueError(f"the weights end within {name}")
    values = np.frombuffer(data, kind, count, at).astype(np.float32)
    return torch.from_numpy(values), end + -end % 4
