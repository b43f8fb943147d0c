"""U-Net generators in Keras files: settings and tensors of the family `keras_unet`.

A whole model says of every layer what it is; its layers are compared with the two layouts' one by
one. A file of weights has convolutions and norms alone: their number tells the layout, and slope
and statistics are those that the layout's programs have.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor

from archive_colorizer.models.keras_unet import CHANNELS
from archive_colorizer.weights.keras import NORM, KerasFile, KerasLayers

CONV, TRANSPOSED, NORMED = "Conv2D", "Conv2DTranspose", "BatchNormalization"
LEAKY, RELU, TANH, JOINED = "LeakyReLU", "ReLU", "tanh", "Concatenate"
ACTIVATIONS: Final = {"relu": RELU, "tanh": TANH, "leaky_relu": LEAKY}
PASSED: Final = ("InputLayer", "Dropout", "SpatialDropout2D")
"""Kinds of layers that play no part once a network is trained."""
CONVOLVED: Final = {"strides": 2, "padding": "same", "dilation_rate": 1, "groups": 1,
                    "data_format": "channels_last"}  # fmt: skip
WANTED: Final[Mapping[str, Mapping[str, object]]] = {
    CONV: CONVOLVED, TRANSPOSED: CONVOLVED, RELU: {"max_value": 0, "negative_slope": 0},
}  # fmt: skip
"""Kind of layer -> settings that it must have where the file says them; of two numbers both."""
LAYOUTS: Final = {"tutorial": (0.3, "running"), "functional": (0.2, "picture")}
"""Layout -> slope and statistics of its programs."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """One thing that happens in a network, in order: a layer, or the activation that it has."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inbound: tuple[str, ...] = ()
    """Names of the layers that it takes, in order."""
    training: bool = False
    """Whether it is called as in training, always."""


