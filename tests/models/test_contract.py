"""What every family promises, over the table."""

import pytest
import torch
from torch import nn

from archive_colorizer.models.catalog import FAMILIES, HAS_VIVIDNESS, TAKES_HINTS, translates_back
from archive_colorizer.models.spec import Task
from archive_colorizer.models.table import MODELS

SMALL = {
    "chroma_lite": {"widths": [16, 8, 8, 8], "head": 8},
    "chroma_unet": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    "pix2pix": {"width": 4, "resolution": 32},
    "pix2pix_translate": {"in_channels": 3, "out_channels": 3, "width": 4, "resolution": 32},
    "autoencoder": {"width": 4},
    "autoencoder_translate": {"width": 4},
    "cwgan_gp": {"width": 4, "levels": 3},
    "unet_perceptual": {"width": 4, "depth": 5},
    "biggan_inversion": {"resolution": 32, "ch": 4, "n_classes": 3, "shared_dim": 4, "dim_z": 8},
    "cyclegan": {"width": 4, "blocks": 1},
    "keras_unet": {"widths": [4, 8, 8]},
    "keras_unet_translate": {"widths": [4, 8, 8]},
    "eccv16": {"width": 2},
    "siggraph17": {"width": 2},
    "negative_classifier": {},
    "rdn": {"blocks": 2, "convolutions": 2, "growth": 4, "features": 6},
    "rrdb": {"blocks": 2, "features": 6, "growth": 4},
}
EXTRAS = ("ddcolor",)
"""Need a library that may be absent, and have a test file of their own."""
COLORIZERS = [
    name for name, spec in MODELS.items() if spec.task is Task.COLORIZE and name not in EXTRAS
]
ENLARGERS = [name for name, spec in MODELS.items() if spec.task is Task.UPSCALE]
TRANSLATORS = [name for name, spec in MODELS.items() if spec.task is Task.TRANSLATE]


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name].build_from(SMALL[name]).eval()


def gray(name: str) -> torch.Tensor:
    side = MODELS[name].size_multiple
    return torch.rand(2, 1, 2 * side, 3 * side, generator=torch.Generator().manual_seed(1))


def test_each_row_of_the_catalog_is_a_family_with_its_own_config() -> None:
    assert list(MODELS) == list(FAMILIES)
    for name, spec in MODELS.items():
        assert spec.task is FAMILIES[name].task
        assert spec.size_multiple == FAMILIES[name].size_multiple
        assert spec.config.__name__.endswith("Config")
        assert spec.config.__module__.startswith("archive_colorizer.models.")


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_vividness_changes_what_has_it_and_nothing_else(name: str) -> None:
    model, picture = small(name), gray(name)
    prior = dict(model.named_buffers()).get("log_prior_q")
    if prior is not None:  # an untrained one is flat: rare colours are as frequent as grey
        prior.copy_(torch.linspace(-4, -1, len(prior)))
    calm, lifted = (model.predict(picture, vividness=by).ab_b2hw for by in (0.0, 1.5))
    assert torch.equal(calm, lifted) == (name not in HAS_VIVIDNESS)


@pytest.mark.parametrize("name", MODELS)
def test_every_family_is_in_the_contract(name: str) -> None:
    assert name in SMALL or name in EXTRAS


