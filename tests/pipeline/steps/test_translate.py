"""Translations: another picture in the master's place, and said so everywhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Rows = Callable[[str | Path], list[dict[str, Any]]]


def model(folder: Path, family: str, settings: dict[str, Any]) -> str:
    torch.manual_seed(0)
    card = ModelCard(name=family, version="1", family=family, config=settings)
    save_model(folder / family, MODELS[family].build_from(settings), card)
    return str(folder / family)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Masters in colour and in grey, of odd sizes, with a resolution."""
    folder = tmp_path / "masters"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, shape in (
        ("colour.png", (121, 163, 3)),
        ("grey.jpg", (200, 131)),
        ("s.png", (70, 66, 3)),
    ):
        pixels = rng.integers(0, 256, shape).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name, dpi=(300, 300))
    return folder


def job(archive: Path, folder: Path, ref: str, **sections: dict[str, Any]) -> JobConfig:
    base = JobConfig(source=str(archive), output=str(folder))
    color = {"model": ref, "proxy_px": 64, "restore": "off"}
    quick = {"color": color, "run": {"engine": "local"}}
    return overlay(overlay(base, quick, "test"), sections, "test")


CYCLE = {"width": 4, "blocks": 1, "domains": ["night", "day"]}


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_every_master_is_replaced_and_it_says_so(
    archive: Path, tmp_path: Path, rows: Rows, form: str
) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    report = colorize(job(archive, tmp_path / "out", ref, output={"format": form}))
    assert (report.ok, report.failed) == (3, 0)
    for row in rows(tmp_path / "out"):
        assert row["status"] == "ok"
        assert row["flags"] == ["translated"]
        assert not row["review_needed"]
        assert row["luminance_mae"] is None
        assert row["doubt_mean"] is None
        assert row["steps"][0]["op"] == "cyclegan"
        path = Path(row["derivative_uri"].removeprefix("file://"))
        with Image.open(path) as image:
            assert image.size == (row["derivative_width"], row["derivative_height"])
            assert min(image.size) == 64
            assert image.mode == "RGB"
            assert "dpi" not in image.info or image.info["dpi"][0] in (0, 1)
        said = path.read_bytes()
        assert b"compositeWithTrainedAlgorithmicMedia" in said
        assert b"it shows a time of day, season or style" in said
        assert b"black and white" not in said
    assert not verify(open_store(str(tmp_path / "out"))).findings
    again = colorize(job(archive, tmp_path / "out", ref, output={"format": form}))
    assert again.ok == 0


def test_pixels_are_what_the_model_makes(archive: Path, tmp_path: Path, rows: Rows) -> None:
    ref = model(tmp_path, "autoencoder_translate", {"width": 4})
    colorize(job(archive, tmp_path / "out", ref, output={"format": "png"},
                 run={"precision": "float32"}))  # fmt: skip
    row = next(row for row in rows(tmp_path / "out") if row["source_uri"].endswith("colour.png"))
    with Image.open(row["derivative_uri"].removeprefix("file://")) as image:
        made = np.asarray(image)
    import cv2

    with Image.open(archive / "colour.png") as image:
        size = (made.shape[1], made.shape[0])
        source = cv2.resize(np.asarray(image), size, interpolation=cv2.INTER_AREA)
    from archive_colorizer.registry.resolve import load, resolve

    tensor = torch.from_numpy(source).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        wanted = load(resolve(ref)).translate(tensor).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    inside = (slice(0, 40), slice(0, 40))  # padding differs at the far edges
    assert np.abs(made[inside].astype(float) - wanted[inside]).mean() < 6


def test_two_way_models_go_back(archive: Path, tmp_path: Path, rows: Rows) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    colorize(job(archive, tmp_path / "forth", ref))
    colorize(job(archive, tmp_path / "back", ref, color={"back": True}))
    first, second = (
        [row["derivative_sha256"] for row in rows(tmp_path / name)] for name in ("forth", "back")
    )
    assert set(first).isdisjoint(second)


def test_what_a_model_cannot_do_is_refused(archive: Path, tmp_path: Path) -> None:
    one_way = model(tmp_path, "autoencoder_translate", {"width": 4})
    with pytest.raises(ConfigError, match="translates one way only"):
        colorize(job(archive, tmp_path / "out", one_way, color={"back": True}))
    enlarger = model(tmp_path, "rdn", {"blocks": 1, "convolutions": 1, "growth": 4, "features": 4})
    with pytest.raises(ModelReferenceError, match="rdn neither colours nor translates"):
        colorize(job(archive, tmp_path / "out2", enlarger))
    assert not (tmp_path / "out2").exists()
    plain = model(tmp_path, "autoencoder", {"width": 4})
    with pytest.raises(ConfigError, match="one colour for each pixel"):
        colorize(job(archive, tmp_path / "out3", plain, color={"vividness": 0.5}))


RDN = {"blocks": 1, "convolutions": 1, "growth": 4, "features": 4}


