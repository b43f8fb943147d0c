"""CycleGAN's recipe on drawn days and nights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from landscapes import landscape

from archive_colorizer.errors import ConfigError
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.settings.overlay import read_file
from archive_colorizer.training.config import TrainConfig, compose
from archive_colorizer.training.journal import losses, validations
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.recipe import Batch
from archive_colorizer.training.recipes.cyclegan import Pool
from archive_colorizer.training.run import train


@pytest.fixture
def seasons(tmp_path: Path) -> Path:
    """Bright and dark landscapes, without partners."""
    for name, factor in (("day", 1.0), ("night", 0.25)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for seed in range(10):
            picture = (landscape(seed + (name == "night") * 50) * factor).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / name / f"{seed}.png"), picture[..., ::-1])
    return tmp_path / "data"


def config(data: Path, folder: Path, **sections: dict) -> TrainConfig:
    base = {
        "data": {"data": str(data), "domains": ["night", "day"]},
        "model": {"width": 4, "blocks": 1},
        "recipe": {"critic_width": 4, "pool": 6},
        "feed": {"crop_px": 32, "batch_size": 2},
        "loop": {"steps": 60, "lr": 2e-3, "precision": "float32"},
        "run": {"engine": "local", "mlflow": False},
    }
    return compose("cyclegan", str(folder), [("test", base), ("test", sections)])


@pytest.mark.slow
def test_it_learns_to_come_back_and_to_turn_night_into_day(seasons: Path, tmp_path: Path) -> None:
    report = train(config(seasons, tmp_path / "run"))
    assert report.end < report.start
    cycle = [line["losses"]["generators/cycle"] for line in losses(tmp_path / "run")]
    assert np.mean(cycle[-5:]) < 0.6 * np.mean(cycle[:5])
    figures = validations(tmp_path / "run")[-1]["figures"]
    assert figures["brightness_night"] < figures["brightness_day"]
    assert {"brightness_night_made", "brightness_day_made"} <= set(figures)
    model = resolve(str(tmp_path / "run" / "model"))
    assert model.card.config["domains"] == ["night", "day"]
    assert load(model).translate(torch.rand(1, 3, 30, 31)).shape == (1, 3, 30, 31)


@pytest.mark.slow
def test_the_pool_is_part_of_what_is_resumed(seasons: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    train(config(seasons, tmp_path / "whole", loop={"steps": 8}))

    class StoppedError(Exception):
        pass

    kept = Loop.one_step

    def stopping(loop: Loop, batch: Batch) -> dict[str, torch.Tensor]:
        if loop.step == 5:
            loop.save()
            raise StoppedError
        return kept(loop, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "one_step", stopping)
        with pytest.raises(StoppedError):
            train(config(seasons, tmp_path / "parts", loop={"steps": 8}))
    train(config(seasons, tmp_path / "parts", loop={"steps": 8}, run={"resume": True}))
    first, second = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "parts")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_pool_shows_older_pictures_and_none_more_than_twice() -> None:
    torch.manual_seed(0)
    pool = Pool(4, 8)
    made = [torch.full((1, 3, 8, 8), float(i)) for i in range(40)]
    shown = [float(pool.exchange(picture)[0, 0, 0, 0]) for picture in made]
    assert shown[:4] == [0, 1, 2, 3]
    assert any(value < i for i, value in enumerate(shown))
    assert max(shown.count(value) for value in shown) == 2
    pool.eval()
    before = pool.kept_n3hw.clone()
    assert torch.equal(pool.exchange(made[0]), made[0])
    assert torch.equal(pool.kept_n3hw, before)


def test_data_of_the_other_sort_is_refused(seasons: Path, photos: Path, tmp_path: Path) -> None:
    plain = [("test", {"data": {"data": str(photos)}, "run": {"engine": "local", "mlflow": False}})]
    with pytest.raises(ConfigError, match="no two unpaired sets"):
        train(compose("cyclegan", str(tmp_path / "a"), plain))
    pairs = [("test", {"data": {"data": str(seasons), "domains": ["day", "night"]},
                       "run": {"engine": "local", "mlflow": False}})]  # fmt: skip
    with pytest.raises(ConfigError, match="has two unpaired sets"):
        train(compose("pix2pix", str(tmp_path / "b"), pairs))


SETTINGS = Path(__file__).parents[2] / "jobs" / "settings"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["day-night", "spring-autumn", "summer-winter"])
def test_the_settings_of_the_seasons_take_a_users_folders(tmp_path: Path, name: str) -> None:
    first, second = name.split("-")
    for kind, factor in ((first, 1.0), (second, 0.4)):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for seed in range(6):
            picture = (landscape(seed + (kind == second) * 50) * factor).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / kind / f"{seed}.png"), picture[..., ::-1])
    file = read_file(str(SETTINGS / f"{name}.toml"))
    small = {
        "data": {"data": str(tmp_path / "data")},
        "model": {"width": 4, "blocks": 1},
        "recipe": {"critic_width": 4, "pool": 2},
        "feed": {"crop_px": 32},
        "loop": {"steps": 2},
        "run": {"engine": "local", "mlflow": False},
    }
    train(compose("cyclegan", str(tmp_path / "run"), [("file", file), ("test", small)]))
    card = resolve(str(tmp_path / "run" / "model")).card
    assert card.config["domains"] == [first, second]
