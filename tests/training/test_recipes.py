"""The recipes of the paired families on tiny problems, over the one loop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.autoencoder import Autoencoder, AutoencoderConfig
from archive_colorizer.models.pix2pix import Generator, Pix2PixConfig
from archive_colorizer.models.table import MODELS
from archive_colorizer.training.feed import FeedConfig, PairFeed, made_ahead
from archive_colorizer.training.loop import Loop, LoopConfig
from archive_colorizer.training.recipe import Batch, Recipe
from archive_colorizer.training.recipes.autoencoder import (
    AutoencoderRecipe,
    AutoencoderRecipeConfig,
)
from archive_colorizer.training.recipes.pix2pix import Pix2PixRecipe, Pix2PixRecipeConfig
from archive_colorizer.training.seeds import derive
from archive_colorizer.training.table import RECIPES

FEED = FeedConfig(crop_px=32, batch_size=4)


def targets() -> list[np.ndarray]:
    """Blue above, green below."""
    found = []
    for seed in range(4):
        rgb = np.empty((40, 48, 3), np.float32)
        rgb[:20], rgb[20:] = (90, 140, 240), (50, 130, 30)
        noise = np.random.default_rng(seed).normal(0, 5, rgb.shape)
        found.append(np.clip(rgb + noise, 0, 255).astype(np.uint8))
    return found


def pix2pix(**settings: object) -> Pix2PixRecipe:
    torch.manual_seed(0)
    model = Generator(Pix2PixConfig(resolution=32, width=8))
    values = {"feed": FEED, "discriminator_width": 4} | settings
    return Pix2PixRecipe(model, targets(), Pix2PixRecipeConfig(**values))


def autoencoder() -> AutoencoderRecipe:
    torch.manual_seed(0)
    config = AutoencoderRecipeConfig(feed=FEED)
    return AutoencoderRecipe(Autoencoder(AutoencoderConfig(width=8)), targets(), config)


def loop(recipe: Recipe, folder: Path, steps: int) -> Loop:
    return Loop(recipe, LoopConfig(steps=steps, lr=2e-3, warmup_steps=0, schedule="linear"), folder)


def test_every_recipe_names_a_family_and_settings_that_exist() -> None:
    for spec in RECIPES.values():
        assert spec.family in MODELS
        spec.config()
        LoopConfig(steps=1, **spec.loop)


@pytest.mark.parametrize("gan", ["bce", "lsgan"])
def test_pix2pix_comes_nearer(tmp_path: Path, gan: str) -> None:
    history = loop(pix2pix(gan=gan), tmp_path, 40).run()
    near = [losses["generator/l1"] for losses in history]
    assert np.mean(near[-5:]) < 0.7 * np.mean(near[:3])
    assert {"discriminator/real", "discriminator/fake", "generator/gan"} <= set(history[0])


def test_the_autoencoder_comes_nearer(tmp_path: Path) -> None:
    near = [x["autoencoder/l1"] for x in loop(autoencoder(), tmp_path, 40).run()]
    assert np.mean(near[-5:]) < 0.7 * np.mean(near[:3])


def test_each_network_is_still_while_the_other_learns() -> None:
    recipe = pix2pix()
    batch = next(recipe.batches(0, 0))
    discriminator, generator = recipe.phases
    for phase, still in ((discriminator, "generator"), (generator, "discriminator")):
        trained = Loop(recipe, LoopConfig(steps=9), Path("unused"))
        before = [p.clone() for p in recipe.modules[still].parameters()]
        trained._turn(phase, batch, recipe.forward(batch))
        assert all(map(torch.equal, before, recipe.modules[still].parameters()))


def test_a_resumed_adversarial_run_with_dropout_is_equal_to_the_bit(tmp_path: Path) -> None:
    whole = loop(pix2pix(), tmp_path / "whole", 6)
    whole.run()
    first = loop(pix2pix(), tmp_path / "parts", 6)
    batches = first.recipe.batches(0, 0)
    for _ in range(3):
        first.one_step(next(batches))
    batches.close()
    (tmp_path / "parts").mkdir()
    first.save()
    torch.manual_seed(99)
    second = loop(pix2pix(), tmp_path / "parts", 6)
    second.run(resume=True)
    for name, module in whole.recipe.modules.items():
        for a, b in zip(
            module.state_dict().values(),
            second.recipe.modules[name].state_dict().values(),
            strict=True,
        ):
            assert torch.equal(a, b), name


def test_pairs_are_cut_alike() -> None:
    feed = PairFeed(targets(), [255 - t for t in targets()], FEED)
    source, target = feed.sample(derive(0, "x"))
    assert np.allclose(source + target, 1, atol=2 / 255)


def test_sources_must_match_and_need_a_generator_of_colour() -> None:
    with pytest.raises(ConfigError, match="same number and sizes"):
        PairFeed(targets(), targets()[:2], FEED)
    model = Generator(Pix2PixConfig(resolution=32, width=2))
    with pytest.raises(ConfigError, match="3 channels"):
        Pix2PixRecipe(model, targets(), Pix2PixRecipeConfig(feed=FEED), targets())


def test_an_error_while_batches_are_made_is_raised_and_not_waited_for() -> None:
    def make(step: int) -> Batch:
        if step == 1:
            raise ConfigError("nothing left")
        return {}

    batches = made_ahead(make, 0)
    next(batches)
    with pytest.raises(ConfigError, match="nothing left"):
        next(batches)


def test_the_linear_schedule_is_constant_and_then_falls(tmp_path: Path) -> None:
    trained = loop(autoencoder(), tmp_path, 100)
    rates = []
    for trained.step in (0, 50, 75, 100):
        rates.append(trained.learning_rate())
    assert rates == pytest.approx([2e-3, 2e-3, 1e-3, 2e-5])
