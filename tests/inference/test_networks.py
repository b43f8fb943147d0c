"""The colorizer, the translator and the enlarger: what goes in and out, and what fails alone."""

import numpy as np
import pytest
import torch
from failing import FAULTS, failing
from torch import Tensor, nn
from toys import Constant, Inverted, drawn

from archive_colorizer.errors import ConfigError, MemoryPhotoError, ModelPhotoError, PhotoError
from archive_colorizer.inference import enlarger as enlarger_module
from archive_colorizer.inference.batching import Chroma, GreyPicture
from archive_colorizer.inference.colorizer import Colorizer, open_colorizer
from archive_colorizer.inference.enlarger import Enlarger
from archive_colorizer.inference.runner import Runner
from archive_colorizer.inference.translator import Translator
from archive_colorizer.models.spec import Prediction
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import resolve

LITE = {"widths": [16, 8, 8, 8], "head": 8}


class Twice(nn.Module):
    """Enlarges by repeating pixels."""

    scale = 2

    def enlarge(self, rgb_b3hw: Tensor) -> Tensor:
        return rgb_b3hw.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def grays(*shapes: tuple[int, int]) -> list[GreyPicture]:
    rng = np.random.default_rng(0)
    return [GreyPicture(rng.integers(100, 256, shape, dtype=np.uint8)) for shape in shapes]


def with_a_black_one(pictures: list[np.ndarray]) -> list[np.ndarray]:
    return [*pictures[:1], np.zeros_like(pictures[0]), *pictures[1:]]


def test_chroma_has_the_size_of_its_picture_and_comes_in_order() -> None:
    pictures = grays((30, 41), (64, 64), (17, 60), (30, 41))
    found = Colorizer(Runner(Constant(20, -5), "exact"), multiple=32)(pictures, 2)
    for picture, chroma in zip(pictures, found, strict=True):
        assert isinstance(chroma, Chroma)
        assert chroma.ab_2hw.shape == (2, *picture.gray_hw.shape)
        assert chroma.ab_2hw[:, 3, 4].tolist() == [20, -5]
        # The toy's doubt is the picture itself, in half precision.
        assert np.allclose(chroma.doubt_hw * 255, picture.gray_hw, atol=0.07)
    assert Colorizer(Runner(Constant(1, 1)))([]) == []


@pytest.mark.parametrize("family", ["chroma_lite", "chroma_unet"])
def test_the_chroma_classifiers_take_hints_and_vividness(family: str) -> None:
    torch.manual_seed(0)
    settings = LITE if family == "chroma_lite" else {
        "widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8
    }  # fmt: skip
    module = MODELS[family].build_from(settings).eval()
    module.log_prior_q.copy_(torch.linspace(-8, 0, len(module.log_prior_q)))
    (plain,) = grays((40, 50))
    hints = np.zeros((3, 40, 50), np.float32)
    hints[:, 4:9, 4:9] = np.float32([0.5, -0.5, 1])[:, None, None]
    hinted = GreyPicture(plain.gray_hw, hints_3hw=hints)
    colorizer = Colorizer(Runner(module, "exact"), multiple=32)
    vivid = Colorizer(Runner(module, "exact"), multiple=32, knobs={"vividness": 0.9})
    alone, told = colorizer([plain]), colorizer([plain, hinted])
    more = vivid([plain])
    assert not any(isinstance(one, PhotoError) for one in (*alone, *told, *more))
    assert np.allclose(alone[0].ab_2hw, told[0].ab_2hw, atol=1e-3)  # the neighbour's hints are its
    assert not np.array_equal(told[0].ab_2hw, told[1].ab_2hw)
    assert not np.allclose(alone[0].ab_2hw, more[0].ab_2hw, atol=1e-3)


def test_a_family_without_vividness_is_refused_before_it_is_loaded() -> None:
    with pytest.raises(ConfigError, match="cyclegan has one colour for each pixel"):
        open_colorizer(resolve("builtin:day-to-night"), vividness=0.5)


def test_a_translation_is_what_the_network_makes_in_every_size() -> None:
    pictures = [drawn(1, 30, 41), drawn(2, 64, 64), drawn(3, 30, 41)]
    found = Translator(Runner(Inverted()), multiple=32)(pictures, 8)
    for picture, made in zip(pictures, found, strict=True):
        assert np.array_equal(made, 255 - picture)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_picture_that_fails_leaves_its_neighbours_alone(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Constant, "predict", failing(Constant.predict, fault))
    monkeypatch.setattr(Inverted, "translate", failing(Inverted.translate, fault))
    pictures = with_a_black_one([picture.gray_hw for picture in grays((40, 40), (40, 40))])
    rgbs = [np.repeat(gray[..., None], 3, axis=2) for gray in pictures]
    coloured = Colorizer(Runner(Constant(3, 4)))([GreyPicture(gray) for gray in pictures])
    translated = Translator(Runner(Inverted()))(rgbs)
    for found in (coloured, translated):
        kinds = [one.error_class if isinstance(one, PhotoError) else "" for one in found]
        assert kinds == ["", FAULTS[fault][1], ""]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_enlarger_that_fails_raises_our_error(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Twice, "enlarge", failing(Twice.enlarge, fault))
    black, enlarger = np.zeros((20, 30, 3), np.uint8), Enlarger(Runner(Twice()))
    for call, given in ((enlarger, black), (enlarger.luma, black[..., 0])):
        with pytest.raises(PhotoError) as caught:
            call(given)
        assert caught.value.error_class == FAULTS[fault][1]
    assert enlarger(black + 200).shape == (40, 60, 3)


def test_tiles_are_halved_while_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    edges: list[int] = []
    real = Twice.enlarge

    def tight(self: Twice, rgb_b3hw: Tensor) -> Tensor:
        edges.append(max(rgb_b3hw.shape[2:]))
        if edges[-1] > 128 + 2 * enlarger_module.MARGIN_PX:
            raise MemoryError
        return real(self, rgb_b3hw)

    monkeypatch.setattr(Twice, "enlarge", tight)
    picture = drawn(1, 300, 200)
    made = Enlarger(Runner(Twice()))(picture)
    assert np.array_equal(made, picture.repeat(2, axis=0).repeat(2, axis=1))
    assert edges[0] > 176 >= max(edges[1:])


def test_deep_luma_keeps_its_type() -> None:
    luma = np.random.default_rng(0).integers(0, 65536, (20, 30)).astype(np.uint16)
    made = Enlarger(Runner(Twice(), "bfloat16")).luma(luma)
    assert made.dtype == np.uint16
    assert np.abs(made[::2, ::2].astype(int) - luma).max() <= 1


def test_infinity_is_not_finite_either() -> None:
    class Infinite(nn.Module):
        def predict(self, gray_b1hw: Tensor) -> Prediction:
            ab = torch.full_like(gray_b1hw, torch.inf).expand(-1, 2, -1, -1)
            return Prediction(ab, gray_b1hw)

    (found,) = Colorizer(Runner(Infinite()))(grays((8, 8)))
    assert isinstance(found, ModelPhotoError)
    assert "not finite" in str(found)
    assert not isinstance(found, MemoryPhotoError)
