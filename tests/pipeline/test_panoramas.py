"""`--projection` in a job: panoramas without a seam, their metadata, and what stays as it was."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import panoramas
import pytest
from PIL import Image

import archive_colorizer as ac
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.blocks import read_blocks
from archive_colorizer.imaging.gpano import read_gpano
from archive_colorizer.pipeline.config import ColorConfig, JobConfig
from archive_colorizer.pipeline.engines import local
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.output.layout import read_job, write_job
from archive_colorizer.pipeline.recipe import recipe
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store
from archive_colorizer.weights.card import ModelCard

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]
HEIGHT = 160
PLAIN = {"format": "png", "watermark": "off"}  # the mark is another for each run


@pytest.fixture
def sphere(masters: Path) -> Path:
    """The only masters: a panorama in three formats, and a bare picture of the same."""
    for path in [path for path in masters.rglob("*") if path.is_file()]:
        path.unlink()
    pixels = panoramas.draw_panorama(HEIGHT)
    for ending in ("jpg", "png", "tif"):
        panoramas.save(pixels, masters / f"{ending}.{ending}", panoramas.gpano(2 * HEIGHT, HEIGHT))
    panoramas.save(pixels, masters / "bare.png")
    return masters


def made(output: Path, row: dict[str, Any]) -> np.ndarray:
    with Image.open(output / row["derivative_key"]) as picture:
        return np.asarray(picture)


def named(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["source_uri"].rpartition("/")[2]: row for row in rows}


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_panoramas_have_no_seam_and_keep_their_metadata(
    form: str, job: Job, sphere: Path, rows: Rows, tmp_path: Path
) -> None:
    assert colorize(job(output={"format": form, "watermark": "off"})).ok == 4
    found = named(rows(tmp_path / "out"))
    for name in ("jpg.jpg", "png.png", "tif.tif"):
        row = found[name]
        assert row["projection"] == "equirectangular"
        assert row["flags"] == []
        assert row["content_box_score"] is None
        seam = panoramas.seam_of(tmp_path / "out" / row["derivative_key"])
        assert seam.over <= seam.inside
        with (tmp_path / "out" / row["derivative_key"]).open("rb") as file:
            kept = read_gpano(read_blocks(file))
        with (sphere / name).open("rb") as file:
            assert kept == read_gpano(read_blocks(file))
        assert kept["ProjectionType"] == "equirectangular"
    assert found["bare.png"]["projection"] == "flat"
    bare = panoramas.seam_of(tmp_path / "out" / found["bare.png"]["derivative_key"])
    assert form == "jpeg" or bare.over > 2 * seam.over  # coding has steps of that size, too
    assert abs(row["luminance_mae"] - found["bare.png"]["luminance_mae"]) < 0.3


def test_what_was_called_a_panorama_and_is_none_is_flagged(
    job: Job, sphere: Path, rows: Rows, tmp_path: Path
) -> None:
    Image.fromarray(panoramas.draw_panorama(HEIGHT)[:, :300]).save(sphere / "cut.png")
    assert colorize(job(color={"projection": "equirectangular"})).ok == 5
    found = named(rows(tmp_path / "out"))
    assert found["cut.png"]["projection"] == "flat"
    assert found["cut.png"]["flags"] == ["not_panorama"]
    assert found["cut.png"]["review_needed"]
    assert {row["projection"] for name, row in found.items() if name != "cut.png"} == {
        "equirectangular"
    }


def test_flat_asks_no_metadata_and_an_output_of_before_stays_flat(
    job: Job, sphere: Path, rows: Rows, tmp_path: Path
) -> None:
    config = job(color={"projection": "flat"})
    assert colorize(config).ok == 4
    assert {row["projection"] for row in rows(tmp_path / "out")} == {"flat"}
    store = open_store(config.output)
    record = read_job(store)
    del record["own"]["settings"]["color"]["projection"]  # as an earlier version left it
    write_job(store, record)
    panoramas.save(
        panoramas.draw_panorama(HEIGHT, 1), sphere / "new.png", panoramas.gpano(2 * HEIGHT, HEIGHT)
    )
    assert colorize(job()).ok == 1
    assert {row["projection"] for row in rows(tmp_path / "out")} == {"flat"}


def test_the_recipe_of_flat_jobs_is_that_of_before() -> None:
    flat, auto = (
        recipe(JobConfig(source="in", output="out", color=ColorConfig(projection=how)), "w")
        for how in ("flat", "auto")
    )
    assert auto["color"].pop("projection") == "auto"
    assert flat == auto


@pytest.mark.parametrize("glare", ["repair", "repair-luminance"])
def test_glare_over_the_seam_is_repaired_from_both_sides(
    glare: str, job: Job, sphere: Path, rows: Rows, tmp_path: Path
) -> None:
    for path in sphere.glob("*.*"):
        path.unlink()
    gray = panoramas.draw_panorama(256) * 0.6
    y, x = np.mgrid[:256, :512]
    away = np.hypot(y - 120, (x - 4 + 256) % 512 - 256)
    lit = np.clip(gray + 260 * np.exp(-((away / 22) ** 2)), 0, 255).astype(np.uint8)
    panoramas.save(lit, sphere / "lit.png", panoramas.gpano(512, 256))
    config = job(color={"glare": glare, "proxy_px": 128}, output=PLAIN)
    assert colorize(config).ok == 1
    (row,) = rows(tmp_path / "out")
    assert "glare" in row["flags"]
    pixels = made(tmp_path / "out", row)
    seam = panoramas.measure_seam(pixels)
    assert seam.over <= seam.inside
    luma = pixels.astype(float).mean(2)[100:140]
    inside = np.abs(np.diff(luma, axis=1)).mean(0)
    assert np.abs(luma[:, 0] - luma[:, -1]).mean() <= np.percentile(inside, 99)


def test_a_reversible_panorama_has_no_seam(
    job: Job, sphere: Path, rows: Rows, tmp_path: Path
) -> None:
    turned = Image.Exif()
    for orientation in (3, 6):
        turned[0x0112] = orientation
        pixels = panoramas.draw_panorama(HEIGHT)
        pixels = np.rot90(pixels) if orientation == 6 else pixels
        xmp = panoramas.gpano(2 * HEIGHT, HEIGHT)
        Image.fromarray(pixels).save(sphere / f"{orientation}.jpg", exif=turned, xmp=xmp)
    assert colorize(job(output={"reversible": True, "watermark": "off"})).ok == 6
    found = named(rows(tmp_path / "out"))
    for name in ("jpg.jpg", "3.jpg", "6.jpg"):
        row = found[name]
        assert row["projection"] == "equirectangular"
        assert row["reversible"] is (name != "6.jpg")
        seam = panoramas.seam_of(tmp_path / "out" / row["derivative_key"])
        assert seam.over <= seam.inside


@pytest.mark.parametrize("apart", [False, True])
def test_enlarged_panoramas_say_their_new_size(
    apart: bool, job: Job, sphere: Path, rows: Rows, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(local, "steps", partial(steps, apart=apart))
    config = job(color={"upscale": 2, "upscaler": "builtin:upscale-x2"},
                 select={"include": ["*.jpg"]}, output=PLAIN)  # fmt: skip
    assert colorize(config).ok == 1
    (row,) = rows(tmp_path / "out")
    pixels = made(tmp_path / "out", row)
    assert pixels.shape == (2 * HEIGHT, 4 * HEIGHT, 3)
    with (tmp_path / "out" / row["derivative_key"]).open("rb") as file:
        assert read_gpano(read_blocks(file))["FullPanoWidthPixels"] == str(4 * HEIGHT)
    seam = panoramas.measure_seam(pixels)
    assert seam.over <= seam.inside
    luma = pixels.astype(float).mean(2)
    inside = np.abs(np.diff(luma, axis=1)).mean(0)
    assert np.abs(luma[:, 0] - luma[:, -1]).mean() <= inside.max()


def test_translations_refuse_it(job: Job, tmp_path: Path) -> None:
    import torch

    from archive_colorizer.models.table import MODELS
    from archive_colorizer.weights.local import save_model

    settings = {"width": 4}
    card = ModelCard(name="a", version="1", family="autoencoder_translate", config=settings)
    torch.manual_seed(0)
    save_model(tmp_path / "a", MODELS["autoencoder_translate"].build_from(settings), card)
    with pytest.raises(ConfigError, match="projection: autoencoder_translate makes another"):
        colorize(job(color={"model": str(tmp_path / "a"), "projection": "equirectangular"}))


def test_the_api_takes_it(tiny_model: str) -> None:
    gray = panoramas.draw_panorama(HEIGHT)
    flat = ac.Colorizer.load(tiny_model, proxy_px=64)(gray)
    round_ = ac.Colorizer.load(tiny_model, proxy_px=64, projection="equirectangular")(gray)
    assert round_.chroma.shape == flat.chroma.shape == (64, 128, 2)
    assert round_.doubt.shape == flat.doubt.shape
    seams = [panoramas.measure_seam(one.to_array()) for one in (round_, flat)]
    assert seams[0].over <= seams[0].inside
    assert seams[1].over > 2 * seams[0].over


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_photographic_panoramas_with_hints_at_the_seam(
    form: str, tmp_path: Path, rows: Rows
) -> None:
    source = tmp_path / "masters"
    source.mkdir()
    lines = ["path,x,y,colour"]
    for name, rgb in panoramas.panoramas(1024):
        gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
        panoramas.save(gray, source / f"{name}.png", panoramas.gpano(2048, 1024))
        lines += [f"{name}.png,{x},500,#2040c0" for x in (6, 2040)]
    (tmp_path / "hints.csv").write_text("\n".join(lines))
    for number, hints in enumerate(({}, {"hints": tmp_path / "hints.csv"})):
        output = tmp_path / str(number)
        report = ac.colorize(source, output, format=form, engine="local", **hints)
        assert report.ok == len(lines) // 2
        for row in rows(output):
            pixels = made(output, row)
            seam = panoramas.seam_of(output / row["derivative_key"])
            # A hint's strong colours are at the seam alone, and so are its coding errors.
            most = 1.25 if hints and form == "jpeg" else 1
            assert seam.over <= most * seam.inside, row["source_uri"]
            assert panoramas.spread_of_rows(pixels, 3) < 1.5
