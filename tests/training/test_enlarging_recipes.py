"""RDN and RRDB over the one loop, on drawn pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from landscapes import MakeLibrary, landscape

from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import ConfigError
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.training.config import compose
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.journal import losses, validations
from archive_colorizer.training.low_high_sampler import EnlargeSampler
from archive_colorizer.training.run import train

TINY = {
    "rdn": {"blocks": 2, "convolutions": 2, "growth": 4, "features": 8},
    "rrdb": {"blocks": 1, "features": 8, "growth": 4, "scale": 2},
}


@pytest.fixture
def sharp(tmp_path: Path) -> Path:
    """Pictures with edges to be sharpened."""
    folder = tmp_path / "sharp"
    folder.mkdir()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        cells = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
        large = cv2.resize(cells, (128, 96), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{seed}.png"), large)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "adversarial"), [("rdn", 0.0), ("rrdb", 0.0), ("rrdb", 0.005)])
def test_they_learn(sharp: Path, tmp_path: Path, recipe: str, adversarial: float) -> None:
    extra = {"adversarial": adversarial, "discriminator_width": 4} if recipe == "rrdb" else {}
    layers = [("test", {
        "data": {"data": str(sharp)}, "model": TINY[recipe], "recipe": extra,
        "feed": {"crop_px": 64, "batch_size": 4},
        "loop": {"steps": 40, "lr": 3e-3},
        "run": {"engine": "local", "mlflow": False},
    })]  # fmt: skip
    report = train(compose(recipe, str(tmp_path / "run"), layers))
    assert report.end < 0.8 * report.start
    figures = validations(tmp_path / "run")[-1]["figures"]
    assert {"psnr_y", "psnr_y_bicubic"} <= set(figures)
    names = set(next(iter(losses(tmp_path / "run")))["losses"])
    assert ("discriminator/total" in names) == bool(extra.get("adversarial"))
    assert load(resolve(str(tmp_path / "run" / "model"))).scale == 2


@pytest.mark.parametrize("recipe", ["rdn", "rrdb"])
def test_crops_that_the_scale_does_not_divide_are_refused(
    sharp: Path, tmp_path: Path, recipe: str
) -> None:
    layer = {"data": {"data": str(sharp)}, "model": TINY[recipe], "feed": {"crop_px": 63},
             "loop": {"steps": 1}, "run": {"engine": "local", "mlflow": False}}  # fmt: skip
    with pytest.raises(ConfigError, match=r"crop_px=63 \(RESOL\): must be a multiple of 2"):
        train(compose(recipe, str(tmp_path / "run"), [("test", layer)]))


def test_low_and_high_show_the_same(make_library: MakeLibrary) -> None:
    library = make_library([landscape(0, 80, 90)])
    for scale in (1, 2, 4):
        sample = EnlargeSampler(FeedConfig(crop_px=64), scale, 0)(library, derive(0, "x"))
        low, high = sample["low_b3hw"], sample["high_b3hw"]
        assert high.shape == (3, 64, 64)
        assert low.shape == (3, 64 // scale, 64 // scale)
        assert np.allclose(low.mean(axis=(1, 2)), high.mean(axis=(1, 2)), atol=0.01)


def test_a_share_of_the_low_ones_is_worn(make_library: MakeLibrary) -> None:
    library = make_library([landscape(0, 80, 90)])

    def worn(share: float) -> int:
        sampler = EnlargeSampler(FeedConfig(crop_px=48, degrade_share=share), 1, 0)
        samples = [sampler(library, derive(i, "x")) for i in range(12)]
        return sum(not np.array_equal(one["low_b3hw"], one["high_b3hw"]) for one in samples)

    assert worn(0.0) == 0
    assert 0 < worn(0.5) < worn(1.0)


def test_small_pictures_are_mirrored_out(make_library: MakeLibrary) -> None:
    sample = EnlargeSampler(FeedConfig(crop_px=64), 2, 50)(
        make_library([landscape(0, 20, 90)]), derive(0, "x")
    )
    assert sample["high_b3hw"].shape == (3, 64, 64)


def test_a_quality_out_of_range_is_refused() -> None:
    layers = [("test", {"data": {"data": "x"}, "recipe": {"jpeg": 99}})]
    with pytest.raises(ConfigError, match="must be 0 to 95"):
        compose("rdn", "run", layers)
