"""What is shipped: small enough, with a true card, and colouring beyond doubt."""

from pathlib import Path

import pytest
import torch
from skimage import data

from archive_colorizer.evaluation.default_check import CheckRow, check
from archive_colorizer.evaluation.enlarging import psnr_y, through_jpeg
from archive_colorizer.weights.reference import builtin_names, load, resolve

MAX_BYTES = 20_000_000


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


def test_every_check_photograph_is_coloured_and_in_no_fewer_hues_than_it_has(
    rows: tuple[CheckRow, ...],
) -> None:
    assert len(rows) >= 6
    for row in rows:
        assert row.mean_chroma > 8, row
        assert row.largest_sector <= max(0.90, row.truth_sector), row


def test_the_card_gives_the_figures_that_are_measured(rows: tuple[CheckRow, ...]) -> None:
    figures = resolve("builtin:default").card.figures
    for row in rows:
        recorded = figures[f"mean chroma, {row.name}"]
        assert row.mean_chroma == pytest.approx(recorded, abs=0.5), row.name


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
