"""Reference system C's second model: its parts, its sizes, a critic that judges each alone."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.cwgan_gp import (
    Critic,
    CWGANConfig,
    ResidualUNet,
    build,
)

SMALL = CWGANConfig(width=4, levels=3)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def block(inputs: int, outputs: int) -> int:
    """Two 3x3 convolutions without bias, two batch norms, a 1x1 shortcut where widths differ."""
    shortcut = 0 if inputs == outputs else (inputs + 1) * outputs
    return 9 * inputs * outputs + 9 * outputs**2 + 4 * outputs + shortcut


def small() -> ResidualUNet:
    torch.manual_seed(0)
    return ResidualUNet(SMALL).eval()


def test_the_generators_parameters_are_those_of_its_plan() -> None:
    with torch.device("meta"):
        made = count(build(CWGANConfig()))
    encoder = block(1, 64) + block(64, 128) + block(128, 256) + block(256, 512) + block(512, 512)
    strided = sum(9 * w * w + w for w in (64, 128, 256, 512))
    upwards = ((512, 512), (512, 256), (256, 128), (128, 64))
    up = sum(9 * a * b + b for a, b in upwards)
    decoder = sum(block(2 * b, b) for _, b in upwards)
    assert made == encoder + strided + up + decoder + 2 * 64 + 2 == 26_724_354


def test_the_critic_is_a_patchgan_70_with_an_affine_instance_norm() -> None:
    assert count(Critic()) == 2_764_737 + 2 * (128 + 256 + 512)
    kinds = {type(part) for part in Critic(width=4).layers}
    assert kinds == {nn.Conv2d, nn.InstanceNorm2d, nn.LeakyReLU}
    convolutions = [part for part in Critic(width=4).layers if isinstance(part, nn.Conv2d)]
    assert [part.kernel_size for part in convolutions] == [(4, 4)] * 5
    assert [part.stride for part in convolutions] == [(2, 2)] * 3 + [(1, 1)] * 2


@torch.inference_mode()
def test_a_score_depends_on_its_own_picture_only_and_is_no_probability() -> None:
    torch.manual_seed(0)
    critic = Critic(width=4)
    gray, ab = torch.rand(3, 1, 64, 64), torch.rand(3, 2, 64, 64) * 2 - 1
    scores = critic(gray, ab)
    assert scores.shape == (3,)
    alone = torch.cat([critic(gray[i : i + 1], ab[i : i + 1]) for i in range(3)])
    assert torch.allclose(scores, alone, atol=1e-5)
    nn.init.constant_(critic.layers[-1].bias, -7.0)
    assert critic(gray, ab).max() < 0


@pytest.mark.parametrize("bad", [{"levels": 0}, {"levels": 9}, {"width": 0}, {"dropout": 1.0}])
def test_settings_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be 1 to 8"):
        CWGANConfig(**bad)
