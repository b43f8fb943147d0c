"""Reference system C's third model: its kernels, its sizes."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.unet_perceptual import (
    UNetPerceptual,
    UNetPerceptualConfig,
    build,
)

SMALL = UNetPerceptualConfig(width=4, depth=4)


def small() -> UNetPerceptual:
    torch.manual_seed(0)
    return UNetPerceptual(SMALL).eval()


def test_the_parameters_are_those_of_the_plan() -> None:
    with torch.device("meta"):
        made = sum(p.numel() for p in build(UNetPerceptualConfig()).parameters())
    first = 25 * 64 + 64
    steps = ((64, 128), (128, 256), (256, 512), (512, 512), (512, 512))
    down = sum(25 * a * b + 2 * b for a, b in steps)
    upwards = ((512, 512), (1024, 512), (1024, 256), (512, 128), (256, 64))
    up = sum(16 * a * b + 2 * b for a, b in upwards)
    assert made == first + down + up + 16 * 128 * 2 + 2 == 35_508_482


def test_kernels_are_of_five_going_down_and_transposed_going_up() -> None:
    model = small()
    down = [part for part in model.down.modules() if isinstance(part, nn.Conv2d)]
    assert [(part.kernel_size, part.stride) for part in down] == [((5, 5), (2, 2))] * 4
    up = [part for part in model.modules() if isinstance(part, nn.ConvTranspose2d)]
    assert [part.stride for part in up] == [(2, 2)] * 4
    assert sum(isinstance(part, nn.LeakyReLU) for part in model.down.modules()) == 4
    assert sum(isinstance(part, nn.ReLU) for part in model.up.modules()) == 3


@pytest.mark.parametrize("side", [160, 320])
def test_the_systems_resolutions_go_through_in_training(side: int) -> None:
    model = build(UNetPerceptualConfig(width=2)).train()
    model(torch.rand(2, 1, side, side)).square().mean().backward()
    assert model(torch.rand(1, 1, side, side)).shape == (1, 2, side, side)


def test_the_kernel_is_a_setting() -> None:
    model = build(UNetPerceptualConfig(width=2, kernel=3)).eval()
    down = [part for part in model.down.modules() if isinstance(part, nn.Conv2d)]
    assert {part.kernel_size for part in down} == {(3, 3)}
    assert model(torch.rand(1, 1, 64, 64)).shape == (1, 2, 64, 64)
    with pytest.raises(ValueError, match="kernel=4: must be 3, 5, 7 or 9"):
        UNetPerceptualConfig(kernel=4)


@pytest.mark.parametrize("bad", [{"depth": 1}, {"depth": 10}, {"width": 0}, {"dropout": 1.0}])
def test_settings_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be 2 to 9"):
        UNetPerceptualConfig(**bad)
