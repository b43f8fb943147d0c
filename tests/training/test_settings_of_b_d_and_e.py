"""The settings files of reference systems B and E: what they say, and that each runs.

Those of D run in `test_cyclegan`.
"""

from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from landscapes import landscape

from archive_colorizer.cli.main import main
from archive_colorizer.metrics.lpips import ALEXNET, Lpips
from archive_colorizer.models.catalog import default_view
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.settings.overlay import read_file
from archive_colorizer.training.config import TrainConfig, compose

SETTINGS = Path(__file__).parents[2] / "jobs" / "settings"
OF_B = {
    "b-pix2pix": ("model.resolution=32", "model.width=2", "recipe.discriminator_width=2"),
    "b-autoencoder": ("model.width=2",),
}
STYLES = {"colour": ["grey"], "monet": ["monet"], "comic": ["comic", "--reverse"]}


def read(name: str, *more: tuple[str, dict[str, Any]]) -> TrainConfig:
    data = ("command line", {"data": {"data": "x"}})
    return compose("", "run", [(name, read_file(str(SETTINGS / f"{name}.toml"))), data, *more])


def make_photos(folder: Path, names: tuple[str, ...] = ("photo",)) -> Path:
    folder.mkdir()
    for seed in range(8):
        name = f"{names[seed % len(names)]}_{seed}.png"
        cv2.imwrite(str(folder / name), landscape(seed)[..., ::-1])
    return folder


def run(name: str, data: Path, folder: Path, *settings: str) -> str:
    words = ["train", "--config", str(SETTINGS / f"{name}.toml"), str(data), "--output",
             str(folder), "--steps", "2", "--engine", "local", "--no-mlflow"]  # fmt: skip
    for setting in settings:
        words += ["--set", setting]
    assert main(words) == 0
    return resolve(str(folder / "model")).card.family


@pytest.mark.slow
@pytest.mark.parametrize("task", STYLES)
def test_the_settings_of_system_b_run_on_each_of_its_tasks(tmp_path: Path, task: str) -> None:
    photos, data = make_photos(tmp_path / "photos"), tmp_path / "pairs"
    words = ["data", "pairs", str(photos), str(data), "--size", "32", "--style", *STYLES[task]]
    assert main(words) == 0
    for name, small in OF_B.items():
        family = run(name, data, tmp_path / name, "feed.crop_px=32", *small)
        kind = "" if task == "colour" else "_translate"
        assert family == f"{name.removeprefix('b-')}{kind}"


@pytest.mark.slow
def test_the_settings_of_system_e_run_with_files_that_a_user_names(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, files = Lpips(ALEXNET, 3), {}
    for name, tensors in (
        ("lpips_backbone",
         {k: v for k, v in network.state_dict().items() if k.startswith("features.")}),
        ("lpips_heads",
         {f"lin{i}.model.1.weight": torch.rand_like(h) for i, h in enumerate(network.heads)}),
    ):  # fmt: skip
        files[name] = tmp_path / f"{name}.pth"
        torch.save(tensors, files[name])
    photos = make_photos(tmp_path / "photos", ("n01440764", "n01443537"))
    small = ("data.classes=['n01440764=0', 'n01443537=1']", "model.resolution=64", "model.ch=4",
             "model.dim_z=20", "feed.crop_px=64", "feed.batch_size=2", "loop.precision='float32'",
             *(f"recipe.{name}='{path}'" for name, path in files.items()))  # fmt: skip
    assert run("e-biggan-inversion", photos, tmp_path / "run", *small) == "biggan_inversion"
    card = resolve(str(tmp_path / "run" / "model")).card
    wanted = {"map_px": 16, "z_std": 1.0, "class_mlp": 128, "dropout_last": True}
    assert wanted.items() <= card.config.items()


def test_the_files_say_what_the_papers_say() -> None:
    for name in OF_B:
        config = read(name)
        assert (config.loop.epochs, config.loop.lr, config.settings.beta1) == (100, 2e-4, 0.5)
        assert config.loop.step_factor == 1  # its rate stays
        assert config.feed.crop_px == 256
    model = read("b-pix2pix").model_config(translates=False)
    assert (model.in_channels, model.out_channels, model.resolution) == (3, 3, 256)
    network = MODELS["autoencoder"].build(read("b-autoencoder").model_config(translates=False))
    statistics = sum(v.numel() for k, v in network.named_buffers() if "running" in k)
    assert sum(p.numel() for p in network.parameters()) + statistics == 9_602_766
    big = read("e-biggan-inversion")
    assert (big.loop.epochs, big.feed.batch_size, big.loop.lr) == (12, 64, 3e-5)
    assert big.loop.lr * big.settings.discriminator_rate == pytest.approx(1e-4, rel=1e-6)
    assert (big.loop.schedule, big.loop.step_epochs, big.loop.step_factor) == ("step", 1, 0.9)
    assert (big.settings.mse, big.settings.perceptual_by) == (1.0, "lpips")
    model = big.model_config(translates=False)
    assert (model.map_px, model.z_std, model.dropout_last) == (16, 1.0, True)


def test_each_pair_of_system_d_has_a_view_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = {"day-night": "drag", "spring-autumn": "hover", "summer-winter": "scroll"}
    for name, view in pairs.items():
        config = read(name)
        assert (config.loop.epochs, config.feed.crop_px) == (200, 256)
        settings = {"domains": config.data.domains}
        assert default_view(settings) == view
        assert default_view({"domains": config.data.domains[::-1]}) == view
        assert default_view(settings | {"view": "scroll"}) == "scroll"
    for model in ("builtin:day-to-night", "builtin:night-to-day"):
        assert default_view(resolve(model).card.config) == "drag"
        assert main(["models", "show", model]) == 0
        assert "Before and after are shown by: drag" in capsys.readouterr().out
    assert default_view({"domains": ["oil", "ink"]}) == "drag"
    with pytest.raises(ValueError, match="view=peep: must be drag, hover, scroll"):
        MODELS["cyclegan"].config(view="peep")


def test_comic_pairs_may_begin_at_the_comic(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    for name, more in (("forth", []), ("back", ["--reverse"])):
        words = ["data", "pairs", str(photos), str(tmp_path / name), "--style", "comic"]
        assert main([*words, "--size", "32", "--limit", "2", *more]) == 0
    for path in (tmp_path / "forth" / "source").iterdir():
        photo, comic = path.read_bytes(), (path.parents[1] / "target" / path.name).read_bytes()
        assert photo != comic
        assert (tmp_path / "back" / "source" / path.name).read_bytes() == comic
        assert (tmp_path / "back" / "target" / path.name).read_bytes() == photo
