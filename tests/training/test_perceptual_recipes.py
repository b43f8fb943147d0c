"""Reference system C's recipes: the critic's sign, the penalty, perceptual losses from files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from landscapes import MakeLibrary

from archive_colorizer.cli.main import main
from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.metrics import vgg
from archive_colorizer.metrics.vgg import VggFeatures
from archive_colorizer.models.cwgan_gp import Critic, CWGANConfig, ResidualUNet
from archive_colorizer.models.unet_perceptual import UNetPerceptual, UNetPerceptualConfig
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.training.feed import Feed, FeedConfig, PairSampler
from archive_colorizer.training.loop import Loop, LoopConfig
from archive_colorizer.training.recipes.cwgan_gp import (
    CWGANRecipe,
    CWGANRecipeConfig,
    _ab,
    gradient_penalty,
)
from archive_colorizer.training.recipes.unet_perceptual import (
    UNetPerceptualRecipe,
    UNetPerceptualRecipeConfig,
)

FEED = FeedConfig(crop_px=32, batch_size=4)
FEED_SAMPLER = PairSampler(FEED)


def cwgan(library: Library, **settings: object) -> CWGANRecipe:
    torch.manual_seed(0)
    config = CWGANRecipeConfig(**{"perceptual": 0.0, "critic_width": 4} | settings)
    return CWGANRecipe(ResidualUNet(CWGANConfig(width=8, levels=2)), config, FEED, library)


def unet(library: Library, **settings: object) -> UNetPerceptualRecipe:
    torch.manual_seed(0)
    config = UNetPerceptualRecipeConfig(**{"perceptual": 0.0} | settings)
    model = UNetPerceptual(UNetPerceptualConfig(width=8, depth=3))
    return UNetPerceptualRecipe(model, config, FEED, library)


def run(recipe: object, library: Library, folder: Path, steps: int) -> list[dict[str, float]]:
    loop = Loop(recipe, LoopConfig(steps=steps, lr=2e-3, warmup_steps=0), folder)
    return loop.run(Feed(library, recipe.sampler, 4, 0).batches)


@pytest.mark.slow
def test_the_generator_learns_in_every_fifth_step_and_comes_nearer(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    history = run(cwgan(library), library, tmp_path, 100)
    turns = [i for i, losses in enumerate(history) if "generator/l1" in losses]
    assert turns == list(range(0, 100, 5))
    near = [history[i]["generator/l1"] for i in turns]
    assert np.mean(near[-3:]) < 0.8 * np.mean(near[:2])


def test_the_critics_distance_has_its_sign_and_its_loss_may_be_negative(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    recipe = cwgan(library, penalty=0.1, drift=0.0)
    batch = Feed(library, recipe.sampler, 4, 0).batch(0)
    loop = Loop(
        recipe, LoopConfig(steps=40, lr=5e-3, warmup_steps=0, precision="float32"), tmp_path
    )
    critic = recipe.phases[0]
    losses = [loop._run_phase(critic, batch, recipe.forward(batch)) for _ in range(40)]
    last = {name: float(value) for name, value in losses[-1].items()}
    assert last["critic/distance"] > 0
    assert last["critic/total"] < 0
    assert last["critic/total"] == pytest.approx(
        0.1 * last["critic/penalty"] - last["critic/distance"], rel=1e-4
    )


def test_the_critic_pulls_no_more_strongly_than_it_may(make_library: MakeLibrary) -> None:
    library = make_library()
    batch = Feed(library, FEED_SAMPLER, 4, 0).batch(0)
    gradients = {}
    for balance in (0.0, 0.5):
        recipe = cwgan(library, balance=balance, l1=0.01, colour=0.0)
        made = recipe.forward(batch).detach().requires_grad_()
        losses = recipe.generator_loss(batch, made)
        near = torch.autograd.grad(0.01 * losses["l1"], made, retain_graph=True)[0]
        (total,) = torch.autograd.grad(losses["total"], made)
        gradients[balance] = float((total - near).norm() / near.norm())
        assert losses["pull"] > 1
    assert gradients[0.0] == pytest.approx(float(losses["pull"]), rel=1e-3)
    assert gradients[0.5] == pytest.approx(0.5, rel=1e-3)
    with torch.no_grad():
        assert "pull" not in recipe.generator_loss(batch, recipe.forward(batch))


def test_a_gan_alone_is_not_bounded_by_nothing(make_library: MakeLibrary) -> None:
    library = make_library()
    recipe = cwgan(library, l1=0.0, colour=0.0)
    batch = Feed(library, FEED_SAMPLER, 4, 0).batch(0)
    losses = recipe.generator_loss(batch, recipe.forward(batch))
    assert losses["total"].item() == pytest.approx(losses["gan"].item())


def test_the_score_of_real_pictures_is_kept_near_nothing(make_library: MakeLibrary) -> None:
    library = make_library()
    batch = Feed(library, FEED_SAMPLER, 4, 0).batch(0)
    with_drift, without = cwgan(library, drift=2.0), cwgan(library, drift=0.0)
    made = without.forward(batch)
    score = without._critic(batch["source_bchw"], _ab(batch))
    torch.manual_seed(1)
    more = with_drift.critic_loss(batch, made)["total"]
    torch.manual_seed(1)
    less = without.critic_loss(batch, made)["total"]
    assert (more - less).item() == pytest.approx(2 * score.square().mean().item(), rel=1e-3)


def test_the_penalty_is_nothing_for_a_slope_of_one() -> None:
    class Slope(torch.nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, gray: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
            return self.factor * ab.flatten(1).sum(dim=1) / ab[0].numel() ** 0.5

    gray, real, made = torch.rand(3, 1, 8, 8), torch.rand(3, 2, 8, 8), torch.rand(3, 2, 8, 8)
    assert float(gradient_penalty(Slope(1.0), gray, real, made)) == pytest.approx(0, abs=1e-6)
    assert float(gradient_penalty(Slope(3.0), gray, real, made)) == pytest.approx(4, rel=1e-4)


def test_the_penalty_is_float32_under_autocast_and_reaches_the_critic() -> None:
    critic = Critic(width=4)
    gray, real, made = torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32), torch.rand(2, 2, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        penalty = gradient_penalty(critic, gray, real, made)
    assert penalty.dtype == torch.float32
    penalty.backward()
    assert critic.layers[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("optimizer", ["adam", "radam"])
def test_the_perceptual_unet_comes_nearer(
    tmp_path: Path, make_library: MakeLibrary, optimizer: str
) -> None:
    library = make_library()
    history = run(unet(library, optimizer=optimizer), library, tmp_path, 60)
    near = [losses["unet/l1"] for losses in history]
    assert np.mean(near[-5:]) < 0.9 * np.mean(near[:3])  # RAdam begins slowly


def small_vgg(path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with the public names, of few channels."""
    make = lambda kind: VggFeatures(kind, width_divisor=16)  # noqa: E731
    torch.save(make(kind).state_dict(), path)
    monkeypatch.setattr(vgg, "VggFeatures", make)
    return str(path)