def convert(file: KerasFile) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and tensors of `keras_unet` for a Keras file.

    A norm with running statistics takes the bias of its convolution into its mean; one with a
    picture's own statistics takes any bias away.

    Raises:
        ValueError: a layer is not the layout's; says which, and what should be there.
    """
    kernels = [name for name, parts in file.layers.items() if "kernel" in parts]
    norms = [name for name, parts in file.layers.items() if "kernel" not in parts]
    depth = len(kernels) // 2
    if len(kernels) % 2 or depth < 2:
        raise ValueError(f"it has {len(kernels)} convolutions: as many go down as up, four or more")
    try:
        everything = list(_walk(file.model))
    except (AttributeError, TypeError) as error:
        raise ValueError("its description of the model is none of Keras'") from error
    said = [layer for layer in everything if layer.kind not in PASSED]
    layout = _compare(everything, said, depth) if said else _by_norms(len(norms), depth)
    slope, statistics = LAYOUTS[layout]
    settings = {
        "layout": layout,
        "slope": _common(said, LEAKY, ("negative_slope", "alpha"), slope),
        "norm_eps": _common(said, NORMED, ("epsilon",), 1e-3),
        "statistics": _statistics(said) if said else statistics,
    }
    bare = {0, 2 * depth - 1} | ({depth - 1} if layout == "functional" else set())
    if len(norms) != 2 * depth - len(bare):
        raise ValueError(f"it has {len(norms)} norms, should be {2 * depth - len(bare)}")
    widths = _check_shapes(file.layers, kernels)
    tensors: dict[str, Tensor] = {}
    left = iter(norms)
    for i, name in enumerate(kernels):
        place = f"down.{i}" if i < depth else f"up.{i - depth}"
        at = "last" if i == 2 * depth - 1 else f"{place}.conv"
        kernel = file.layers[name]["kernel"]
        channels = kernel.shape[0] if i < depth else kernel.shape[1]
        bias = file.layers[name].get("bias", torch.zeros(channels))
        tensors[f"{at}.weight"] = kernel
        if i in bare:
            tensors[f"{at}.bias"] = bias
        else:
            tensors |= _norm(file.layers, next(left), f"{place}.norm", bias)
    first = file.layers[kernels[0]]["kernel"]
    settings |= {"in_channels": first.shape[1], "kernel": first.shape[2], "widths": widths}
    return settings, tensors


def _by_norms(count: int, depth: int) -> str:
    """The layout of a file of weights."""
    numbers = {2 * depth - 2: "tutorial", 2 * depth - 3: "functional"}
    if count not in numbers:
        raise ValueError(
            f"it has {count} norms for {2 * depth} convolutions, should be {2 * depth - 2} "
            f"(tutorial) or {2 * depth - 3} (functional)"
        )
    return numbers[count]


def _check_shapes(layers: KerasLayers, kernels: Sequence[str]) -> tuple[int, ...]:
    """Channels of each level going down, once every kernel has the shape that follows from them."""
    depth = len(kernels) // 2
    widths = tuple(layers[name]["kernel"].shape[0] for name in kernels[:depth])
    edge = layers[kernels[0]]["kernel"].shape[2]
    inputs = layers[kernels[0]]["kernel"].shape[1]
    down = list(pairwise((inputs, *widths)))
    up = [(widths[-1], widths[-2])]
    up += [(2 * widths[i + 1], widths[i]) for i in reversed(range(depth - 2))]
    up += [(2 * widths[0], CHANNELS)]
    for i, (name, (a, b)) in enumerate(zip(kernels, down + up, strict=True)):
        # As Keras has them: a transposed convolution's kernel has its outputs first.
        wanted = (edge, edge, a, b) if i < depth else (edge, edge, b, a)
        kernel = layers[name]["kernel"]
        found = (*kernel.shape[2:], kernel.shape[1], kernel.shape[0])
        if found != wanted or (i == 0 and inputs not in (1, 3)):
            kind = CONV if i < depth else TRANSPOSED
            raise ValueError(
                f"{name}: kernel {found}, should be {wanted} of a {kind}"
                + (" of 1 or 3 channels" if i == 0 else "")
            )
    return widths


def _norm(layers: KerasLayers, name: str, place: str, bias: Tensor) -> dict[str, Tensor]:
    parts = layers[name]
    for part in NORM:
        if part not in parts or parts[part].shape != bias.shape:
            shape = tuple(parts[part].shape) if part in parts else "missing"
            raise ValueError(f"{name}: {part} is {shape}, should be {tuple(bias.shape)}")
    gamma, beta, mean, variance = (parts[part] for part in NORM)
    return {
        f"{place}.weight": gamma,
        f"{place}.bias": beta,
        f"{place}.running_mean": mean - bias,
        f"{place}.running_var": variance,
    }


def _compare(everything: Sequence[_Layer], said: Sequence[_Layer], depth: int) -> str:
    """The layout that a model has, layer by layer; `everything` has what plays no part, too."""
    down, up = [CONV, NORMED, LEAKY], [TRANSPOSED, NORMED]
    begin, end = [CONV, LEAKY], [TRANSPOSED, TANH]
    orders = {
        "tutorial": begin + down * (depth - 1) + [*up, RELU, JOINED] * (depth - 1) + end,
        "functional": begin + down * (depth - 2) + [CONV, RELU]
        + [*up, JOINED, RELU] * (depth - 1) + end,
    }  # fmt: skip
    kinds = [layer.kind for layer in said]
    places = {layer.name: i for i, layer in enumerate(everything)}

    def agreed(order: Sequence[str]) -> int:
        pairs = zip(kinds, order, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(kinds), len(order)))

    layout = max(orders, key=lambda name: agreed(orders[name]))
    order, at = orders[layout], agreed(orders[layout])
    if at < max(len(kinds), len(order)):
        wanted = order[at] if at < len(order) else "nothing"
        found = f"{said[at].name}: is {kinds[at]}" if at < len(kinds) else "it ends"
        raise ValueError(f"{found} where the layout '{layout}' has {wanted}")
    for layer in said:
        _check_layer(layer, places)
    return layout


def _check_layer(layer: _Layer, places: Mapping[str, int]) -> None:
    """Refuse settings that would make another network of the same layers."""
    for key, wanted in WANTED.get(layer.kind, {}).items():
        found = layer.settings.get(key) or wanted
        if any(one != wanted for one in (found if isinstance(found, list) else [found])):
            raise ValueError(f"{layer.name}: {key} is {found}, should be {wanted}")
    if layer.kind == JOINED:
        order = [places.get(name, -1) for name in layer.inbound]
        if len(order) == 2 and order[0] < order[1]:
            raise ValueError(f"{layer.name}: puts the skip first, should be last")


def _common(said: Sequence[_Layer], kind: str, keys: Sequence[str], otherwise: float) -> float:
    """A number that all layers of a kind must have in common."""
    found = {
        float(layer.settings[key]): layer.name
        for layer in said if layer.kind == kind
        for key in keys if isinstance(layer.settings.get(key), int | float)
    }  # fmt: skip
    if len(found) > 1:
        one, other = list(found.items())[:2]
        raise ValueError(f"{other[1]}: {keys[0]} is {other[0]:g}, should be {one[0]:g}")
    return next(iter(found), otherwise)


def _statistics(said: Sequence[_Layer]) -> str:
    calls = {layer.training: layer.name for layer in said if layer.kind == NORMED}
    if len(calls) > 1:
        raise ValueError(f"{calls[True]}: is called with training=True, other norms are not")
    return "picture" if True in calls else "running"


def _walk(model: Mapping[str, Any], *, training: bool = False) -> Iterator[_Layer]:
    """The layers of a described model, in order, those of inner models in their place."""
    inner = model.get("config")
    layers = inner.get("layers", []) if isinstance(inner, dict) else inner
    for one in layers if isinstance(layers, list) else []:
        kind, settings = str(one.get("class_name")), one.get("config") or {}
        nodes = one.get("inbound_nodes", [])
        called = training or _says_training(nodes)
        if isinstance(settings, list) or "layers" in settings:
            found = list(_walk(one, training=called))
            # Who takes this model's result takes that of its last layer.
            name = str(one.get("name", kind))
            yield from (*found[:-1], *(replace(last, name=name) for last in found[-1:]))
        else:
            name = str(one.get("name") or settings.get("name"))
            whole = _Layer(name, kind, settings, tuple(_find_names(nodes)), called)
            yield from _split(whole)


def _split(layer: _Layer) -> Iterator[_Layer]:
    """A layer, and the activation that it has, as two."""
    activation = str(layer.settings.get("activation", "linear"))
    named = ACTIVATIONS.get(activation, activation)
    if layer.kind == "Activation":
        yield replace(layer, kind=named)
        return
    yield layer
    if activation != "linear":
        yield _Layer(layer.name, named)


def _find_names(nodes: object) -> Iterator[str]:
    """Names of what a layer takes: ["name", 0, 0, ...] in Keras 2, inside of more in Keras 3."""
    if isinstance(nodes, dict):
        for value in nodes.values():
            yield from _find_names(value)
    elif isinstance(nodes, list):
        if len(nodes) > 2 and isinstance(nodes[0], str) and isinstance(nodes[1], int):
            yield nodes[0]
        else:
            for value in nodes:
                yield from _find_names(value)


def _says_training(nodes: object) -> bool:
    if isinstance(nodes, dict):
        return nodes.get("training") is True or any(map(_says_training, nodes.values()))
    return isinstance(nodes, list) and any(map(_says_training, nodes))