def derivatives(folder: Path, rows: Rows) -> dict[str, np.ndarray]:
    found = {}
    for row in rows(folder):
        with Image.open(row["derivative_uri"].removeprefix("file://")) as image:
            found[row["source_uri"].rpartition("/")[2]] = np.asarray(image).astype(int)
    return found


def test_a_translation_is_restored_and_both_models_stand_in_the_row(
    archive: Path, tmp_path: Path, rows: Rows
) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    restorer = model(tmp_path, "rdn", RDN | {"scale": 2})
    report = colorize(job(archive, tmp_path / "out", ref, color={"restore": restorer}))
    assert report.ok == 3
    for row in rows(tmp_path / "out"):
        assert [step["op"] for step in row["steps"]] == ["cyclegan", "rdn"]
        assert row["steps"][1]["model_ref"] == restorer
        assert row["steps"][0]["weights_sha256"] != row["steps"][1]["weights_sha256"]
        assert min(row["derivative_width"], row["derivative_height"]) == 128
    assert read_job(open_store(str(tmp_path / "out")))["restorer"]["name"] == "rdn"
    again = colorize(job(archive, tmp_path / "out", ref, color={"restore": restorer}))
    assert again.ok == 0
    plain = job(archive, tmp_path / "out", ref, color={"restore": "off"})
    with pytest.raises(ConfigError, match=r"color\.restore is rdn 1 in OUTPUT, none was given"):
        colorize(plain)
    again = colorize(replace(plain, select=replace(plain.select, redo=True)))
    assert again.ok == 3  # without restoration it is another picture


def test_edges_are_sharpened_after_it(archive: Path, tmp_path: Path, rows: Rows) -> None:
    ref = model(tmp_path, "autoencoder_translate", {"width": 4})
    plain, sharp = ({"restore": "off", "sharpen": amount} for amount in (0.0, 1.0))
    for name, color in (("plain", plain), ("sharp", sharp)):
        colorize(job(archive, tmp_path / name, ref, color=color, output={"format": "png"}))
    before, after = (derivatives(tmp_path / name, rows) for name in ("plain", "sharp"))
    assert after["colour.png"].std() > before["colour.png"].std()


def test_what_colours_is_neither_restored_nor_sharpened(archive: Path, tmp_path: Path) -> None:
    plain = model(tmp_path, "autoencoder", {"width": 4})
    restorer = model(tmp_path, "rdn", RDN)
    with pytest.raises(ConfigError, match="restore: autoencoder colours"):
        colorize(job(archive, tmp_path / "a", plain, color={"restore": restorer}))
    with pytest.raises(ConfigError, match="sharpen: autoencoder colours"):
        colorize(job(archive, tmp_path / "a", plain, color={"sharpen": 0.5}))
    ref = model(tmp_path, "cyclegan", CYCLE)
    with pytest.raises(ModelReferenceError, match="autoencoder neither restores nor enlarges"):
        colorize(job(archive, tmp_path / "a", ref, color={"restore": plain}))
    assert not (tmp_path / "a").exists()


def test_a_translation_is_restored_by_itself(archive: Path, tmp_path: Path, rows: Rows) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    config = JobConfig(source=str(archive), output=str(tmp_path / "out"))
    sections = {"color": {"model": ref, "proxy_px": 64}, "run": {"engine": "local"}}
    assert colorize(overlay(config, sections, "test")).ok == 3
    for row in rows(tmp_path / "out"):
        assert [step["model_ref"] for step in row["steps"]] == [ref, "builtin:restore"]
        assert min(row["derivative_width"], row["derivative_height"]) == 64


@pytest.mark.parametrize(("name", "color"), [("vividness", {"vividness": 0.3}),
                                             ("class", {"label": "sea"})])  # fmt: skip
def test_what_belongs_to_colours_is_refused(
    archive: Path, tmp_path: Path, name: str, color: dict[str, Any]
) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    with pytest.raises(ConfigError, match=f"{name}: cyclegan makes another picture"):
        colorize(job(archive, tmp_path / "a", ref, color=color))
    assert not (tmp_path / "a").exists()


def test_the_homomorphic_filter_prepares_a_translation_and_glare_is_refused(
    archive: Path, tmp_path: Path, rows: Rows
) -> None:
    ref = model(tmp_path, "cyclegan", CYCLE)
    made = []
    for name in ("plain", "filtered"):
        filtered = {"homomorphic": name == "filtered"}
        assert colorize(job(archive, tmp_path / name, ref, color=filtered)).ok == 3
        made.append([row["derivative_sha256"] for row in rows(tmp_path / name)])
    assert not set(made[0]) & set(made[1])
    for section, values in (("color", {"glare": "flag"}), ("output", {"reversible": True})):
        (key,) = values
        with pytest.raises(ConfigError, match=f"{key}: cyclegan makes another picture"):
            colorize(job(archive, tmp_path / "no", ref, **{section: values}))
