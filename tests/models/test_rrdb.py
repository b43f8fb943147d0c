"""ESRGAN's generator: the published count, sizes, three public layouts, the relativistic loss."""

import math
from typing import Any

import pytest
import torch

from archive_colorizer.models.rrdb import (
    Discriminator,
    RRDBConfig,
    RRDBNet,
    build,
    from_public,
    relativistic_loss,
)

SMALL = {"blocks": 2, "features": 6, "growth": 4}


def test_parameters_are_those_that_were_published() -> None:
    with torch.device("meta"):
        network = build(RRDBConfig())
    assert sum(p.numel() for p in network.parameters()) == 16_697_987


@pytest.mark.parametrize("scale", [1, 2, 4])
@torch.inference_mode()
def test_any_sides_are_enlarged(scale: int) -> None:
    torch.manual_seed(0)
    made = RRDBNet(RRDBConfig(**SMALL, scale=scale)).enlarge(torch.rand(2, 3, 9, 13))
    assert made.shape == (2, 3, 9 * scale, 13 * scale)
    assert 0 <= made.min() <= made.max() <= 1


def basicsr() -> dict[str, torch.Tensor]:
    """BasicSR's names, written down from it."""
    shapes = {"conv_first": (6, 3), "conv_body": (6, 6), "conv_up1": (6, 6), "conv_up2": (6, 6),
              "conv_hr": (6, 6), "conv_last": (3, 6)}  # fmt: skip
    for block in range(2):
        for rdb in (1, 2, 3):
            for conv, inputs in enumerate((6, 10, 14, 18), start=1):
                shapes[f"body.{block}.rdb{rdb}.conv{conv}"] = (4, inputs)
            shapes[f"body.{block}.rdb{rdb}.conv5"] = (6, 22)
    state = {}
    for name, (out, inputs) in shapes.items():
        state[f"{name}.weight"] = torch.randn(out, inputs, 3, 3)
        state[f"{name}.bias"] = torch.randn(out)
    return state


def old(name: str) -> str:
    """A name of ESRGAN's first release."""
    part, _, kind = name.rpartition(".")
    plain = {"conv_first": "model.0", "conv_body": "model.1.sub.2", "conv_up1": "model.3",
             "conv_up2": "model.6", "conv_hr": "model.8", "conv_last": "model.10"}  # fmt: skip
    if part in plain:
        return f"{plain[part]}.{kind}"
    _, block, rdb, conv = part.split(".")
    return f"model.1.sub.{block}.{rdb.upper()}.{conv}.0.{kind}"


def bsrgan(name: str) -> str:
    """A name of BSRGAN's."""
    part, _, kind = name.rpartition(".")
    plain = {"conv_first": "conv_first", "conv_body": "trunk_conv", "conv_up1": "upconv1",
             "conv_up2": "upconv2", "conv_hr": "HRconv", "conv_last": "conv_last"}  # fmt: skip
    if part in plain:
        return f"{plain[part]}.{kind}"
    _, block, rdb, conv = part.split(".")
    return f"RRDB_trunk.{block}.{rdb.upper()}.{conv}.{kind}"


@pytest.mark.parametrize("rename", [lambda name: name, old, bsrgan])
def test_public_state_dicts_fit(rename: object) -> None:
    ours = basicsr()
    state = {rename(name): value for name, value in ours.items()}
    config, found = from_public(state)
    assert RRDBConfig(**config) == RRDBConfig(**SMALL)
    assert {name: id(value) for name, value in found.items()} == {
        name: id(value) for name, value in ours.items()
    }
    RRDBNet(RRDBConfig(**SMALL)).load_state_dict(found)


def test_a_network_that_unshuffles_first_enlarges_by_less() -> None:
    wide = RRDBConfig(**SMALL | {"scale": 2, "unshuffle": 2})
    network = RRDBNet(wide)
    config, found = from_public(network.state_dict())
    assert RRDBConfig(**config) == wide
    assert found["conv_first.weight"].shape[1] == 12
    assert network.enlarge(torch.rand(1, 3, 7, 10)).shape == (1, 3, 14, 20)


def test_unknown_state_dicts() -> None:
    with pytest.raises(ValueError, match="no known RRDB layout"):
        from_public({"x": torch.zeros(1)})


def test_the_relativistic_loss_asks_which_is_more_real() -> None:
    real, made = torch.tensor([2.0, 4.0]), torch.tensor([-1.0, -3.0])
    assert relativistic_loss(real, made) < 0.02 < math.log(2) < relativistic_loss(made, real)
    same = torch.zeros(3)
    assert float(relativistic_loss(same, same)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("side", [32, 47])
def test_the_discriminator_takes_any_sides(side: int) -> None:
    assert Discriminator(width=4)(torch.rand(2, 3, side, side)).shape == (2,)


@pytest.mark.parametrize(
    "bad",
    [{"scale": 3}, {"unshuffle": 3}, {"slope": 1.0}, {"upsampling": "shuffle", "unshuffle": 2}],
)
def test_settings_that_cannot_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(reversed(bad))):
        RRDBConfig(**bad)


@pytest.mark.parametrize("scale", [1, 2, 4])
@torch.inference_mode()
def test_one_pixel_shuffle_enlarges_any_sides_too(scale: int) -> None:
    torch.manual_seed(0)
    network = RRDBNet(RRDBConfig(**SMALL, scale=scale, slope=0.0, upsampling="shuffle"))
    made = network.enlarge(torch.rand(2, 3, 9, 13))
    assert made.shape == (2, 3, 9 * scale, 13 * scale)
    assert not network.ups
