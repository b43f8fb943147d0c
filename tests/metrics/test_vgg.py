"""VGG features: where they are tapped, and public state dicts."""

import pytest
import torch
from torch import nn

from archive_colorizer.metrics.features import perceptual_loss
from archive_colorizer.metrics.vgg import PLANS, VggFeatures

PUBLIC = {
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
"""Indices of the convolutions in the public releases."""


def small(kind: str) -> VggFeatures:
    torch.manual_seed(0)
    return VggFeatures(kind, width_divisor=16)


def public(kind: str, divisor: int) -> dict[str, torch.Tensor]:
    """A state dict with the public names, made without the module."""
    widths = [width // divisor for width in PLANS[kind] if width]
    state, channels = {}, 3
    for index, width in zip(PUBLIC[kind], widths, strict=True):
        state[f"features.{index}.weight"] = torch.randn(width, channels, 3, 3) * 0.1
        state[f"features.{index}.bias"] = torch.zeros(width)
        channels = width
    return state | {"classifier.0.weight": torch.zeros(4, 4)}


@pytest.mark.parametrize("kind", PUBLIC)
def test_a_public_state_dict_fits(kind: str) -> None:
    network, state = small(kind), public(kind, 16)
    network.load(state)
    last = max(i for i in PUBLIC[kind] if i <= max(network.taps))
    assert torch.equal(network.features[last].weight, state[f"features.{last}.weight"])
    assert all(not p.requires_grad for p in network.parameters())


def test_what_does_not_fit_is_named() -> None:
    state = public("vgg16", 16)
    with pytest.raises(ValueError, match=r"features\.0\.weight is \(4, 3, 3, 3\), not \(64"):
        VggFeatures("vgg16").load(state)
    del state["features.5.bias"]
    with pytest.raises(ValueError, match=r"features\.5\.bias is missing"):
        small("vgg16").load(state)


def test_taps_are_where_the_papers_have_them() -> None:
    maps = small("vgg16")(torch.rand(1, 3, 32, 32))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)
    ]  # fmt: skip
    assert all((m >= 0).all() for m in maps)  # after the ReLU
    (deep,) = small("vgg19")(torch.rand(1, 3, 32, 32))
    assert deep.shape[1:] == (32, 2, 2)
    assert (deep < 0).any()  # before it
    assert isinstance(small("vgg19").features[-1], nn.Conv2d)


def test_equal_pictures_are_at_no_distance_and_gradients_flow() -> None:
    network = small("vgg16")
    picture = torch.rand(1, 3, 32, 32)
    assert float(perceptual_loss(network, picture, picture)) == 0
    made = torch.rand(1, 3, 32, 32, requires_grad=True)
    perceptual_loss(network, made, picture).backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
