"""jobs/write_card.py: another card for the same tensors."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

JOB = Path(__file__).parents[2] / "jobs" / "write_card.py"
SETTINGS = {"width": 4, "resolution": 32}


def test_the_card_is_written_anew_and_the_tensors_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, skin = tmp_path / "model", tmp_path / "skin.json"
    card = ModelCard(name="p", version="1", family="pix2pix", config=SETTINGS, figures={"x": 1.0})
    save_model(folder, MODELS["pix2pix"].build_from(SETTINGS), card)
    before = load_file(folder / "model.safetensors")
    source = folder / "card.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"summary": "Another one."}))
    row = {"tone": "tan", "faces": 15, "ab_error": 13.897, "left_grey": 0.0458}
    skin.write_text(json.dumps({"rows": [row | {"model": "builtin:default"},
                                         row | {"model": "other", "ab_error": 1.0}]}))  # fmt: skip
    monkeypatch.setattr(sys, "argv", [str(JOB), str(folder), str(skin), "builtin:default"])
    runpy.run_path(str(JOB), run_name="__main__")
    made = resolve(str(folder))
    assert made.weights_sha256 == capsys.readouterr().out.strip()
    assert made.card.summary == "Another one."
    assert made.card.figures == {"x": 1.0, "skin ab error, tan (15 faces)": 13.9,
                                 "skin left grey, tan (15 faces)": 0.05}  # fmt: skip
    assert "| skin ab error, tan (15 faces) | 13.9 |" in (folder / "card.md").read_text()
    after = load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
