"""ESRGAN's generator in ncnn's files: settings and tensors of the family `rrdb`.

The names of the layers say nothing (`Conv_0`, `Conv_1`, ...), so the whole network is compared with
the one that so many blocks would be, layer by layer in the order of the lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from torch import Tensor

from archive_colorizer.models.rrdb import RESIDUAL_SCALE
from archive_colorizer.weights.ncnn import (
    BIAS,
    CONVOLUTION,
    DILATION,
    KERNEL,
    PADDING,
    STRIDE,
    NcnnLayer,
)

PASSED: Final = ("Input", "Split")
BLOCK, AROUND = 15, 6
"""Convolutions of one block of blocks, and of all that is not in a block."""
Step = tuple[str, str, Mapping[int, tuple[float, ...]]]
"""Kind of layer, our name of it (for a convolution), settings that it must have."""
KERNELS: Final = {KERNEL: (3.0,), DILATION: (1.0,), STRIDE: (1.0,), PADDING: (1.0,), BIAS: (1.0,)}
DEFAULTS: Final = {DILATION: (1.0,), STRIDE: (1.0,)}
"""Values of settings that a line may leave out."""
ACTIVATION, SLOPE = 9, 10
LEAKY: Final = KERNELS | {ACTIVATION: (2.0,), SLOPE: (0.2,)}
LINEAR: Final = KERNELS | {ACTIVATION: (0.0,)}
SUM: Final[Mapping[int, tuple[float, ...]]] = {0: (1.0,), 1: (RESIDUAL_SCALE, 1.0)}
"""Of Eltwise: operation and factors."""
DOUBLED: Final[Mapping[int, tuple[float, ...]]] = {0: (1.0,), 1: (2.0,), 2: (2.0,)}
"""Of Interp: nearest neighbour, two ways."""


def convert(layers: Sequence[NcnnLayer]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and tensors of `rrdb` for an ncnn network.

    Raises:
        ValueError: a layer is not the one that such a network has there; says which.
    """
    found = [layer for layer in layers if layer.kind not in PASSED]
    convolutions = sum(layer.kind == CONVOLUTION for layer in found)
    blocks, left = divmod(convolutions - AROUND, BLOCK)
    if blocks < 1 or left:
        raise ValueError(f"it has {convolutions} convolutions: 15 a block and 6 are ESRGAN's")
    wanted = list(_steps(blocks))
    if len(wanted) != len(found):
        raise ValueError(f"it has {len(found)} layers where {len(wanted)} belong")
    tensors: dict[str, Tensor] = {}
    for layer, (kind, name, settings) in zip(found, wanted, strict=True):
        _check(layer, kind, settings)
        if layer.kernel is not None and layer.bias is not None:
            tensors |= {f"{name}.weight": layer.kernel, f"{name}.bias": layer.bias}
    width, growth = (len(tensors[f"{n}.bias"]) for n in ("conv_first", "body.0.rdb1.conv1"))
    return {"scale": 4, "blocks": blocks, "features": width, "growth": growth}, tensors


def _steps(blocks: int) -> Iterator[Step]:
    yield CONVOLUTION, "conv_first", LINEAR
    for block in range(blocks):
        for dense in range(1, 4):
            for i in range(1, 5):
                yield CONVOLUTION, f"body.{block}.rdb{dense}.conv{i}", LEAKY
                yield "Concat", "", {}
            yield CONVOLUTION, f"body.{block}.rdb{dense}.conv5", LINEAR
            yield "Eltwise", "", SUM
        yield "Eltwise", "", SUM
    yield CONVOLUTION, "conv_body", LINEAR
    yield "BinaryOp", "", {0: (0.0,)}
    for up in ("conv_up1", "conv_up2"):
        yield "Interp", "", DOUBLED
        yield CONVOLUTION, up, LEAKY
    yield CONVOLUTION, "conv_hr", LEAKY
    yield CONVOLUTION, "conv_last", LINEAR


def _check(layer: NcnnLayer, kind: str, settings: Mapping[int, tuple[float, ...]]) -> None:
    if layer.kind != kind:
        raise ValueError(f"{layer.name} is a {layer.kind} where a {kind} belongs")
    for key, wanted in settings.items():
        said = layer.settings.get(key, DEFAULTS.get(key, (0.0,)))
        if said != wanted:
            raise ValueError(f"{layer.name} has setting {key}={said} where {wanted} belongs")