@pytest.mark.parametrize("kind", ["vgg16", "vgg19"])
def test_features_from_a_file_enter_the_loss(
    tmp_path: Path, make_library: MakeLibrary, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    library = make_library()
    vgg = small_vgg(tmp_path / "vgg.pth", kind, monkeypatch)
    make = cwgan if kind == "vgg16" else unet
    name = "generator" if kind == "vgg16" else "unet"
    (first, *_) = run(make(library, vgg=vgg, perceptual=0.5), library, tmp_path / "run", 1)
    assert first[f"{name}/perceptual"] > 0


@pytest.mark.parametrize(("kind", "width", "last"), [("vgg16", 512, 21), ("vgg19", 512, 34)])
def test_a_file_of_the_published_keys_and_shapes_is_taken(
    tmp_path: Path, make_library: MakeLibrary, kind: str, width: int, last: int
) -> None:
    """As torchvision writes it, the classifier too; written down from the public release."""
    counts = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}[kind]
    state, index, channels = {}, 0, 3
    for count, out in zip(counts, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            state[f"features.{index}.weight"] = torch.full((out, channels, 3, 3), 1e-3)
            state[f"features.{index}.bias"] = torch.zeros(out)
            index, channels = index + 2, out
        index += 1  # the pool
    assert state[f"features.{last}.weight"].shape[0] == width
    state |= {"classifier.6.weight": torch.zeros(1000, 8), "classifier.6.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / f"{kind}-public.pth")
    make = cwgan if kind == "vgg16" else unet
    recipe = make(make_library(), vgg=str(tmp_path / f"{kind}-public.pth"), perceptual=0.01)
    taken = recipe._features.state_dict()
    assert torch.equal(taken[f"features.{last}.weight"], state[f"features.{last}.weight"])


def test_the_encoders_features_enter_the_loss_and_stay_as_they_are(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    recipe = unet(library, vgg="builtin:encoder", perceptual=0.5)
    before = {k: v.clone() for k, v in recipe._features.state_dict().items()}
    (first, second) = run(recipe, library, tmp_path / "run", 2)
    assert first["unet/perceptual"] > 0
    assert second["unet/total"] == pytest.approx(
        second["unet/l1"] + 0.5 * second["unet/perceptual"], rel=1e-3
    )
    after = recipe._features.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert "model" in recipe.modules
    assert len(recipe.modules) == 1


@pytest.mark.slow
def test_a_run_says_in_its_card_what_the_loss_looked_through(tmp_path: Path, photos: Path) -> None:
    words = ["train", "unet_perceptual", str(photos), "--output", str(tmp_path / "run"),
             "--perceptual-from", "builtin:encoder", "--steps", "2", "--engine", "local",
             "--batch-size", "2", "--set", "feed.crop_px=32", "--set", "model.width=4",
             "--set", "model.depth=2", "--no-mlflow"]  # fmt: skip
    assert main(words) in (0, 3)
    card = resolve(str(tmp_path / "run" / "model")).card
    assert "features of EfficientNet-Lite2's ImageNet encoder at strides 16 and 32" in card.training
    assert "in the place of the published VGG's" in card.training


def test_a_recipe_without_a_perceptual_loss_refuses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "autoencoder", str(tmp_path), "--output", str(tmp_path / "run")]
    assert main([*words, "--perceptual-from", "builtin:encoder"]) == 2
    assert "--perceptual-from" in capsys.readouterr().err


def test_a_file_that_is_not_named_or_not_there_is_one_clear_line(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    with pytest.raises(ConfigError, match=r"VGG16's public weights: --perceptual-from FILE"):
        cwgan(library, perceptual=0.1)
    with pytest.raises(LocationError, match="no such weights file"):
        unet(library, perceptual=0.1, vgg=str(tmp_path / "absent.pth"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(LocationError, match="not VGG19's weights"):
        unet(library, perceptual=0.1, vgg=str(tmp_path / "other.pth"))


def test_the_learning_rate_is_lowered_after_some_epochs(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    config = LoopConfig(steps=100, lr=1e-3, warmup_steps=0, schedule="step", step_epochs=2)
    loop = Loop(unet(make_library()), config, tmp_path, epoch_steps=10)
    rates = []
    for loop.step in (0, 19, 20, 40):
        rates.append(loop.learning_rate())
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4])
