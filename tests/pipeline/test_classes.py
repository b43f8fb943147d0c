"""Class labels: from the command line, from an inventory, by number and by name, by looking."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.biggan import init_orthogonal
from archive_colorizer.models.catalog import class_number
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.weights import imagenet_file
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

needs_package = pytest.mark.skipif(
    importlib.util.find_spec(imagenet_file.PACKAGE) is None,
    reason="the extra `pretrained` is not installed",
)
ESPRESSO, CATS = 967, range(281, 286)
"""Of ImageNet's 1,000 classes."""
Rows = Callable[[str | Path], list[dict[str, Any]]]

SETTINGS = {
    "resolution": 32, "ch": 4, "n_classes": 3, "shared_dim": 6, "dim_z": 24,
    "classes": ["sea", "Forest", "street"],
}  # fmt: skip


def make_model(folder: Path, settings: dict[str, Any]) -> str:
    torch.manual_seed(0)
    module = MODELS["biggan_inversion"].build_from(settings)
    init_orthogonal(module)
    card = ModelCard(name="l", version="1", family="biggan_inversion", config=settings)
    save_model(folder, module, card)
    return str(folder)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_model(tmp_path_factory.mktemp("labelled"), SETTINGS)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of as many classes as ImageNet has."""
    settings = SETTINGS | {"n_classes": 1000, "classes": []}
    return make_model(tmp_path_factory.mktemp("imagenet"), settings)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A cat and an espresso, in grey."""
    folder = tmp_path / "known"
    folder.mkdir()
    for name, pixels in (("cat", data.chelsea()), ("espresso", data.coffee())):
        Image.fromarray(pixels).convert("L").save(folder / f"{name}.png")
    return folder


def run(source: Path, output: Path, ref: str, label: str = "", proxy_px: int = 64) -> Any:
    config = JobConfig(source=str(source), output=str(output))
    sections = {
        "color": {"model": ref, "proxy_px": proxy_px, "label": label},
        "run": {"engine": "local"},
        "output": {"format": "png", "watermark": "off"},
    }
    return colorize(overlay(config, sections, "test"))


def digests(folder: Path, rows: Rows) -> dict[str, str]:
    return {row["source_uri"]: row["derivative_sha256"] for row in rows(folder)}


def test_a_label_is_a_number_or_a_name() -> None:
    assert [class_number(SETTINGS, text) for text in ("", "2", "forest", " SEA ")] == [-1, 2, 1, 0]
    for bad in ("3", "-1", "1.5", "moon"):
        with pytest.raises(ValueError, match=r"0 to 2 or one of sea, forest, street"):
            class_number(SETTINGS, bad)


def test_the_class_decides_the_colours(
    masters: Path, tmp_path: Path, rows: Rows, labelled: str
) -> None:
    for name, label in (("none", ""), ("sea", "sea"), ("zero", "0"), ("street", "street")):
        assert run(masters, tmp_path / name, labelled, label).ok == 5
    colours = {name: {row["colourfulness"] for row in rows(tmp_path / name)}
               for name in ("none", "sea", "zero", "street")}  # fmt: skip
    assert colours["sea"] == colours["zero"]
    assert colours["sea"].isdisjoint(colours["street"])
    assert colours["none"].isdisjoint(colours["sea"])


def test_the_inventorys_class_goes_before_the_jobs_and_a_wrong_one_fails_its_row_alone(
    masters: Path, tmp_path: Path, rows: Rows, labelled: str
) -> None:
    inventory = tmp_path / "inventory.csv"
    lines = [f"{masters}/one.jpg,street", f"{masters}/two.png,", f"{masters}/a/four.jpg,moon"]
    inventory.write_text("uri,class_id\n" + "\n".join(lines) + "\n")
    report = run(inventory, tmp_path / "out", labelled, "sea")
    assert (report.ok, report.failed) == (2, 1)
    by_name = {row["source_uri"].rpartition("/")[2]: row for row in rows(tmp_path / "out")}
    assert by_name["four.jpg"]["error_class"] == "model_error"
    assert "class_id 'moon' is not a class of this model" in by_name["four.jpg"]["error_message"]
    run(masters, tmp_path / "sea", labelled, "sea")
    run(masters, tmp_path / "street", labelled, "street")
    for name, same in (("one.jpg", "street"), ("two.png", "sea")):
        wanted = {r["source_uri"].rpartition("/")[2]: r["colourfulness"]
                  for r in rows(tmp_path / same)}  # fmt: skip
        assert by_name[name]["colourfulness"] == pytest.approx(wanted[name], abs=0.1)


