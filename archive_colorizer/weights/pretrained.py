"""The published ImageNet weights of EfficientNet-Lite2: the start of an encoder, a classifier."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.models.efficientnet_lite import (
    LITE2,
    EfficientNetLite2,
    EfficientNetLite2Classifier,
)
from archive_colorizer.weights.imagenet_file import SHA256, find_imagenet_file
from archive_colorizer.weights.state import read_state

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
    path = find_imagenet_file("recipe.encoder=imagenet", "recipe.encoder=random")
    renamed = _read_encoder(path, encoder)
    stem = torch.zeros_like(encoder.state_dict()["stem.0.weight"])
    stem[:, :1] = renamed["stem.0.weight"].sum(dim=1, keepdim=True)
    encoder.load_state_dict({**renamed, "stem.0.weight": stem})


def load_imagenet_rgb_encoder(asked_by: str, instead: str) -> EfficientNetLite2:
    """Make the encoder as it was published, for RGB, in evaluation mode.

    Args:
        asked_by: the setting that needs it, for the message.
        instead: what does without it.

    Raises:
        ConfigError: the package is not installed, or its file is not what it was.
    """
    encoder = EfficientNetLite2(3)
    encoder.load_state_dict(_read_encoder(find_imagenet_file(asked_by, instead), encoder))
    return encoder.eval()


def load_imagenet_classifier() -> EfficientNetLite2Classifier:
    """Make the classifier of ImageNet's 1,000 classes for grey pictures, in evaluation mode.

    Raises:
        ConfigError: the package is not installed, or its file is not what it was.
    """
    path = find_imagenet_file("--class auto", "--class N")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise ConfigError(f"--class auto: {path.name} is another file than was published")
    classifier = EfficientNetLite2Classifier()
    load_imagenet_encoder(classifier.encoder)
    published = read_state(path)
    classifier.head.load_state_dict(
        {ours: published[theirs] for ours, theirs in _name_head(classifier.head)}
    )
    return classifier.eval()


def _read_encoder(path: Path, encoder: EfficientNetLite2) -> dict[str, Tensor]:
    """The published tensors under the encoder's keys; the stem takes red, green and blue."""
    try:
        return dict(_rename_tensors(encoder, read_state(path)))
    except (LocationError, KeyError) as error:
        raise ConfigError(f"{path.name}: not EfficientNet-Lite2's weights: {error}") from error


def _name_head(head: nn.Module) -> Iterator[tuple[str, str]]:
    """Pair the keys of the head with the published ones."""
    layers = {"conv": "_conv_head", "norm": "_bn1", "last": "_fc"}
    for key in head.state_dict():
        layer, _, leaf = key.partition(".")
        yield key, f"{layers[layer]}.{leaf}"


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
