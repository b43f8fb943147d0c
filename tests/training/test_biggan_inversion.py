"""BigGAN inversion from the command line's settings: classes, public weights, losses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from archive_colorizer.data.labels import find_label, name_class, number_classes
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.metrics.lpips import ALEXNET, Lpips
from archive_colorizer.models.biggan import BigGANConfig, Discriminator, Generator
from archive_colorizer.models.catalog import class_number
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.training.config import TrainConfig, compose
from archive_colorizer.training.journal import losses
from archive_colorizer.training.plan import name_outputs
from archive_colorizer.training.recipes.biggan_inversion import enhance
from archive_colorizer.training.run import train

SMALL = {"resolution": 32, "ch": 4, "shared_dim": 6, "dim_z": 24}
COLOURS = {"sea": (30, 90, 200), "forest": (40, 160, 60)}


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Blue seas and green forests, and two pictures that say nothing of themselves."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(16):
        for word, colour in COLOURS.items():
            light = rng.uniform(0.3, 1.2, (40, 40, 1))
            pixels = np.clip(light * np.array(colour), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"train_{word}_{number:03d}.png")
    for number in range(2):
        pixels = rng.integers(0, 255, (40, 40, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"DSC_{number}.png")
    return folder


def config(scenes: Path, folder: Path, **sections: dict) -> TrainConfig:
    base = {
        "data": {"data": str(scenes), "classes": ["sea", "forest"], "min_colourfulness": 0.0},
        "feed": {"crop_px": 32, "batch_size": 8},
        "loop": {"steps": 2, "epoch_steps": 60, "lr": 2e-3, "precision": "float32", "ema": 0.0},
        "recipe": {"perceptual": 0.0},
        "model": SMALL,
        "run": {"engine": "local", "mlflow": False},
    }
    return compose("biggan_inversion", str(folder), [("test", base), ("test", sections)])


def test_names_say_the_class() -> None:
    numbers = number_classes(["sea", "Forest"])
    assert numbers == {"sea": 0, "forest": 1}
    assert find_label("intel/train_forest_0012.jpg", numbers) == 1
    assert find_label("intel/seaside.jpg", numbers) is None
    assert find_label("intel/sea12.jpg", numbers) == 0
    imagenet = number_classes(["n01440764=0", "n01443537=1"])
    assert find_label("train/n01443537/n01443537_2048.JPEG", imagenet) == 1
    assert number_classes(["dog=207", "church=497"]) == {"dog": 207, "church": 497}
    named = number_classes(["tench", "english springer"])
    assert find_label("imagenette/val/n02102040/n02102040_3112.JPEG", named) == 1
    assert find_label("imagenette/val/n03888257/n03888257_1.JPEG", named) is None
    for bad in (["a", "b=1"], ["a", "a"], ["a=x"], ["a=-1"]):
        with pytest.raises(ConfigError, match=r"data\.classes"):
            number_classes(bad)


@pytest.mark.slow
def test_it_learns_the_colours_of_its_classes(scenes: Path, tmp_path: Path) -> None:
    report = train(config(scenes, tmp_path / "run", loop={"steps": 60}))
    assert report.goal == "generator/mse"
    assert report.end < 0.7 * report.start
    assert "no_class" in (tmp_path / "run" / "data" / "data.json").read_text()
    model = resolve(str(tmp_path / "run" / "model"))
    assert model.card.config["classes"] == ["sea", "forest"]
    assert model.card.config["n_classes"] == 2
    module = load(model)
    gray = torch.full((1, 1, 32, 32), 0.5)
    with torch.inference_mode():
        sea, forest, either = (
            module.predict(gray, class_b=torch.tensor([n])).ab_b2hw.mean(dim=(2, 3))[0]
            for n in (0, 1, -1)
        )
    assert sea[1] < forest[1] - 5  # b: blue is low
    assert torch.allclose(either, module.predict(gray).ab_b2hw.mean(dim=(2, 3))[0])
    assert {"discriminator/total", "generator/hinge"} <= next(losses(tmp_path / "run"))[
        "losses"
    ].keys()


def test_imagenettes_folders_get_names(tmp_path: Path) -> None:
    words = ("n03028079", "church", "n03000684", "sea")
    assert [name_class(word) for word in words] == ["church", "church", "chain saw", "sea"]
    folders = config(tmp_path, tmp_path / "run", data={"classes": ["n03028079", "n01440764"]})
    assert name_outputs(folders).model["classes"] == ("church", "tench")
    assert class_number(name_outputs(folders).model, "Tench") == 1


def test_public_weights_are_the_start(scenes: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    parts = BigGANConfig(**SMALL, n_classes=1000)
    states = {"generator": Generator(parts), "discriminator": Discriminator(parts)}
    recipe = {}
    for name, network in states.items():
        path = tmp_path / f"{name}.pth"
        torch.save({f"module.{k}": v for k, v in network.state_dict().items()}, path)
        recipe[name] = str(path)
    numbers = {"classes": ["sea=21", "forest=970"]}
    train(config(scenes, tmp_path / "run", recipe=recipe, data=numbers, loop={"lr": 1e-12},
                 run={"data_rights": "cleared"}))  # fmt: skip
    found = resolve(str(tmp_path / "run" / "model"))
    assert found.card.data_rights == "unknown"  # the file's are
    made = load(found).generator.state_dict()
    wanted = states["generator"].state_dict()["blocks.2.0.conv1.weight"]
    assert torch.allclose(made["blocks.2.0.conv1.weight"], wanted, atol=1e-2)
    assert made["shared.weight"].shape == (1000, 6)
    state = states["generator"].state_dict()
    del state["linear.bias"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(LocationError, match=r"cut\.pth: not this BigGAN's weights: 1 tensors are"):
        train(config(scenes, tmp_path / "b", recipe={"generator": str(tmp_path / "cut.pth")},
                     data=numbers))  # fmt: skip


def test_lpips_from_two_files_enters_the_loss(scenes: Path, tmp_path: Path) -> None:
    network = Lpips(ALEXNET, 3)
    torch.save(
        {k: v for k, v in network.state_dict().items() if k.startswith("features.")},
        tmp_path / "alexnet.pth",
    )
    heads = {f"lin{i}.model.1.weight": torch.rand_like(h) for i, h in enumerate(network.heads)}
    torch.save(heads, tmp_path / "lin.pth")
    by = {"perceptual": 0.2, "perceptual_by": "lpips"}
    files = {
        "lpips_backbone": str(tmp_path / "alexnet.pth"),
        "lpips_heads": str(tmp_path / "lin.pth"),
    }
    train(config(scenes, tmp_path / "run", recipe=by | files, loop={"steps": 1}))
    assert next(losses(tmp_path / "run"))["losses"]["generator/perceptual"] > 0
    with pytest.raises(ConfigError, match="needs LPIPS' two files"):
        train(config(scenes, tmp_path / "b", recipe=by))
    with pytest.raises(ConfigError, match=r"--perceptual-from builtin:encoder .*: LPIPS has the"):
        train(config(scenes, tmp_path / "d", recipe=by | files | {"vgg": "builtin:encoder"}))
    with pytest.raises(ConfigError, match="needs VGG16's public weights"):
        train(config(scenes, tmp_path / "c", recipe={"perceptual": 0.2}))


def test_what_does_not_go_together_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="learns with classes"):
        train(config(scenes, tmp_path / "a", data={"classes": []}))
    with pytest.raises(ConfigError, match=r"crop_px=64: must be model\.resolution=32"):
        train(config(scenes, tmp_path / "b", feed={"crop_px": 64}))
    with pytest.raises(ConfigError, match="under 1000"):
        train(config(scenes, tmp_path / "c", data={"classes": ["sea=1", "forest=1000"]}))


def test_real_pictures_are_shown_more_colourful() -> None:
    rgb = torch.rand(1, 3, 4, 4) * 0.2 + 0.4
    more = enhance(rgb, 1.2)
    assert torch.allclose(more - more.mean(), 1.2 * (rgb - rgb.mean()), atol=0.05)
    assert torch.equal(enhance(torch.ones(1, 3, 2, 2), 1.2), torch.ones(1, 3, 2, 2))
