"""The settings files of reference systems A and C: what they say, and that each runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from landscapes import landscape

from archive_colorizer.cli.main import main
from archive_colorizer.cli.parameters import read_for_colorizing, read_for_training
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.settings.overlay import read_file
from archive_colorizer.training.config import TrainConfig, compose

SETTINGS = Path(__file__).parents[2] / "jobs" / "settings"
SMALL = ("feed.crop_px=32", "feed.batch_size=2", "loop.warmup_steps=0")
OF_PIX2PIX = ("model.resolution=32", "model.width=2", "recipe.discriminator_width=2")
WITHOUT_VGG = "recipe.perceptual=0"


def read(name: str, *more: tuple[str, dict[str, Any]]) -> TrainConfig:
    data = ("command line", {"data": {"data": "x"}})
    return compose("", "run", [(name, read_file(str(SETTINGS / f"{name}.toml"))), data, *more])


def make_pairs(folder: Path) -> None:
    for side in ("gray", "color"):
        (folder / side).mkdir(parents=True)
        for seed in range(10):
            pixels = landscape(seed)
            if side == "gray":
                pixels = pixels.mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8)
            cv2.imwrite(str(folder / side / f"{seed}.png"), pixels[..., ::-1])


def make_arrays(folder: Path) -> None:
    lab = np.stack([rgb_to_lab(landscape(seed)) for seed in range(24)])
    lab = np.rint(lab * (255 / 100, 1, 1) + (0, 128, 128)).astype(np.uint8)
    (folder / "l").mkdir(parents=True)
    (folder / "ab" / "ab").mkdir(parents=True)
    np.save(folder / "l" / "gray_scale.npy", lab[..., 0])
    for number in range(3):
        part = lab[8 * number : 8 * number + 8, ..., 1:]
        np.save(folder / "ab" / "ab" / f"ab{number + 1}.npy", part)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make", "small"),
    [
        ("a-palaces", make_pairs, OF_PIX2PIX),
        ("c-pix2pix", make_pairs, OF_PIX2PIX),
        ("c-cwgan", make_arrays,
         ("model.width=2", "model.levels=2", "recipe.critic_width=2", WITHOUT_VGG)),
        ("c-unet", make_pairs, ("model.width=2", WITHOUT_VGG)),
    ],
)  # fmt: skip
def test_the_file_alone_says_what_is_trained(
    tmp_path: Path, name: str, make: Callable[[Path], None], small: tuple[str, ...]
) -> None:
    make(tmp_path / "data")
    words = ["train", "--config", str(SETTINGS / f"{name}.toml"), str(tmp_path / "data"),
             "--output", str(tmp_path / "run"), "--steps", "2", "--engine", "local",
             "--no-mlflow"]  # fmt: skip
    for setting in (*SMALL, *small):
        words += ["--set", setting]
    assert main(words) == 0
    card = resolve(str(tmp_path / "run" / "model")).card
    assert card.family == read(name).recipe
    assert "2 steps" in card.training


@pytest.mark.slow
def test_the_step_of_system_c_from_160_to_320_pixels(tmp_path: Path) -> None:
    make_pairs(tmp_path / "data")
    words = ["train", "--config", str(SETTINGS / "c-unet.toml"), str(tmp_path / "data"),
             "--steps", "1", "--engine", "local", "--no-mlflow", "--set", "model.width=1",
             "--set", WITHOUT_VGG]  # fmt: skip
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert main([*words, "--output", first, "--set", "feed.crop_px=160"]) == 0
    assert main([*words, "--output", second, "--init", f"{first}/model"]) in (0, 3)
    assert "squares of 320 pixels" in resolve(f"{second}/model").card.protocol


def test_the_files_say_what_the_papers_say() -> None:
    palaces = read("a-palaces")
    assert palaces.model_config(translates=False).resolution == palaces.feed.crop_px == 1024
    assert palaces.data.homomorphic
    cwgan = read("c-cwgan")
    assert (cwgan.feed.crop_px, cwgan.loop.epochs, cwgan.run.sample_every) == (224, 150, 10)
    assert (cwgan.settings.perceptual, cwgan.settings.colour) == (0.005, 0.1)
    assert cwgan.settings.critic_steps == 5
    unet = read("c-unet")
    assert (unet.feed.crop_px, unet.feed.batch_size, unet.loop.step_epochs) == (320, 8, 20)
    assert unet.model_config(translates=False).kernel == 5
    other = read("c-unet", ("--set", {"model": {"kernel": 3}}))
    assert other.model_config(translates=False).kernel == 3
    assert read("c-pix2pix").feed.crop_px == 256


def test_the_palaces_table_is_for_training_and_for_colouring() -> None:
    table = str(SETTINGS / "a-palaces.csv")
    trained = read_for_training(table, "GOGUNG", lambda place: True)
    assert read("a-palaces", ("table", trained)) == read("a-palaces")
    assert read_for_colorizing(table, "GOGUNG") == {
        "color": {"proxy_px": 1024, "homomorphic": True}
    }
    assert read_for_colorizing(table, "") == {"color": {"proxy_px": 256, "homomorphic": False}}
