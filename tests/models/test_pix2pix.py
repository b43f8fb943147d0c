"""pix2pix's published facts: parameters, receptive field, sizes."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.pix2pix import (
    Generator,
    PatchDiscriminator,
    Pix2PixConfig,
    init_normal,
)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("inputs", "outputs", "count"), [(3, 3, 54_413_955), (1, 2, 54_409_858)])
def test_the_generator_has_the_published_parameters(inputs: int, outputs: int, count: int) -> None:
    with torch.device("meta"):
        generator = Generator(Pix2PixConfig(in_channels=inputs, out_channels=outputs))
    assert parameters(generator) == count


@pytest.mark.parametrize(("channels", "count"), [(6, 2_768_705), (3, 2_765_633)])
def test_the_discriminator_has_the_published_parameters(channels: int, count: int) -> None:
    assert parameters(PatchDiscriminator(channels)) == count


@pytest.mark.parametrize(("kernel", "patches"), [(3, 32), (5, 32)])
def test_the_discriminator_has_the_kernel_that_is_asked_for(kernel: int, patches: int) -> None:
    discriminator = PatchDiscriminator(3, width=4, kernel=kernel)
    sizes = {part.kernel_size for part in discriminator.modules() if isinstance(part, nn.Conv2d)}
    assert sizes == {(kernel, kernel)}
    logits = discriminator(torch.rand(1, 1, 256, 256), torch.rand(1, 2, 256, 256))
    assert logits.shape == (1, 1, patches, patches)


def test_a_patch_sees_70_pixels_and_256_pixels_give_30_patches() -> None:
    discriminator = PatchDiscriminator(3, width=4).eval()
    picture = torch.rand(1, 1, 256, 256, requires_grad=True)
    logits = discriminator(picture, torch.rand(1, 2, 256, 256))
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    seen = picture.grad[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]


@pytest.mark.parametrize(("resolution", "depth"), [(256, 8), (320, 6), (512, 9), (1024, 10)])
def test_the_depth_follows_the_resolution(resolution: int, depth: int) -> None:
    assert Pix2PixConfig(resolution=resolution).depth == depth


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("side", [64, 96])
@torch.inference_mode()
def test_any_kernel_keeps_the_size(kernel: int, side: int) -> None:
    config = Pix2PixConfig(resolution=side, kernel=kernel, width=2)
    out = Generator(config).eval()(torch.rand(1, 1, side, side))
    assert out.shape == (1, 2, side, side)
    assert out.abs().max() <= 1


@torch.inference_mode()
def test_any_sides_are_padded_and_cut_again() -> None:
    said = Generator(Pix2PixConfig(resolution=64, width=2)).eval().predict(torch.rand(1, 1, 50, 75))
    assert said.ab_b2hw.shape == (1, 2, 50, 75)


@torch.inference_mode()
def test_a_generator_of_rgb_gives_chroma_too() -> None:
    config = Pix2PixConfig(in_channels=3, out_channels=3, resolution=64, width=2)
    said = Generator(config).eval().predict(torch.rand(1, 1, 64, 64))
    assert said.ab_b2hw.shape == (1, 2, 64, 64)
    assert not said.doubt_b1hw.any()


@pytest.mark.parametrize("bad", [{"kernel": 1}, {"resolution": 100}, {"in_channels": 2}])
def test_settings_that_cannot_be_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be|channels"):
        Pix2PixConfig(**bad)


def test_weights_begin_small_and_normal() -> None:
    torch.manual_seed(0)
    generator = Generator(Pix2PixConfig(resolution=64, width=16))
    init_normal(generator)
    weight = generator.down[2][1].weight.detach()
    assert abs(float(weight.std()) - 0.02) < 0.002
