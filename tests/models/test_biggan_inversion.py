"""Colour by BigGAN inversion: the published counts, what colours depend on, a step of training."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.biggan import Discriminator, init_orthogonal
from archive_colorizer.models.biggan_inversion import (
    BigGANInversion,
    BigGANInversionConfig,
    build,
    hinge_discriminator_loss,
    hinge_generator_loss,
)

SMALL = {"ch": 4, "n_classes": 5, "shared_dim": 6, "dim_z": 24}


def small(resolution: int = 32) -> BigGANInversion:
    torch.manual_seed(0)
    model = BigGANInversion(BigGANInversionConfig(resolution=resolution, **SMALL))
    init_orthogonal(model)
    return model.eval()


def gray(count: int = 2, height: int = 40, width: int = 56) -> torch.Tensor:
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(1))


def test_parameters_are_those_that_were_published() -> None:
    with torch.device("meta"):
        model = build(BigGANInversionConfig())
    encoder = sum(p.numel() for p in model.encoder.parameters())
    assert encoder == 23_069_344
    painting = nn.ModuleList([model.generator.blocks[2:], model.generator.output_layer])
    assert encoder + sum(p.numel() for p in painting.parameters()) == 41_110_052


def test_the_encoders_maps_are_the_published_ones() -> None:
    with torch.device("meta"):
        model = build(BigGANInversionConfig())
    shapes: list[tuple[int, ...]] = []
    for block in model.encoder.blocks:
        block.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    model.encoder(torch.empty(1, 1, 256, 256, device="meta"), torch.empty(1, 128, device="meta"))
    assert shapes == [(96, 256, 256), (192, 128, 128), (384, 64, 64), (768, 32, 32), (768, 16, 16)]


@pytest.mark.parametrize(("edge", "channels"), [(8, 1536), (16, 768), (32, 768)])
def test_the_maps_edge_is_a_setting(edge: int, channels: int) -> None:
    with torch.device("meta"):
        model = build(BigGANInversionConfig(map_px=edge))
    gray, embedding = torch.empty(1, 1, 256, 256), torch.empty(1, 128)
    map_bchw = model.encoder(gray.to("meta"), embedding.to("meta"))
    assert map_bchw.shape == (1, channels, edge, edge)
    assert model.size_multiple == 256 // edge


@torch.inference_mode()
def test_each_edge_paints_a_picture() -> None:
    for edge in (8, 16, 32):
        torch.manual_seed(0)
        model = BigGANInversion(BigGANInversionConfig(resolution=64, map_px=edge, **SMALL)).eval()
        assert model.predict(gray(1)).ab_b2hw.shape == (1, 2, 40, 56)
        z, embedding = model.noise(1, 0), model.generator.embed(None, 1)
        map_bchw = model.generator.forward_to(z, embedding)
        assert map_bchw.shape == model.encoder(gray(1, 64, 64), embedding).shape
        whole, rest = model.generator(z, embedding), model.generator.forward_from
        assert torch.equal(rest(map_bchw, z, embedding), whole)
    with pytest.raises(ValueError, match=r"map_px=32: must be 8, 16 or 32, under"):
        BigGANInversionConfig(resolution=32, map_px=32, **SMALL)


def test_an_mlp_tells_the_encoder_the_class_where_it_is_wanted() -> None:
    plain = small()
    torch.manual_seed(0)
    model = BigGANInversion(BigGANInversionConfig(resolution=32, class_mlp=10, **SMALL))
    assert not any("mlp" in name for name in plain.state_dict())
    assert model.encoder.mlp[0].weight.shape == (10, 6)
    assert model.encoder.blocks[0].norm1.gain.weight.shape == (1, 10)
    assert model.encoder.blocks[0].norm2.bias.weight.shape[1] == 10
    embedding = model.generator.embed(torch.tensor([1, 3]), 2)
    map_bchw = model.encoder(torch.rand(1, 1, 32, 32).expand(2, -1, -1, -1), embedding)
    assert not torch.allclose(map_bchw[0], map_bchw[1])
    map_bchw.sum().backward()
    assert model.encoder.mlp[0].weight.grad.abs().sum() > 0


def test_dropout_after_the_last_block_is_a_setting() -> None:
    for last in (False, True):
        torch.manual_seed(0)
        config = BigGANInversionConfig(resolution=32, dropout=0.5, dropout_last=last, **SMALL)
        encoder = BigGANInversion(config).encoder.train()
        made = encoder(torch.rand(1, 1, 32, 32), torch.randn(1, 6))
        assert ((made == 0).float().mean() > 0.3) == last


@pytest.mark.parametrize("resolution", [32, 64, 128, 256])
@torch.inference_mode()
def test_a_picture_of_any_sides_gets_chroma_of_its_size(resolution: int) -> None:
    said = small(resolution).predict(gray(1))
    assert said.ab_b2hw.shape == (1, 2, 40, 56)
    assert said.ab_b2hw.isfinite().all()
    assert said.doubt_b1hw.shape == (1, 1, 40, 56)
    assert not said.doubt_b1hw.any()


@torch.inference_mode()
def test_the_class_changes_the_colours() -> None:
    model, picture = small(), gray()
    first = model.predict(picture, class_b=torch.tensor([0, 0])).ab_b2hw
    second = model.predict(picture, class_b=torch.tensor([0, 3])).ab_b2hw
    mean = model.predict(picture).ab_b2hw
    torch.testing.assert_close(first[0], second[0])
    assert (first[1] - second[1]).abs().mean() > 0.1
    assert (first - mean).abs().mean() > 0.1


@torch.inference_mode()
def test_the_same_seed_gives_the_same_colours() -> None:
    model, picture = small(), gray()
    first = model.predict(picture, seed=7).ab_b2hw
    torch.manual_seed(99)
    assert torch.equal(model.predict(picture, seed=7).ab_b2hw, first)
    assert (model.predict(picture, seed=8).ab_b2hw - first).abs().mean() > 0.1


@torch.inference_mode()
def test_the_noise_is_the_same_for_each_picture_of_a_batch() -> None:
    model, picture = small(), gray()
    alone = model.predict(picture[1:]).ab_b2hw
    torch.testing.assert_close(model.predict(picture).ab_b2hw[1:], alone, atol=1e-3, rtol=0)


def test_the_noise_has_the_published_deviation() -> None:
    model = small()
    assert float(model.noise(1000, 0).std()) == pytest.approx(0.8, abs=0.02)


def test_a_class_for_each_picture_is_asked_for() -> None:
    with pytest.raises(ValueError, match="must be 2 of -1 to 4"):
        small().predict(gray(), class_b=torch.tensor([1]))


@pytest.mark.parametrize("bad", [{"dropout": 1.0}, {"z_std": -1.0}, {"resolution": 48}])
def test_settings_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BigGANInversionConfig(**bad)


def test_hinge_losses_stop_where_a_logit_is_sure() -> None:
    sure, unsure = torch.tensor([2.0, 3.0]), torch.zeros(2)
    assert hinge_discriminator_loss(sure, -sure) == 0
    assert hinge_discriminator_loss(unsure, unsure) == 2
    assert hinge_discriminator_loss(-sure, sure) == 7
    assert hinge_generator_loss(sure) == -2.5


def test_a_tiny_one_trains_a_step_from_the_start() -> None:
    model = small().train()
    discriminator = Discriminator(model.config)
    init_orthogonal(discriminator)
    critic = torch.optim.Adam(discriminator.parameters(), 3e-3, betas=(0.0, 0.999))
    painter = torch.optim.Adam(model.parameters(), 1e-3, betas=(0.0, 0.999))
    real, classes = torch.rand(4, 3, 32, 32) * 2 - 1, torch.tensor([0, 1, 2, 3])
    picture = (real.mean(dim=1, keepdim=True) + 1) / 2
    before = model.encoder.blocks[0].conv1.weight.detach().clone()

    def painted() -> torch.Tensor:
        return model(picture, model.noise(4, 0), model.generator.embed(classes, 4))

    judged = hinge_discriminator_loss(
        discriminator(real, classes), discriminator(painted().detach(), classes)
    )
    judged.backward()
    critic.step()
    made = painted()
    loss = nn.functional.mse_loss(made, real)
    loss = loss + 0.03 * hinge_generator_loss(discriminator(made, classes))
    loss.backward()
    painter.step()

    assert judged.isfinite()
    assert loss.isfinite()
    assert not torch.equal(model.encoder.blocks[0].conv1.weight, before)
    for name in ("shared.weight", "blocks.2.0.conv1.weight", "output_layer.0.gain"):
        assert model.generator.get_parameter(name).grad.any(), name
    assert model.generator.linear.weight.grad is None
