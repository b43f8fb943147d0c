"""Where samples are drawn, as a run's settings say."""

import shutil
from pathlib import Path

import pytest
from landscapes import landscape
from PIL import Image

from archive_colorizer.errors import ConfigError
from archive_colorizer.training.config import compose
from archive_colorizer.training.run import train

TINY = {
    "model": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    "feed": {"crop_px": 32, "batch_size": 8},
    "loop": {"steps": 4},
    "run": {"engine": "local", "mlflow": False},
}


MODELS: dict[str, dict[str, object]] = {
    "autoencoder": {"width": 4}, "cyclegan": {"width": 4, "blocks": 1},
    "rdn": {"scale": 2, "blocks": 2, "convolutions": 2, "growth": 4, "features": 4},
}  # fmt: skip


def run(photos: Path, folder: Path, feed: dict[str, object], recipe: str = "chroma_unet") -> str:
    tiny = TINY | {"model": MODELS.get(recipe, TINY["model"])}
    layers = [("data", {"data": {"data": str(photos)}}), ("tiny", tiny), ("feed", {"feed": feed})]
    return train(compose(recipe, str(folder), layers)).text()


def test_a_run_draws_its_samples_on_the_device(photos: Path, tmp_path: Path) -> None:
    text = run(photos, tmp_path / "run", {"place": "device", "sizes_px": [32, 64]})
    assert text.startswith("4 steps")
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("recipe", ["autoencoder", "rdn"])
def test_pairs_and_enlarging_are_drawn_there(photos: Path, tmp_path: Path, recipe: str) -> None:
    text = run(photos, tmp_path / "run", {"place": "device"}, recipe)
    assert text.startswith("4 steps")


def test_unpaired_sets_are_drawn_there(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "sets" / "trainA")
    (tmp_path / "sets" / "trainB").mkdir()
    for seed in range(20):
        dark = Image.fromarray(landscape(100 + seed) // 3)
        dark.save(tmp_path / "sets" / "trainB" / f"{seed}.png")
    feed = {"place": "device", "crop_px": 64}
    assert run(tmp_path / "sets", tmp_path / "run", feed, "cyclegan").startswith("4 steps")
    with pytest.raises(ConfigError, match=r"sizes_px: the pool holds pictures of one size"):
        run(tmp_path / "sets", tmp_path / "other", feed | {"sizes_px": [64, 128]}, "cyclegan")


def test_what_cannot_be_drawn_there_is_one_line(photos: Path, tmp_path: Path) -> None:
    for side, mode in (("source", "L"), ("target", "RGB")):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for seed in range(20):
            picture = Image.fromarray(landscape(seed)).convert(mode)
            picture.save(tmp_path / "pairs" / side / f"{seed}.png")
    with pytest.raises(ConfigError, match="pairs cannot be drawn there"):
        run(tmp_path / "pairs", tmp_path / "a", {"place": "device"})
    with pytest.raises(ConfigError, match=r"sizes_px: needs feed\.place=device"):
        run(photos, tmp_path / "b", {"place": "host", "sizes_px": [32]})
    with pytest.raises(ConfigError, match=r"sizes_px=.*multiples of 32"):
        run(photos, tmp_path / "c", {"place": "device", "sizes_px": [40]})
