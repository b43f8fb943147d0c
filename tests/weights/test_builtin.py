"""What is shipped: small enough, with a true card, and colouring beyond doubt."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from archive_colorizer.demo import colour_photographs
from archive_colorizer.evaluation.release.default_check import (
    BOXES,
    CheckRow,
    check,
    mean_colour,
    passed,
)
from archive_colorizer.evaluation.release.translation_check import brightness
from archive_colorizer.imaging.degrade import surely_worn
from archive_colorizer.metrics.luma import psnr_y, reduced, through_jpeg
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.reference import builtin_names

MAX_BYTES = 20_000_000
MAX_TOTAL_BYTES = 60_000_000
SCALES = (2, 4)


@pytest.fixture(scope="module")
def rows() -> tuple[CheckRow, ...]:
    return check(load(resolve("builtin:default")))


@pytest.mark.parametrize("name", builtin_names())
def test_a_shipped_model_is_small_and_its_card_is_complete(name: str) -> None:
    model = resolve(f"builtin:{name}")
    assert Path(model.path).stat().st_size <= MAX_BYTES
    card = model.card
    for field in ("summary", "trained_on", "training", "command", "protocol", "limits", "figures"):
        assert getattr(card, field), field
    assert card.data_rights in {"cleared", "not_cleared"}
    text = (Path(model.path).parent / "card.md").read_text(encoding="utf-8")
    assert model.weights_sha256 in text


def test_all_shipped_weights_together_are_small() -> None:
    sizes = [Path(resolve(f"builtin:{name}").path).stat().st_size for name in builtin_names()]
    assert sum(sizes) <= MAX_TOTAL_BYTES


def test_every_check_photograph_is_coloured_and_together_in_several_hues(
    rows: tuple[CheckRow, ...],
) -> None:
    assert len(rows) >= 6
    assert passed(rows), rows


@pytest.mark.parametrize("name", BOXES)
def test_table_cat_and_sky_have_colours_that_nobody_doubts(name: str) -> None:
    box = BOXES[name]
    hue, chroma = mean_colour(load(resolve("builtin:default")), box)
    assert box.hue[0] <= hue <= box.hue[1]
    assert box.chroma[0] <= chroma <= box.chroma[1]


def test_the_card_gives_the_figures_that_are_measured(rows: tuple[CheckRow, ...]) -> None:
    figures = resolve("builtin:default").card.figures
    for row in rows:
        recorded = figures[f"mean chroma, {row.name}"]
        assert row.mean_chroma == pytest.approx(recorded, abs=0.5), row.name


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
def test_an_enlarger_gives_the_figures_of_its_card(scale: int) -> None:
    """Over the photographs that come with dependencies, as the card's command does it."""
    model = resolve(f"builtin:upscale-x{scale}")
    module = load(model)
    made, plain = [], []
    for truth in photographs():
        sides = [min(side, 512) // scale * scale for side in truth.shape[:2]]
        top, left = ((full - side) // 2 for full, side in zip(truth.shape[:2], sides, strict=True))
        truth = truth[top : top + sides[0], left : left + sides[1]]
        low = reduced(truth, scale)
        tensor = torch.from_numpy(low.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            out = (module.enlarge(tensor)[0] * 255).round().byte().permute(1, 2, 0).numpy()
        made.append(psnr_y(out, truth, scale))
        size = (truth.shape[1], truth.shape[0])
        up = np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))
        plain.append(psnr_y(up, truth, scale))
    figures = model.card.figures
    assert np.mean(made) == pytest.approx(figures["PSNR on Y, dependencies, dB"], abs=0.05)
    bicubic = figures["PSNR on Y of bicubic, dependencies, dB"]
    assert np.mean(plain) == pytest.approx(bicubic, abs=0.05)
    assert Path(model.path).stat().st_size <= 10_000_000


def photographs() -> list[np.ndarray]:
    folder = Path(data.__file__).parent
    extra = [np.asarray(Image.open(folder / name).convert("RGB"))
             for name in ("motorcycle_left.png", "camera.png")]  # fmt: skip
    return [*(rgb for _, rgb in colour_photographs()), *extra]


RESTORED = {"JPEG 30": (0, 30), "grain and scratches": (1, 0), "both, JPEG 60": (1, 60)}


@pytest.mark.slow
@pytest.mark.parametrize("what", RESTORED)
def test_the_restorer_gives_the_gain_of_its_card(what: str) -> None:
    """Over centre crops of the photographs that come with dependencies."""
    worn, quality = RESTORED[what]
    model = resolve("builtin:restore")
    restorer = load(model)
    gains = []
    for truth in photographs():
        top, left = ((side - 256) // 2 for side in truth.shape[:2])
        truth = truth[top : top + 256, left : left + 256]
        given = through_jpeg(surely_worn(truth) if worn else truth, quality)
        tensor = torch.from_numpy(given.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            made = (restorer.enlarge(tensor)[0] * 255).round().byte().permute(1, 2, 0).numpy()
        gains.append(psnr_y(made, truth, 1) - psnr_y(given, truth, 1))
    recorded = model.card.figures[f"gain, dependencies, {what}, dB"]
    assert np.mean(gains) == pytest.approx(recorded, abs=0.05)
    assert np.mean(gains) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["day-to-night", "night-to-day"])
def test_a_translation_gives_the_brightness_of_its_card(name: str) -> None:
    model = resolve(f"builtin:{name}")
    found = brightness(load(model))
    assert len(found) >= 6
    for photo, pair in found.items():
        for when, value in zip(("before", "after"), pair, strict=True):
            recorded = model.card.figures[f"mean brightness, {photo}, {when}"]
            assert value == pytest.approx(recorded, abs=2), photo
    before, after = np.mean(list(found.values()), axis=0)
    assert after < 0.8 * before if name == "day-to-night" else after > before
