"""CycleGAN: the published counts, both directions, the public layout."""

from dataclasses import replace
from typing import Literal

import pytest
import torch

from archive_colorizer.models.cyclegan import (
    Critic,
    CycleGAN,
    CycleGANConfig,
    Generator,
    from_public,
    one_way,
    transform_colours,
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
def test_affine_output_is_an_affine_transform_of_each_pixels_colour() -> None:
    torch.manual_seed(0)
    picture = torch.rand(2, 3, 16, 24) * 2 - 1
    coefficients = torch.zeros(2, 12, 2, 3)
    assert torch.equal(transform_colours(picture, coefficients), picture)
    coefficients[:, 1], coefficients[:, 11] = 0.5, -0.25  # red gains half the green; less blue
    made = transform_colours(picture, coefficients)
    assert torch.allclose(made[:, 0], picture[:, 0] + 0.5 * picture[:, 1], atol=1e-6)
    assert torch.equal(made[:, 1], picture[:, 1])
    assert torch.allclose(made[:, 2], picture[:, 2] - 0.25, atol=1e-6)


@torch.inference_mode()
def test_affine_output_keeps_shapes() -> None:
    """A fine pattern comes through, where an untrained network of pixels has lost it."""
    torch.manual_seed(0)
    pattern = torch.rand(1, 1, 48, 48).expand(-1, 3, -1, -1)

    def alike(output: Literal["pixels", "affine"]) -> float:
        made = CycleGAN(CycleGANConfig(width=4, blocks=1, output=output)).eval().translate(pattern)
        pair = torch.stack((made.mean(dim=1).flatten(), pattern[:, 0].flatten()))
        return float(torch.corrcoef(pair)[0, 1])

    assert alike("affine") > 0.7
    assert abs(alike("pixels")) < 0.5


@torch.inference_mode()
def test_each_direction_can_stand_alone() -> None:
    torch.manual_seed(0)
    both = CycleGAN(replace(SMALL, domains=("day", "night"))).eval()
    picture = torch.rand(1, 3, 16, 16)
    for back, domains in ((False, ("day", "night")), (True, ("night", "day"))):
        one = one_way(both, back=back)
        assert one.config.one_way
        assert one.config.domains == domains
        assert torch.equal(one.translate(picture), both.translate(picture, back=back))
    with pytest.raises(ValueError, match="one way only"):
        one_way(one, back=True)


def test_an_unknown_output_is_refused() -> None:
    with pytest.raises(ValueError, match="must be pixels or affine"):
        CycleGANConfig(output="paint")  # type: ignore[arg-type]


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