def test_another_class_in_the_inventory_colours_that_picture_anew(
    masters: Path, tmp_path: Path, labelled: str, tiny_model: str
) -> None:
    inventory = tmp_path / "inventory.csv"

    def job(label: str, ref: str, output: str) -> int:
        inventory.write_text(f"uri,class_id\n{masters}/one.jpg,{label}\n{masters}/two.png,forest\n")
        return int(run(inventory, tmp_path / output, ref).ok)

    assert [job(label, labelled, "out") for label in ("street", "street", "sea")] == [2, 0, 1]
    assert [job(label, tiny_model, "tiny") for label in ("street", "sea")] == [2, 0]


def test_a_class_that_the_model_has_not_is_one_clear_line(
    masters: Path, tmp_path: Path, labelled: str, tiny_model: str
) -> None:
    with pytest.raises(ConfigError, match="class: 'moon' is not a class"):
        run(masters, tmp_path / "out", labelled, "moon")
    with pytest.raises(ConfigError, match="class: chroma_unet has no classes"):
        run(masters, tmp_path / "out", tiny_model, "sea")
    assert not (tmp_path / "out").exists()


@needs_package
def test_a_picture_says_its_class_by_itself(
    known: Path, tmp_path: Path, rows: Rows, imagenet: str
) -> None:
    assert run(known, tmp_path / "auto", imagenet, "auto", 256).ok == 2
    cat, espresso = rows(tmp_path / "auto")
    assert cat["class_auto"] in CATS
    assert espresso["class_auto"] == ESPRESSO
    assert 0.3 < espresso["class_auto_score"] <= 1
    assert (cat["class_id"], cat["flags"]) == ("", [])
    run(known, tmp_path / "number", imagenet, str(ESPRESSO), 256)
    named = rows(tmp_path / "number")
    assert named[1]["derivative_sha256"] != espresso["derivative_sha256"]  # it has the row's id
    assert named[1]["colourfulness"] == espresso["colourfulness"]
    assert named[0]["colourfulness"] != cat["colourfulness"]
    assert named[1]["class_auto"] is None
    assert run(known, tmp_path / "auto", imagenet, "auto", 256).ok == 0  # done, once


@needs_package
def test_a_class_that_somebody_says_is_not_looked_for(
    known: Path, tmp_path: Path, rows: Rows, imagenet: str
) -> None:
    inventory = tmp_path / "inventory.csv"
    inventory.write_text(f"uri,class_id\n{known}/cat.png,7\n{known}/espresso.png,\n")
    assert run(inventory, tmp_path / "out", imagenet, "auto", 256).ok == 2
    cat, espresso = rows(tmp_path / "out")
    assert (cat["class_id"], cat["class_auto"]) == ("7", None)
    assert (espresso["class_id"], espresso["class_auto"]) == ("", ESPRESSO)


def test_auto_where_it_cannot_be_is_one_clear_line(
    known: Path, tmp_path: Path, labelled: str, imagenet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"auto recognises ImageNet's 1,000 classes; .* has 3"):
        run(known, tmp_path / "out", labelled, "auto")
    monkeypatch.setattr(imagenet_file, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--class auto: .*archive-colorizer\[pretrained\]") as e:
        run(known, tmp_path / "out", imagenet, "auto")
    assert "\n" not in str(e.value)
    assert not (tmp_path / "out").exists()
