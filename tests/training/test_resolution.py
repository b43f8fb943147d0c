"""Resolution is what reaches the network: pictures are stored as large as the crops need."""

import json
import logging
from pathlib import Path

import cv2
import pytest
from landscapes import MakeLibrary, landscape
from torch import nn

from archive_colorizer.cli.parameters import read_for_training
from archive_colorizer.data.library import Library, gather
from archive_colorizer.models.pix2pix import Generator, Pix2PixConfig
from archive_colorizer.storage.workspace import Workspace
from archive_colorizer.training.config import TrainConfig, compose
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.plan import settle_size
from archive_colorizer.training.recipes.pix2pix import Pix2PixRecipe, Pix2PixRecipeConfig
from archive_colorizer.training.run import train

TABLE = """CATEGORY,PARAM_NAME,PARAM_VALUE,USE_YN
COMMON,RESOL,256,Y
GOGUNG,RESOL,512,Y
GOGUNG,KSIZE,3,Y
"""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Photographs of 600 pixels, one of them of 300."""
    folder = tmp_path / "large"
    folder.mkdir()
    for seed in range(12):
        side = 300 if seed == 3 else 600
        cv2.imwrite(str(folder / f"{seed}.png"), landscape(seed, side, side + 40)[..., ::-1])
    return folder


def table_config(data: Path, folder: Path, category: str) -> TrainConfig:
    table = folder / "table.csv"
    table.write_text(TABLE)
    layers = [("data", {"data": {"data": str(data), "min_colourfulness": 0}}),
              ("table", read_for_training(str(table), category, lambda _: True))]  # fmt: skip
    return compose("pix2pix", str(folder / "run"), layers)


@pytest.mark.parametrize(("category", "short_px"), [("COMMON", 366), ("GOGUNG", 732)])
def test_resol_decides_the_size_of_the_stored_pictures(
    large: Path, tmp_path: Path, category: str, short_px: int
) -> None:
    with Workspace(str(tmp_path / "run")) as folder:
        config = settle_size(table_config(large, tmp_path, category), folder)
    assert config.data.short_px == short_px  # the smallest crop, 0.7 of it, is RESOL
    library = Library(gather(config.data, tmp_path / "data").train)
    sides = {min(item.target.shape[:2]) for item in library if item is not None}
    assert max(sides) == min(600, short_px)


def test_a_size_that_is_given_stays(large: Path, tmp_path: Path) -> None:
    given = ("file", {"data": {"data": str(large), "short_px": 100}})
    with Workspace(str(tmp_path)) as folder:
        config = settle_size(compose("pix2pix", "run", [given]), folder)
    assert config.data.short_px == 100


def test_a_run_that_goes_on_keeps_the_size_that_it_began_with(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"parameters": {"data.short_px": 256}}))
    layers = [("x", {"data": {"data": "x"}, "feed": {"crop_px": 512}, "run": {"resume": True}})]
    with Workspace(str(tmp_path)) as folder:
        config = settle_size(compose("pix2pix", "run", layers), folder)
    assert config.data.short_px == 256


def test_pictures_smaller_than_the_resolution_are_one_line(
    large: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = {
        "data": {"data": str(large), "min_colourfulness": 0},
        "feed": {"crop_px": 320, "batch_size": 8},
        "model": {"width": 1, "depth": 2}, "recipe": {"perceptual": 0.0}, "loop": {"steps": 1},
        "run": {"engine": "local", "mlflow": False},
    }  # fmt: skip
    with caplog.at_level(logging.INFO):
        train(compose("unet_perceptual", str(tmp_path / "run"), [("test", small)]))
    (line,) = [text for text in caplog.messages if "they are enlarged" in text]
    assert line == (
        "1 of 12 pictures are smaller than the 320 pixels that the network sees "
        "(feed.crop_px, RESOL), the smallest 300: they are enlarged"
    )
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["parameters"]["data.short_px"] == 458
    assert "short_px = 458" in (tmp_path / "run" / "model" / "train.toml").read_text()


def test_ksize_reaches_the_discriminator(make_library: MakeLibrary) -> None:
    model = Generator(Pix2PixConfig(resolution=32, kernel=3, width=2))
    recipe = Pix2PixRecipe(
        model, Pix2PixRecipeConfig(discriminator_width=2), FeedConfig(crop_px=32), make_library()
    )
    for module in recipe.modules.values():
        kinds = (nn.Conv2d, nn.ConvTranspose2d)
        assert {p.kernel_size for p in module.modules() if isinstance(p, kinds)} == {(3, 3)}
