"""What is shipped: small enough, with a true card, and colouring beyond doubt."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from archive_colorizer.evaluation.default_check import CheckRow, check, passed
from archive_colorizer.evaluation.enlarging import psnr_y, reduced, through_jpeg
from archive_colorizer.samples import colour_photographs
from archive_colorizer.weights.reference import builtin_names, load, resolve

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
    assert min(row.mean_chroma for row in rows) > 8, rows
    assert passed(rows), rows


def test_the_card_gives_the_figures_that_are_measured(rows: tuple[CheckRow, ...]) -> None:
    figures = resolve("builtin:default").card.figures
    for row in rows:
        recorded = figures[f"mean chroma, {row.name}"]
        assert row.mean_chroma == pytest.approx(recorded, abs=0.5), row.name


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


def test_the_restorer_takes_artefacts_away() -> None:
    restorer = load(resolve("builtin:restore"))
    gains = []
    for name in ("astronaut", "coffee", "chelsea"):
        truth = getattr(data, name)()[:256, :256]
        worn = through_jpeg(truth, 30)
        tensor = torch.from_numpy(worn.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            made = (restorer.enlarge(tensor)[0] * 255).round().byte().permute(1, 2, 0).numpy()
        gains.append(psnr_y(made, truth, 1) - psnr_y(worn, truth, 1))
    assert min(gains) > 0.1, gains
