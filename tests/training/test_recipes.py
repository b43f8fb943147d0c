"""The recipes of the paired families on tiny problems, over the one loop."""

from pathlib import Path

import numpy as np
import pytest
import torch
from landscapes import MakeLibrary, landscape

from archive_colorizer.data.library import Library
from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import ConfigError
from archive_colorizer.models.autoencoder import Autoencoder, AutoencoderConfig
from archive_colorizer.models.pix2pix import Generator, Pix2PixConfig
from archive_colorizer.models.table import MODELS
from archive_colorizer.training.feed import Feed, FeedConfig, PairSampler, saturated
from archive_colorizer.training.loop import Loop, LoopConfig
from archive_colorizer.training.recipe import Recipe, Sample
from archive_colorizer.training.recipes.autoencoder import (
    AutoencoderRecipe,
    AutoencoderRecipeConfig,
)
from archive_colorizer.training.recipes.pix2pix import Pix2PixRecipe, Pix2PixRecipeConfig
from archive_colorizer.training.table import RECIPES

FEED = FeedConfig(crop_px=32, batch_size=4)


def pix2pix(library: Library, **settings: object) -> Pix2PixRecipe:
    torch.manual_seed(0)
    model = Generator(Pix2PixConfig(resolution=32, width=8))
    config = Pix2PixRecipeConfig(**{"discriminator_width": 4} | settings)
    return Pix2PixRecipe(model, config, FEED, library)


def autoencoder(library: Library) -> AutoencoderRecipe:
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(width=8))
    return AutoencoderRecipe(model, AutoencoderRecipeConfig(), FEED, library)


def loop(recipe: Recipe, folder: Path, steps: int) -> Loop:
    return Loop(recipe, LoopConfig(steps=steps, lr=2e-3, warmup_steps=0, schedule="linear"), folder)


def run(trained: Loop, library: Library, *, resume: bool = False) -> list[dict[str, float]]:
    feed = Feed(library, trained.recipe.sampler, FEED.batch_size, 0)
    return trained.run(feed.batches, resume=resume)


def test_every_recipe_names_families_and_settings_that_exist() -> None:
    for spec in RECIPES.values():
        assert spec.family in MODELS
        assert not spec.translator or spec.translator in MODELS
        spec.config()
        FeedConfig(**spec.feed)
        LoopConfig(steps=1, **spec.loop)


@pytest.mark.parametrize("gan", ["bce", "lsgan"])
def test_pix2pix_comes_nearer(tmp_path: Path, gan: str, make_library: MakeLibrary) -> None:
    library = make_library()
    history = run(loop(pix2pix(library, gan=gan), tmp_path, 40), library)
    near = [losses["generator/l1"] for losses in history]
    assert np.mean(near[-5:]) < 0.7 * np.mean(near[:3])
    assert {"discriminator/real", "discriminator/fake", "generator/gan"} <= set(history[0])


def test_the_autoencoder_comes_nearer(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library()
    near = [x["autoencoder/l1"] for x in run(loop(autoencoder(library), tmp_path, 40), library)]
    assert np.mean(near[-5:]) < 0.7 * np.mean(near[:3])


def test_each_network_is_still_while_the_other_learns(make_library: MakeLibrary) -> None:
    library = make_library()
    recipe = pix2pix(library)
    batch = Feed(library, recipe.sampler, 4, 0).batch(0)
    discriminator, generator = recipe.phases
    for phase, still in ((discriminator, "generator"), (generator, "discriminator")):
        trained = Loop(recipe, LoopConfig(steps=9), Path("unused"))
        before = [p.clone() for p in recipe.modules[still].parameters()]
        trained._run_phase(phase, batch, recipe.forward(batch))
        assert all(map(torch.equal, before, recipe.modules[still].parameters()))


def test_a_resumed_adversarial_run_with_dropout_is_equal_to_the_bit(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    whole = loop(pix2pix(library), tmp_path / "whole", 6)
    run(whole, library)
    first = loop(pix2pix(library), tmp_path / "parts", 6)
    feed = Feed(library, first.recipe.sampler, FEED.batch_size, 0)
    for step in range(3):
        first.one_step(feed.batch(step))
    (tmp_path / "parts").mkdir()
    first.save()
    torch.manual_seed(99)
    second = loop(pix2pix(library), tmp_path / "parts", 6)
    run(second, library, resume=True)
    for name, module in whole.recipe.modules.items():
        for a, b in zip(
            module.state_dict().values(),
            second.recipe.modules[name].state_dict().values(),
            strict=True,
        ):
            assert torch.equal(a, b), name


def test_pairs_are_cut_alike(make_library: MakeLibrary) -> None:
    targets = [landscape(seed) for seed in range(4)]
    library = make_library(targets, [255 - t for t in targets])
    sample = PairSampler(FEED, gray=False)(library, derive(0, "x"))
    assert np.allclose(sample["source_bchw"] + sample["target_b3hw"], 1, atol=2 / 255)


def test_a_real_source_is_taken_as_it_is_and_a_made_one_is_worn(make_library: MakeLibrary) -> None:
    targets = [landscape(0)]
    worn = FeedConfig(crop_px=32, degrade_share=1.0, flip=False, zoom=1.0)
    pairs = make_library(targets, targets)
    plain = make_library(targets)

    def source(library: Library, feed: FeedConfig) -> Sample:
        return PairSampler(feed)(library, derive(0, "x"))["source_bchw"]

    clean = FeedConfig(crop_px=32, flip=False, zoom=1.0)
    assert np.array_equal(source(pairs, worn), source(pairs, clean))
    assert not np.array_equal(source(plain, worn), source(plain, clean))


def test_saturation_keeps_luma() -> None:
    rgb = (landscape(1) / 255).astype(np.float32) * 0.6 + 0.2
    luma = rgb @ np.float32([0.299, 0.587, 0.114])
    for factor in (0.0, 0.7, 1.2):
        moved = saturated(rgb, factor)
        assert np.allclose(moved @ np.float32([0.299, 0.587, 0.114]), luma, atol=2e-2)
    assert np.ptp(saturated(rgb, 0.0), axis=2).max() < 1e-5


def test_a_translation_needs_three_channels(make_library: MakeLibrary) -> None:
    model = Generator(Pix2PixConfig(resolution=32, width=2))
    with pytest.raises(ConfigError, match="3 channels"):
        Pix2PixRecipe(model, Pix2PixRecipeConfig(), FEED, make_library(), translates=True)


def test_an_error_while_batches_are_made_is_raised_and_not_waited_for(
    make_library: MakeLibrary,
) -> None:
    def sampler(library: Library, rng: np.random.Generator) -> Sample:
        raise ConfigError("nothing left")

    batches = Feed(make_library(), sampler, 1, 0).batches(0)
    with pytest.raises(ConfigError, match="nothing left"):
        next(batches)


def test_the_linear_schedule_is_constant_and_then_falls(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    trained = loop(autoencoder(make_library()), tmp_path, 100)
    rates = []
    for trained.step in (0, 50, 75, 100):
        rates.append(trained.learning_rate())
    assert rates == pytest.approx([2e-3, 2e-3, 1e-3, 2e-5])
