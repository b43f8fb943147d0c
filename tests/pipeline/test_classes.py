"""Class labels: from the command line, from an inventory, by number and by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.biggan import init_orthogonal
from archive_colorizer.models.catalog import class_number
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Rows = Callable[[str | Path], list[dict[str, Any]]]

SETTINGS = {
    "resolution": 32, "ch": 4, "n_classes": 3, "shared_dim": 6, "dim_z": 24,
    "classes": ["sea", "Forest", "street"],
}  # fmt: skip


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("labelled")
    torch.manual_seed(0)
    module = MODELS["biggan_inversion"].build_from(SETTINGS)
    init_orthogonal(module)
    card = ModelCard(name="l", version="1", family="biggan_inversion", config=SETTINGS)
    save_model(folder, module, card)
    return str(folder)


def run(source: Path, output: Path, ref: str, label: str = "") -> Any:
    config = JobConfig(source=str(source), output=str(output))
    sections = {
        "color": {"model": ref, "proxy_px": 64, "label": label},
        "run": {"engine": "local"},
        "output": {"format": "png"},
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
