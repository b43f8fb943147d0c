"""BigGAN: the published counts, the public layout, spectral norm, the point of inversion."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.biggan import (
    BigGANConfig,
    Discriminator,
    Generator,
    SpectralConv2d,
    from_public,
    init_orthogonal,
)

SMALL = {"ch": 2, "n_classes": 5, "shared_dim": 6, "dim_z": 24}
TINY = BigGANConfig(resolution=128, **SMALL)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("resolution", "total", "z"), [(256, 82_108_548, 119), (128, 70_433_988, 120)]
)
def test_the_generators_have_the_published_parameters(resolution: int, total: int, z: int) -> None:
    with torch.device("meta"):
        generator = Generator(BigGANConfig(resolution=resolution))
    assert count(generator) == total
    assert generator.config.z_size == z
    assert generator.config.map_channels == 768


def test_the_discriminator_has_the_published_parameters() -> None:
    with torch.device("meta"):
        assert count(Discriminator(BigGANConfig(resolution=128))) == 87_982_370


def spectral(name: str, *shape: int, bias: bool = True) -> dict[str, torch.Tensor]:
    """A layer of the release, with what spectral norm keeps beside it."""
    u = nn.functional.normalize(torch.randn(1, shape[0]))
    state = {f"{name}.weight": torch.randn(shape), f"{name}.u0": u, f"{name}.sv0": torch.ones(1)}
    return state | ({f"{name}.bias": torch.randn(shape[0])} if bias else {})


def norm(name: str, channels: int, condition: int) -> dict[str, torch.Tensor]:
    return {
        **spectral(f"{name}.gain", channels, condition, bias=False),
        **spectral(f"{name}.bias", channels, condition, bias=False),
        f"{name}.stored_mean": torch.randn(channels),
        f"{name}.stored_var": torch.rand(channels) + 0.5,
    }


def attention(name: str, channels: int, narrow: int) -> dict[str, torch.Tensor]:
    return {
        f"{name}.gamma": torch.tensor(0.5),
        **spectral(f"{name}.theta", narrow, channels, 1, 1, bias=False),
        **spectral(f"{name}.phi", narrow, channels, 1, 1, bias=False),
        **spectral(f"{name}.g", channels // 2, channels, 1, 1, bias=False),
        **spectral(f"{name}.o", channels, channels // 2, 1, 1, bias=False),
    }


def public_generator(
    ch: int = 8, classes: int = 5, shared: int = 6, chunk: int = 4
) -> dict[str, torch.Tensor]:
    """BigGAN-128's names, written down from the release, whose sizes are 96, 1000, 128, 20."""
    torch.manual_seed(0)
    wide, condition = 16 * ch, shared + chunk
    state = {"shared.weight": torch.randn(classes, shared), **spectral("linear", wide * 16, chunk)}
    steps = ((wide, wide), (wide, 8 * ch), (8 * ch, 4 * ch), (4 * ch, 2 * ch), (2 * ch, ch))
    for i, (inputs, outputs) in enumerate(steps):
        state |= spectral(f"blocks.{i}.0.conv1", outputs, inputs, 3, 3)
        state |= spectral(f"blocks.{i}.0.conv2", outputs, outputs, 3, 3)
        state |= spectral(f"blocks.{i}.0.conv_sc", outputs, inputs, 1, 1)
        state |= norm(f"blocks.{i}.0.bn1", inputs, condition)
        state |= norm(f"blocks.{i}.0.bn2", outputs, condition)
    state |= attention("blocks.3.1", 2 * ch, ch // 4)
    for part in ("gain", "bias", "stored_mean", "stored_var"):
        state[f"output_layer.0.{part}"] = torch.rand(ch) + 0.5
    state |= spectral("output_layer.2", 3, ch, 3, 3)
    return {f"module.{name}": value for name, value in state.items()}


def public_discriminator(ch: int = 8, classes: int = 5) -> dict[str, torch.Tensor]:
    wide = 16 * ch
    state = {**spectral("linear", 1, wide), **spectral("embed", classes, wide, bias=False)}
    steps = ((3, ch), (ch, 2 * ch), (2 * ch, 4 * ch), (4 * ch, 8 * ch), (8 * ch, wide),
             (wide, wide))  # fmt: skip
    for i, (inputs, outputs) in enumerate(steps):
        state |= spectral(f"blocks.{i}.0.conv1", outputs, inputs, 3, 3)
        state |= spectral(f"blocks.{i}.0.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            state |= spectral(f"blocks.{i}.0.conv_sc", outputs, inputs, 1, 1)
    return state | attention("blocks.0.1", ch, ch // 8)


PUBLIC = BigGANConfig(resolution=128, **(SMALL | {"ch": 8}))


def test_the_published_shapes_load() -> None:
    """At full size, without their numbers: no pretrained generator can be had here."""
    config = BigGANConfig(resolution=128)
    with torch.device("meta"):
        generator, discriminator = Generator(config), Discriminator(config)
        painting, judging = public_generator(96, 1000, 128, 20), public_discriminator(96, 1000)
    generator.load_state_dict(from_public(painting, config), assign=True)
    discriminator.load_state_dict(from_public(judging, config, Discriminator), assign=True)
    weights = {k: v for k, v in painting.items() if k.endswith(("weight", "bias", "gain", "gamma"))}
    assert sum(v.numel() for v in weights.values()) == 70_433_988
    assert count(discriminator) == 87_982_370


@torch.inference_mode()
def test_a_public_generator_loads_and_paints() -> None:
    state = public_generator()
    generator = Generator(PUBLIC).eval()
    generator.load_state_dict(from_public(state, PUBLIC))
    theta = generator.get_parameter("blocks.3.1.theta.weight")
    assert torch.equal(theta, state["module.blocks.3.1.theta.weight"])
    made = generator(torch.randn(2, 24), generator.embed(torch.tensor([1, 4]), 2))
    assert made.shape == (2, 3, 128, 128)
    assert made.isfinite().all()
    assert made.abs().max() <= 1
    assert made.std() > 0.01


@torch.inference_mode()
def test_a_public_discriminator_loads_and_judges() -> None:
    discriminator = Discriminator(PUBLIC).eval()
    discriminator.load_state_dict(from_public(public_discriminator(), PUBLIC, Discriminator))
    picture = torch.rand(1, 3, 128, 128).expand(2, -1, -1, -1) * 2 - 1
    logits = discriminator(picture, torch.tensor([0, 3]))
    assert logits.shape == (2,)
    assert logits.isfinite().all()
    assert logits[0] != logits[1]


def test_what_does_not_fit_is_named() -> None:
    state = public_generator()
    missing = {k: v for k, v in state.items() if k != "module.linear.bias"}
    with pytest.raises(ValueError, match=r"1 tensors are missing, first linear\.bias"):
        from_public(missing, PUBLIC)
    with pytest.raises(ValueError, match="1 tensors are not BigGAN's, first x"):
        from_public(state | {"x": torch.zeros(1)}, PUBLIC)
    wrong = state | {"module.shared.weight": torch.zeros(9, 6)}
    with pytest.raises(ValueError, match=r"shared\.weight: shape \(9, 6\), should be \(5, 6\)"):
        from_public(wrong, PUBLIC)


@pytest.mark.parametrize("resolution", [32, 64, 128, 256])
@torch.inference_mode()
def test_from_the_point_of_inversion_on_it_is_the_same_picture(resolution: int) -> None:
    torch.manual_seed(0)
    config = BigGANConfig(resolution=resolution, **SMALL)
    generator = Generator(config).eval()
    z, embedding = torch.randn(2, config.z_size), generator.embed(None, 2)
    whole = generator(z, embedding)
    assert whole.shape == (2, 3, resolution, resolution)

    found = []
    block = generator.get_submodule("blocks.1.0")
    block.register_forward_hook(lambda _module, _inputs, out: found.append(out))
    generator(z, embedding)
    assert found[0].shape == (2, config.map_channels, 16, 16)
    torch.testing.assert_close(generator.forward_from(found[0], z, embedding), whole)
    early = z.clone()
    early[:, : 3 * config.z_chunk] += 1
    torch.testing.assert_close(generator.forward_from(found[0], early, embedding), whole)


def test_spectral_norm_learns_the_largest_singular_value_in_training_only() -> None:
    torch.manual_seed(0)
    layer, picture = SpectralConv2d(4, 6), torch.rand(1, 4, 8, 8)
    largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
    for _ in range(100):
        layer(picture)
    torch.testing.assert_close(layer.sv0[0], largest)
    before = layer.u0.clone()
    expected = nn.functional.conv2d(picture, layer.weight / largest, layer.bias, padding=1)
    torch.testing.assert_close(layer.eval()(picture), expected)
    assert torch.equal(layer.u0, before)


def test_orthogonal_weights_have_no_gain() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(BigGANConfig(resolution=32, **SMALL))
    init_orthogonal(discriminator)
    weight = discriminator.get_parameter("blocks.1.0.conv1.weight").flatten(1)
    torch.testing.assert_close(weight @ weight.T, torch.eye(len(weight)))


@pytest.mark.parametrize("bad", [{"resolution": 100}, {"dim_z": 5}, {"ch": 0}])
def test_settings_that_cannot_be_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BigGANConfig(**bad)


@pytest.mark.parametrize("bad", [[0], [0, 5], [-2, 0]])
def test_classes_that_there_are_not_are_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match="must be 2 of -1 to 4"):
        Generator(TINY).embed(torch.tensor(bad), 2)
