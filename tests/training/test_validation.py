"""Validation: a picture on which the model fails is left out and counted, and the run goes on."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from failing import MAIN_FAULTS, failing
from landscapes import landscape

from archive_colorizer.data.library import Library, encode, write_items
from archive_colorizer.models.chroma_classifier import ChromaClassifier
from archive_colorizer.models.cyclegan import CycleGAN
from archive_colorizer.models.rdn import RDN
from archive_colorizer.models.table import MODELS
from archive_colorizer.training.config import compose
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.validation import FAILED, Validation, Validator

MODEL: dict[str, dict[str, Any]] = {
    "chroma_unet": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    "chroma_lite": {"widths": [16, 8, 8, 8], "head": 8},
    "cyclegan": {"width": 4, "blocks": 1, "domains": ["night", "day"]},
    "rdn": {"blocks": 1, "convolutions": 1, "growth": 4, "features": 4, "scale": 2},
}
PATCHED: dict[str, tuple[Any, str]] = {
    "chroma_unet": (ChromaClassifier, "predict"),
    "chroma_lite": (ChromaClassifier, "predict"),
    "cyclegan": (CycleGAN, "translate"),
    "rdn": (RDN, "enlarge"),
}
FIGURE = {
    "chroma_unet": "psnr", "chroma_lite": "psnr", "cyclegan": "brightness_day_made",
    "rdn": "psnr_y",
}  # fmt: skip


def library(folder: Path, *, domains: tuple[str, ...] = ("",), black: int = 1) -> Library:
    """Four pictures of each domain, the first ones black."""
    dark, items = np.zeros((40, 48, 3), np.uint8), []
    for domain in domains:
        pictures = [dark] * black + [landscape(seed) for seed in range(4 - black)]
        items += [
            {
                "name": f"{domain}{i}", "domain": domain, "source": None,
                "target": encode(picture, lossless=True),
            }
            for i, picture in enumerate(pictures)
        ]  # fmt: skip
    write_items(folder / "pictures.arrow", items)
    return Library(str(folder / "pictures.arrow"))


def validate(recipe: str, pictures: Library, folder: Path) -> tuple[Validation, Loop]:
    torch.manual_seed(0)
    quick = {
        "data": {"data": str(folder)}, "model": MODEL[recipe],
        "feed": {"crop_px": 32, "batch_size": 48}, "run": {"engine": "local", "device": "cpu"},
    }  # fmt: skip
    config = compose(recipe, str(folder / "run"), [("test", quick)])
    module = MODELS[recipe].build(config.model_config(translates=False))
    built = config.spec.build(module, config.settings, config.feed, pictures, translates=False)
    loop = Loop(built, config.loop, folder)
    return Validator(pictures, config.feed, MODELS[recipe].task, 0)(loop), loop


@pytest.mark.parametrize("fault", MAIN_FAULTS)
@pytest.mark.parametrize("recipe", MODEL)
def test_a_picture_that_the_model_fails_on_is_left_out_and_counted(
    tmp_path: Path, recipe: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name = PATCHED[recipe]
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), fault))
    domains = ("night", "day") if recipe == "cyclegan" else ("",)
    found, loop = validate(recipe, library(tmp_path, domains=domains), tmp_path)
    assert found.figures[FAILED] >= 1
    assert math.isfinite(found.figures[FIGURE[recipe]])
    assert found.rows
    assert all(module.training for module in loop.recipe.modules.values())


@pytest.mark.parametrize("recipe", ["chroma_unet", "rdn"])
def test_a_model_that_fails_on_all_has_losses_alone(
    tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name = PATCHED[recipe]
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), "NaN"))
    found, loop = validate(recipe, library(tmp_path, black=4), tmp_path)
    assert found.figures[FAILED] >= 4
    assert FIGURE[recipe] not in found.figures
    assert loop.recipe.goal in found.figures
    assert found.rows == ()


def test_without_a_failure_nothing_is_counted(tmp_path: Path) -> None:
    found, loop = validate("chroma_unet", library(tmp_path, black=0), tmp_path)
    assert FAILED not in found.figures
    assert found.titles == ("grey", "model", "truth")
    assert not torch.is_inference(next(loop.predictor.parameters()))
