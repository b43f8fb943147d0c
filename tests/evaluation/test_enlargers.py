"""`evaluate` for models that enlarge or restore."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from failing import FAULTS, MAIN_FAULTS, failing
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.imaging.sharpen import sharpened
from archive_colorizer.metrics.luma import psnr_y, reduced, resized
from archive_colorizer.models.rdn import RDN
from archive_colorizer.models.table import MODELS
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

SMALL = {"blocks": 1, "convolutions": 1, "growth": 4, "features": 4}


def model(folder: Path, family: str = "rdn", *, identity: bool = False, **settings: int) -> str:
    torch.manual_seed(0)
    config = {**SMALL, **settings}
    if family == "rrdb":
        config = {"blocks": 1, "features": 4, "growth": 4, **settings}
    module = MODELS[family].build_from(config)
    if identity:
        torch.nn.init.zeros_(module.last.weight)
        torch.nn.init.zeros_(module.last.bias)
    target = folder / f"{family}{settings}{identity}"
    save_model(target, module, ModelCard(name="m", version="1", family=family, config=config))
    return str(target)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    y, x = np.mgrid[:97, :131]
    for number in range(3):
        rgb = np.stack([(x * (number + 2)) % 256, y * 2, x + y], axis=2).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:200])
    return folder


def run(photos: Path, output: Path, *refs: str, more: tuple[str, ...] = ()) -> int:
    models = [word for ref in refs for word in ("--model", ref)]
    return main(["evaluate", str(photos), *models, "--output", str(output), *more])


def test_enlargers_stand_beside_bicubic(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs = model(tmp_path, "rdn"), model(tmp_path, "rrdb", scale=2)
    assert run(photos, tmp_path / "out", *refs, more=("--sharpen", "0.5")) == 0
    assert "over baseline" in capsys.readouterr().out
    said = json.loads((tmp_path / "out" / "report.json").read_text())
    names = [row["model"] for row in said["models"]]
    assert names == [
        "bicubic", refs[0], f"{refs[0]} + sharpened 0.5", refs[1], f"{refs[1]} + sharpened 0.5",
    ]  # fmt: skip
    assert said["pictures"] == 3
    each = said["per_picture"][refs[0]]
    assert sorted(one["name"] for one in each) == ["0.png", "1.png", "2.png"]
    assert np.mean([one["psnr_y"] for one in each]) == pytest.approx(said["models"][1]["psnr_y"])
    assert list(said["left_out"]) == ["cut.png"]
    assert (tmp_path / "out" / "sheet.png").stat().st_size > 1000
    truths = [np.asarray(Image.open(photos / f"{n}.png"))[0:96, 0:130] for n in range(3)]
    wanted = [psnr_y(resized(reduced(t, 2), 130, 96), t, 2) for t in truths]
    assert said["models"][0]["psnr_y"] == pytest.approx(np.mean(wanted), abs=0.3)


def test_a_restorer_that_does_nothing_is_as_good_as_nothing(photos: Path, tmp_path: Path) -> None:
    ref = model(tmp_path, identity=True, scale=1)
    given = {}
    for more in (("--jpeg", "30"), ("--worn",), ("--worn", "--jpeg", "30")):
        assert run(photos, tmp_path / "out", ref, more=more) == 0
        base, same = json.loads((tmp_path / "out" / "report.json").read_text())["models"]
        assert base["model"] == "as it is"
        assert same["psnr_y"] == pytest.approx(base["psnr_y"])
        assert 15 < base["psnr_y"] < 60
        given[more] = base["psnr_y"]
    assert len(set(given.values())) == 3
    assert given["--worn", "--jpeg", "30"] < given["--jpeg", "30"]


def test_what_cannot_be_compared_is_one_clear_line(
    photos: Path, tmp_path: Path, tiny_model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, four = (model(tmp_path, scale=scale) for scale in (1, 2, 4))
    for refs, more, text in (
        ((two, four), (), "models enlarge by [2, 4]"),
        ((one,), (), "--jpeg Q or --worn says"),
        ((two, tiny_model), (), "cannot stand in one table"),
        ((tiny_model,), ("--jpeg", "50"), "are for models that enlarge"),
    ):
        assert run(photos, tmp_path / "out", *refs, more=more) == 2
        assert text in capsys.readouterr().err


@pytest.mark.parametrize("fault", MAIN_FAULTS)
def test_an_enlarger_that_fails_is_one_clear_line(
    photos: Path, tmp_path: Path, fault: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(RDN, "enlarge", failing(RDN.enlarge, fault))
    Image.new("RGB", (97, 97)).save(photos / "black.png")
    ref = model(tmp_path, scale=2)
    assert run(photos, tmp_path / "out", ref) == 2
    said = capsys.readouterr().err
    expected = {"out_of_memory": "ran out of memory", "model_error": "the model"}[FAULTS[fault][1]]
    assert f"{ref}: " in said
    assert expected in said


def test_sharpening_raises_an_edge_and_leaves_what_is_flat() -> None:
    rgb = np.full((20, 20, 3), 90, np.uint8)
    assert np.array_equal(sharpened(rgb, 1.0), rgb)
    rgb[:, 10:] = 160
    assert np.array_equal(sharpened(rgb, 0.0), rgb)
    sharp = sharpened(rgb, 1.0).astype(int)
    assert sharp[5, 9, 0] < 90 - 5
    assert sharp[5, 10, 0] > 160 + 5
    assert np.array_equal(sharp[:, :4], rgb[:, :4])
