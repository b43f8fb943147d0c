"""The loop and the chroma recipe on a tiny problem."""

from pathlib import Path

import numpy as np
import pytest
import torch
from landscapes import MakeLibrary

from archive_colorizer.data.library import Library
from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.models.chroma_unet import ChromaUNet, ChromaUNetConfig
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.loop import CHECKPOINT, Loop, LoopConfig
from archive_colorizer.training.recipes.chroma import ChromaRecipe, ChromaRecipeConfig

TINY = ChromaUNetConfig(widths=(4, 8, 8, 8, 8), blocks=(1, 1, 1, 1, 1), head=8)
FEED = FeedConfig(crop_px=32, zoom=0.8, batch_size=4, degrade_share=0.5)


def recipe(library: Library, feed: FeedConfig = FEED, hint_share: float = 0.4) -> ChromaRecipe:
    torch.manual_seed(3)
    return ChromaRecipe(ChromaUNet(TINY), ChromaRecipeConfig(hint_share=hint_share), feed, library)


def loop(library: Library, folder: Path, **settings: float) -> Loop:
    config = LoopConfig(**{"lr": 3e-3, "warmup_steps": 2} | settings)
    return Loop(recipe(library), config, folder)


def feed_of(trained: Loop, library: Library) -> Feed:
    return Feed(library, trained.recipe.sampler, FEED.batch_size, trained.config.seed)


def run(trained: Loop, library: Library, *, resume: bool = False) -> list[dict[str, float]]:
    return trained.run(feed_of(trained, library).batches, resume=resume)


def test_the_loss_falls(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library()
    lines = run(loop(library, tmp_path, steps=60), library)
    history = [losses["chroma/cross_entropy"] for losses in lines]
    assert np.mean(history[-10:]) < 0.9 * np.mean(history[:10])


def test_a_short_run_reaches_its_learning_rate(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library()
    short = loop(library, tmp_path, steps=40, warmup_steps=200, final_lr=1.0)
    rates = []
    for step in range(6):
        rates.append(short.learning_rate())
        short.step = step + 1
    assert rates[0] < 0.1 * short.config.lr
    assert rates == sorted(rates)
    assert short.learning_rate() == short.config.lr  # after a tenth of the budget


def test_a_resumed_run_is_equal_to_the_bit(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library()
    whole = loop(library, tmp_path / "whole", steps=8)
    run(whole, library)
    first = loop(library, tmp_path / "parts", steps=8)
    for step in range(3):
        first.one_step(feed_of(first, library).batch(step))
    (tmp_path / "parts").mkdir()
    first.save()
    second = loop(library, tmp_path / "parts", steps=8)
    run(second, library, resume=True)
    assert second.step == 8
    for a, b in zip(whole.ema.state_dict().values(), second.ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_that_is_cut_or_anothers_is_said_so(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    library = make_library()
    run(loop(library, tmp_path, steps=1), library)
    whole = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LocationError, match=r"last\.pt: not a checkpoint"):
        run(loop(library, tmp_path, steps=2), library, resume=True)


def test_a_full_disk_is_said_and_leaves_the_state_before(
    tmp_path: Path, make_library: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = make_library()
    trained = loop(library, tmp_path, steps=1)
    run(trained, library)
    before = (tmp_path / CHECKPOINT).read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(
        LocationError, match=r"step 1 cannot be written \(\d+ MiB free\): .*No space left"
    ):
        trained.save()
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.tmp")] == []


def test_batches_depend_only_on_the_seed_and_their_number(make_library: MakeLibrary) -> None:
    library = make_library()
    feed = Feed(library, recipe(library).sampler, 4, 1)
    from_start, later = feed.batches(0), feed.batches(2)
    next(from_start), next(from_start)
    a, b = next(from_start), next(later)
    assert all(torch.equal(a[name], b[name]) for name in a)
    from_start.close()
    later.close()


def test_workers_shares_make_up_the_batch(make_library: MakeLibrary) -> None:
    library = make_library()
    feed = Feed(library, recipe(library).sampler, 4, 1)
    whole, parts = feed.batch(5), [feed.batch(5, rank, 2) for rank in (0, 1)]
    for name, value in whole.items():
        assert torch.equal(value[0::2], parts[0][name])
        assert torch.equal(value[1::2], parts[1][name])


def test_degradation_touches_only_the_grey_side(make_library: MakeLibrary) -> None:
    library = make_library()
    clean, dirty = (
        recipe(library, FeedConfig(crop_px=32, degrade_share=share), hint_share=0).sampler
        for share in (0.0, 1.0)
    )
    sharp, worn = clean(library, derive(5, "x")), dirty(library, derive(5, "x"))
    assert not np.array_equal(sharp["gray_b1hw"], worn["gray_b1hw"])
    assert np.array_equal(sharp["cell_bhw"], worn["cell_bhw"])
    assert not sharp["hints_b3hw"].any()
    assert 0 <= worn["gray_b1hw"].min() <= worn["gray_b1hw"].max() <= 1


def test_hints_are_true_colours(make_library: MakeLibrary) -> None:
    library = make_library()
    hints = recipe(library, hint_share=1).sampler(library, derive(1, "hints"))["hints_b3hw"]
    mask = hints[2]
    assert set(np.unique(mask)) == {0, 1}
    assert (hints[:, mask == 0] == 0).all()
    assert np.abs(hints[:2, mask == 1]).max() > 0.1


@pytest.mark.parametrize("budget", [{}, {"steps": 5, "minutes": 1.0}, {"epochs": 1.0, "steps": 2}])
def test_one_budget_is_needed(budget: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="one of steps, epochs and minutes"):
        LoopConfig(**budget)


def test_time_is_a_budget_too(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library()
    trained = loop(library, tmp_path, minutes=0.02)
    assert run(trained, library)
    assert trained.progress() >= 1


def test_epochs_are_passes_over_the_pictures(tmp_path: Path, make_library: MakeLibrary) -> None:
    trained = Loop(recipe(make_library()), LoopConfig(epochs=2.5), tmp_path, epoch_steps=4)
    assert trained.total_steps == 10
