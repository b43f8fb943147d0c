"""CycleGAN: the published counts, both directions, the public layout."""

from typing import Literal

import pytest
import torch
from torch import nn

from archive_colorizer.models.cyclegan import (
    Critic,
    CycleGAN,
    CycleGANConfig,
    Generator,
    from_public,
)

SMALL = CycleGANConfig(width=4, blocks=2)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_that_were_published() -> None:
    with torch.device("meta"):
        assert count(Generator(CycleGANConfig())) == 11_378_179
        assert count(CycleGAN(CycleGANConfig())) == 2 * 11_378_179
        assert count(Critic()) == 2_764_737


@torch.inference_mode()
def test_both_directions_and_any_sides() -> None:
    torch.manual_seed(0)
    model = CycleGAN(SMALL).eval()
    picture = torch.rand(1, 3, 33, 50)
    forth, back = model.translate(picture), model.translate(picture, back=True)
    assert forth.shape == back.shape == picture.shape
    assert 0 <= forth.min() <= forth.max() <= 1
    assert not torch.equal(forth, back)
    turned = CycleGAN(CycleGANConfig(width=4, blocks=2, back=True)).eval()
    turned.load_state_dict(model.state_dict())
    assert torch.equal(turned.translate(picture), back)


@torch.inference_mode()
def test_resized_maps_leave_no_checkerboard() -> None:
    torch.manual_seed(0)
    flat = torch.full((1, 3, 96, 96), 0.5)

    def unevenness(upsampling: Literal["transposed", "resize"]) -> float:
        model = CycleGAN(CycleGANConfig(width=4, blocks=1, upsampling=upsampling)).eval()
        # Instance norm would blow up a flat picture's rounding.
        layers = [one for one in model.forth.layers if not isinstance(one, nn.InstanceNorm2d)]
        inside = nn.Sequential(*layers)(flat)[..., 40:-40, 40:-40]
        return float(inside.std(dim=(2, 3)).max())

    assert unevenness("resize") < 1e-6
    assert unevenness("transposed") > 1e-3


def test_an_unknown_upsampling_is_refused() -> None:
    with pytest.raises(ValueError, match="must be transposed or resize"):
        CycleGANConfig(upsampling="shuffle")  # type: ignore[arg-type]


def public(dropout: bool) -> dict[str, torch.Tensor]:
    """Names of the public release, of few channels, written down from it."""
    second = 6 if dropout else 5
    shapes = {"model.1": (4, 3, 7, 7), "model.4": (8, 4, 3, 3), "model.7": (16, 8, 3, 3)}
    for block in (10, 11):
        for inner in (1, second):
            shapes[f"model.{block}.conv_block.{inner}"] = (16, 16, 3, 3)
    shapes |= {"model.12": (16, 8, 3, 3), "model.15": (8, 4, 3, 3), "model.19": (3, 4, 7, 7)}
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = torch.randn(shape)
        turned = name in {"model.12", "model.15"}
        state[f"{name}.bias"] = torch.randn(shape[1 if turned else 0])
    return state


@pytest.mark.parametrize("dropout", [False, True])
def test_public_state_dicts_fit(dropout: bool) -> None:
    state = public(dropout)
    config, found = from_public(state)
    assert config == {"width": 4, "blocks": 2, "one_way": True}
    network = CycleGAN(CycleGANConfig(**config))
    network.load_state_dict(found)
    name = f"model.11.conv_block.{6 if dropout else 5}.weight"
    assert torch.equal(network.forth.layers[11].inner[5].weight, state[name])


def test_what_does_not_fit_is_named() -> None:
    state = public(False)
    del state["model.4.bias"]
    with pytest.raises(ValueError, match=r"1 tensors are missing, first forth\.layers\.4\.bias"):
        from_public(state)
    with pytest.raises(ValueError, match=r"1 tensors too many, first forth\.layers\.99\.weight"):
        from_public(public(False) | {"model.99.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="x: not a name"):
        from_public({"x": torch.zeros(1)})
