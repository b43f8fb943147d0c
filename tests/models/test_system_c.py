"""What reference system C's two networks have in common."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.cwgan_gp import CWGANConfig, ResidualUNet
from archive_colorizer.models.unet_perceptual import UNetPerceptual, UNetPerceptualConfig


@pytest.fixture(params=["cwgan_gp", "unet_perceptual"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    if request.param == "cwgan_gp":
        return ResidualUNet(CWGANConfig(width=4, levels=3)).eval()
    return UNetPerceptual(UNetPerceptualConfig(width=4, depth=4)).eval()


@pytest.mark.parametrize("sides", [(33, 50), (16, 16), (8, 8), (1, 7)])
@torch.inference_mode()
def test_any_sides_are_padded_and_cut_again(model: nn.Module, sides: tuple[int, int]) -> None:
    said = model.predict(torch.rand(2, 1, *sides))
    assert said.ab_b2hw.shape == (2, 2, *sides)
    assert said.ab_b2hw.abs().max() <= 110
    assert not said.doubt_b1hw.any()


@torch.inference_mode()
def test_dropout_is_drawn_in_training_and_absent_afterwards(model: nn.Module) -> None:
    picture = torch.rand(2, 1, 32, 32)
    assert torch.equal(model(picture), model(picture))
    model.train()
    assert not torch.equal(model(picture), model(picture))


def test_every_weight_takes_part(model: nn.Module) -> None:
    model.train()
    model(torch.rand(2, 1, 32, 32)).square().mean().backward()
    assert all(p.grad is not None for p in model.parameters())
