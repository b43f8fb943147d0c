"""The loop and the chroma recipe on a tiny problem."""

from pathlib import Path

import numpy as np
import pytest
import torch

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.chroma_unet import ChromaUNet, ChromaUNetConfig
from archive_colorizer.training.loop import Loop, LoopConfig
from archive_colorizer.training.recipes.chroma_unet import ChromaRecipe, ChromaRecipeConfig
from archive_colorizer.training.seeds import derive

TINY = ChromaUNetConfig(widths=(4, 8, 8, 8, 8), blocks=(1, 1, 1, 1, 1), head=8)
QUICK = ChromaRecipeConfig(crop_px=32, smallest_crop_px=32, batch_size=4)


def photographs() -> list[np.ndarray]:
    """Blue above, green below: something that can be learned from grey and place."""
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rgb = np.empty((48, 64, 3), np.float32)
        rgb[:24], rgb[24:] = (120, 160, 230), (60, 120, 40)
        found.append(np.clip(rgb + rng.normal(0, 5, rgb.shape), 0, 255).astype(np.uint8))
    return found


def loop(folder: Path, **settings: float) -> Loop:
    torch.manual_seed(3)
    recipe = ChromaRecipe(ChromaUNet(TINY), photographs(), QUICK)
    return Loop(recipe, LoopConfig(**{"lr": 3e-3, "warmup_steps": 2} | settings), folder)


def test_the_loss_falls(tmp_path: Path) -> None:
    history = [losses["chroma/cross_entropy"] for losses in loop(tmp_path, steps=60).run()]
    assert np.mean(history[-10:]) < 0.9 * np.mean(history[:10])


def test_a_resumed_run_is_equal_to_the_bit(tmp_path: Path) -> None:
    whole = loop(tmp_path / "whole", steps=8)
    whole.run()
    first = loop(tmp_path / "parts", steps=8)
    for batch in first.recipe.batches(0, 0):
        first.one_step(batch)
        if first.step == 3:
            break
    (tmp_path / "parts").mkdir()
    first.save()
    second = loop(tmp_path / "parts", steps=8)
    second.run(resume=True)
    assert second.step == 8
    for a, b in zip(whole.ema.state_dict().values(), second.ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_batches_depend_only_on_the_seed_and_their_number() -> None:
    recipe = ChromaRecipe(ChromaUNet(TINY), photographs(), QUICK)
    from_start, later = recipe.batches(1, 0), recipe.batches(1, 2)
    next(from_start), next(from_start)
    a, b = next(from_start), next(later)
    assert all(torch.equal(a[name], b[name]) for name in a)
    from_start.close()
    later.close()


def test_degradation_touches_only_the_grey_side() -> None:
    clean = ChromaRecipeConfig(
        crop_px=32, smallest_crop_px=32, batch_size=4, degrade_share=0, hint_share=0
    )
    dirty = ChromaRecipeConfig(
        crop_px=32, smallest_crop_px=32, batch_size=4, degrade_share=1, hint_share=0
    )
    samples = [
        ChromaRecipe(ChromaUNet(TINY), photographs(), config).sample(derive(5, "x"))
        for config in (clean, dirty)
    ]
    (gray, hints, cell), (worn, _, worn_cell) = samples
    assert not np.array_equal(gray, worn)
    assert np.array_equal(cell, worn_cell)
    assert not hints.any()
    assert 0 <= worn.min() <= worn.max() <= 1


def test_hints_are_true_colours() -> None:
    config = ChromaRecipeConfig(crop_px=32, smallest_crop_px=32, hint_share=1, degrade_share=0)
    recipe = ChromaRecipe(ChromaUNet(TINY), photographs(), config)
    _, hints, _ = recipe.sample(derive(1, "hints"))
    assert set(np.unique(hints[..., 2])) == {0, 1}
    assert (hints[hints[..., 2] == 0] == 0).all()
    assert np.abs(hints[hints[..., 2] == 1][:, :2]).max() > 0.1


def test_a_budget_is_needed() -> None:
    with pytest.raises(ConfigError, match="either steps or minutes"):
        LoopConfig()


def test_time_is_a_budget_too(tmp_path: Path) -> None:
    trained = loop(tmp_path, minutes=0.02)
    assert trained.run()
    assert trained.progress() >= 1
