"""Where samples are drawn, as a run's settings say."""

from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.training.config import compose
from archive_colorizer.training.run import train

TINY = {
    "model": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    "feed": {"crop_px": 32, "batch_size": 8},
    "loop": {"steps": 4},
    "run": {"engine": "local", "mlflow": False},
}


def run(photos: Path, folder: Path, feed: dict[str, object], recipe: str = "chroma_unet") -> str:
    layers = [("data", {"data": {"data": str(photos)}}), ("tiny", TINY if recipe == "chroma_unet"
              else TINY | {"model": {"width": 4}}), ("feed", {"feed": feed})]  # fmt: skip
    return train(compose(recipe, str(folder), layers)).text()


def test_a_run_draws_its_samples_on_the_device(photos: Path, tmp_path: Path) -> None:
    text = run(photos, tmp_path / "run", {"place": "device", "sizes_px": [32, 64]})
    assert text.startswith("4 steps")
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


def test_what_cannot_be_drawn_there_is_one_line(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the recipe autoencoder cannot be drawn there"):
        run(photos, tmp_path / "a", {"place": "device"}, "autoencoder")
    with pytest.raises(ConfigError, match=r"sizes_px: needs feed\.place=device"):
        run(photos, tmp_path / "b", {"place": "host", "sizes_px": [32]})
    with pytest.raises(ConfigError, match=r"sizes_px=.*multiples of 32"):
        run(photos, tmp_path / "c", {"place": "device", "sizes_px": [40]})