@pytest.mark.parametrize("name", MODELS)
def test_a_setting_that_the_family_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(TypeError):
        MODELS[name].build_from({"nonsense": 1})


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_a_colorizer_gives_lab_chroma_and_doubt_of_the_inputs_shape(name: str) -> None:
    said = small(name).predict(gray(name))
    rows, columns = sides = said.ab_b2hw.shape[2:]
    assert said.ab_b2hw.shape == (2, 2, *sides)
    assert said.doubt_b1hw.shape == (2, 1, *sides)
    height, width = gray(name).shape[2:]
    assert height % rows == 0
    assert height // rows == width / columns
    assert said.ab_b2hw.dtype == said.doubt_b1hw.dtype == torch.float32
    assert said.ab_b2hw.abs().max() <= 128
    assert said.doubt_b1hw.min() >= 0
    assert said.doubt_b1hw.max() <= 1


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_the_same_picture_gets_the_same_colours(name: str) -> None:
    model = small(name)
    assert torch.equal(model.predict(gray(name)).ab_b2hw, model.predict(gray(name)).ab_b2hw)


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_a_state_dict_carries_the_whole_model(name: str) -> None:
    model, picture = small(name), gray(name)
    torch.manual_seed(1)
    other = MODELS[name].build_from(SMALL[name]).eval()
    assert not torch.equal(other.predict(picture).ab_b2hw, model.predict(picture).ab_b2hw)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.predict(picture).ab_b2hw, model.predict(picture).ab_b2hw)


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_without_hints_it_behaves_as_if_the_inputs_were_absent(name: str) -> None:
    model, picture = small(name), gray(name)
    none = model.predict(picture).ab_b2hw
    empty = model.predict(picture, hints_b3hw=torch.zeros_like(picture).repeat(1, 3, 1, 1)).ab_b2hw
    assert torch.equal(none, empty)


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_bfloat16_and_channels_last_agree_with_float32(name: str) -> None:
    model, picture = small(name), gray(name)
    exact = model.predict(picture).ab_b2hw
    model.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        quick = model.predict(picture).ab_b2hw
    assert quick.dtype == torch.float32
    assert (quick - exact).abs().mean() < max(1.5, 0.05 * float(exact.abs().mean()))


@pytest.mark.parametrize("name", COLORIZERS)
@pytest.mark.parametrize("sides", [(33, 64), (64, 48), (8, 8)])
@torch.inference_mode()
def test_other_sizes_are_refused_or_kept_but_never_changed(
    name: str, sides: tuple[int, int]
) -> None:
    try:
        said = small(name).predict(torch.rand(1, 1, *sides))
    except (RuntimeError, ValueError):
        return
    rows, columns = said.ab_b2hw.shape[2:]
    assert said.doubt_b1hw.shape[2:] == (rows, columns)
    assert rows * sides[1] == pytest.approx(columns * sides[0], rel=0.05)


@pytest.mark.parametrize("name", COLORIZERS)
@torch.inference_mode()
def test_hints_change_what_takes_them_and_nothing_else(name: str) -> None:
    model, picture = small(name), gray(name)
    hints = torch.zeros_like(picture).repeat(1, 3, 1, 1)
    hints[:, :, 4:8, 4:8] = torch.tensor([0.5, -0.5, 1.0])[:, None, None]
    plain, told = model.predict(picture), model.predict(picture, hints_b3hw=hints)
    assert torch.equal(plain.ab_b2hw, told.ab_b2hw) == (name not in TAKES_HINTS)


@pytest.mark.parametrize("name", TRANSLATORS)
@torch.inference_mode()
def test_a_translator_gives_a_picture_of_the_same_size(name: str) -> None:
    source = gray(name).repeat(1, 3, 1, 1)
    said = small(name).translate(source)
    assert said.shape == source.shape
    assert said.dtype == torch.float32


def test_only_a_two_way_family_translates_back_and_not_with_one_way_settings() -> None:
    back = [name for name in MODELS if translates_back(name, SMALL.get(name, {}))]
    assert back == [name for name in TRANSLATORS if FAMILIES[name].unpaired] == ["cyclegan"]
    assert not translates_back("cyclegan", {"one_way": True})


@pytest.mark.parametrize("name", ENLARGERS)
@pytest.mark.parametrize("scale", [1, 2, 4])
@torch.inference_mode()
def test_an_enlarger_gives_a_picture_of_its_scale(name: str, scale: int) -> None:
    torch.manual_seed(0)
    model = MODELS[name].build_from(SMALL[name] | {"scale": scale}).eval()
    said = model.enlarge(torch.rand(1, 3, 11, 17))
    assert said.shape == (1, 3, 11 * scale, 17 * scale)
    assert said.dtype == torch.float32
    assert model.scale == scale
