"""Enlarging what is coloured: size, luminance, provenance, tiles, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tifffile import imread

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.inference import enlarger
from archive_colorizer.inference.enlarger import Enlarger
from archive_colorizer.inference.runner import open_runner
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.costs import loads
from archive_colorizer.pipeline.engines import local
from archive_colorizer.pipeline.engines.transport import pack, unpack
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_models import models_of
from archive_colorizer.pipeline.job_spec import make_spec
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.plan import Resources, plan
from archive_colorizer.pipeline.recipe import recipe_digest
from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps.step import run_batch, set_up
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import open_store
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Rows = Callable[[str | Path], list[dict[str, Any]]]
Job = Callable[..., JobConfig]
RDN = {"blocks": 1, "convolutions": 2, "growth": 4, "features": 4}


@pytest.fixture
def twice(tmp_path: Path) -> str:
    """A small untrained network that enlarges twice."""
    torch.manual_seed(0)
    settings = RDN | {"scale": 2}
    card = ModelCard(name="twice", version="1", family="rdn", config=settings)
    save_model(tmp_path / "twice", MODELS["rdn"].build_from(settings), card)
    return str(tmp_path / "twice")


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_derivatives_are_enlarged_and_say_so(job: Job, form: str, rows: Rows) -> None:
    config = job(color={"upscale": 2}, output={"format": form})
    report = colorize(config)
    assert (report.ok, report.failed) == (5, 0)
    for row in rows(config.output):
        assert (row["derivative_width"], row["derivative_height"]) == (320, 240)
        assert (row["width"], row["height"]) == (160, 120)
        assert row["flags"] == ["enlarged"]
        assert not row["review_needed"]
        assert [step["model_ref"] for step in row["steps"]][1] == "builtin:upscale-x2"
        assert json.loads(row["steps"][0]["params_json"])["upscale"] == 2
        assert row["luminance_mae"] < (1 if form == "jpeg" else 3)
        path = row["derivative_uri"].removeprefix("file://")
        assert b"and smaller" in Path(path).read_bytes()
        with Image.open(path) as image:
            made = luma_of(np.asarray(image.convert("RGB")))
            small = np.asarray(Image.fromarray(made).resize((160, 120), Image.Resampling.BOX))
        with Image.open(row["source_uri"].removeprefix("file://")) as image:
            truth = np.asarray(image.convert("L")).astype(int)
        assert np.abs(small - truth).mean() < 4
    assert not verify(open_store(config.output)).findings
    assert read_job(open_store(config.output))["upscaler"]["name"] == "upscale-x2"
    assert colorize(config).ok == 0


def test_the_print_keeps_its_size(job: Job, masters: Path, twice: str) -> None:
    with Image.open(masters / "two.png") as image:
        image.save(masters / "two.png", dpi=(300, 300))
    config = job(color={"upscale": 2, "upscaler": twice})
    colorize(config)
    with Image.open(Path(config.output) / "two.colorized.jpg") as image:
        assert image.size == (320, 240)
        assert image.info["dpi"] == pytest.approx((600, 600), abs=1)


def test_sixteen_bits_stay_sixteen(job: Job, masters: Path) -> None:
    ramp = np.linspace(10_000, 50_000, 160 * 120).reshape(120, 160).astype(np.uint16)
    Image.fromarray(ramp).save(masters / "deep.tif")
    config = job(color={"upscale": 2}, output={"format": "tiff"},
                 select={"include": ["deep.tif"]})  # fmt: skip
    assert colorize(config).ok == 1
    import tifffile

    made = tifffile.imread(Path(config.output) / "deep.colorized.tif")
    assert made.shape == (240, 320, 3)
    assert made.dtype == np.uint16
    assert len(np.unique(made)) > 1000


def test_other_enlarging_is_another_recipe(job: Job, twice: str) -> None:
    plain = job()
    ways = [plain, job(color={"upscale": 2}), job(color={"upscale": 2, "upscaler": twice}),
            job(color={"upscale": 4})]  # fmt: skip
    digests = [recipe_digest(w, *(m.weights_sha256 for m in models_of(w))) for w in ways]
    assert len(set(digests)) == 4


def test_what_would_be_too_large_is_not_begun(job: Job, rows: Rows) -> None:
    config = job(color={"upscale": 4}, run={"max_megapixels": 0.3})
    report = colorize(config)
    assert (report.ok, report.errors) == (0, {"too_large": 5})
    assert (
        "160 x 120 pixels, enlarged 4 times, are 0 megap" in rows(config.output)[0]["error_message"]
    )


def test_what_does_not_go_together_is_one_clear_line(job: Job, twice: str, tiny_model: str) -> None:
    for color, kind, text in (
        ({"upscaler": twice}, ConfigError, "enlarges nothing without --upscale"),
        ({"upscale": 4, "upscaler": twice}, ConfigError, "enlarges by 2, not by 4"),
        ({"upscale": 2, "upscaler": "builtin:restore"}, ConfigError, "enlarges by 1, not by 2"),
        ({"upscale": 2, "upscaler": tiny_model}, ModelReferenceError, "neither restores nor"),
        ({"upscale": 2, "upscaler": "builtin:x"}, ModelReferenceError, "builtin:x"),
    ):
        with pytest.raises(kind, match=text):
            colorize(job(color=color))


def test_with_gpus_enlarging_is_on_workers_of_its_own(job: Job) -> None:
    config = job(color={"upscale": 2})
    way = steps(make_spec(config, models_of(config), "me"), apart=True)
    assert [step.name for step in way] == [
        "read", "prepare", "colorize", "decode", "upscale", "deliver", "record",
    ]  # fmt: skip
    pools = plan(Resources(cpus=8, gpus=2), loads(way, 1e6))
    assert [pool.gpus for pool in pools] == [0, 0.5, 0, 0.5, 0]
    assert {pool.batch_size for pool in pools} == {1}


@pytest.mark.parametrize("form", ["jpeg", "tiff"])
def test_what_is_enlarged_apart_is_what_its_delivery_would_enlarge(
    job: Job, masters: Path, twice: str, form: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(10_000, 50_000, 160 * 120).reshape(120, 160).astype(np.uint16)
    Image.fromarray(ramp).save(masters / "deep.tif")
    grain = np.random.default_rng(0).normal(120, 8, (120, 160)).clip(0, 255).astype(np.uint8)
    Image.fromarray(grain).save(masters / "lost.jpg", restart_marker_rows=1)
    data = (masters / "lost.jpg").read_bytes()
    first, second = data.find(b"\xff\xd3"), data.find(b"\xff\xd4")
    (masters / "lost.jpg").write_bytes(data[:first] + data[second:])
    output = {"format": form, "watermark": "off"}  # its number is the run's
    config = job(color={"upscale": 2, "upscaler": twice}, output=output)
    found = []
    for apart in (False, True):
        if apart:
            monkeypatch.setattr(local, "steps", partial(steps, apart=True))
        out = f"{config.output}-{apart}"
        colorize(replace(config, output=out))
        pixels = {
            row["source_uri"]: np.asarray(Image.open(path)) if form == "jpeg" else imread(path)
            for row in rows(out)
            if (path := (row["derivative_uri"] or "").removeprefix("file://"))
        }
        compared = ("status", "flags", "decoder_words", "doubt_mean", "luminance_mae")
        columns = {row["source_uri"]: [row[name] for name in compared] for row in rows(out)}
        found.append((pixels, columns))
    (one, facts), (other, same) = found
    assert facts == same
    assert any("damaged" in flags for _, flags, *_ in facts.values())
    assert len(one) == len(other) == 7
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_luminance_travels_in_the_masters_own_samples(
    job: Job, masters: Path, twice: str, dtype: type
) -> None:
    ramp = np.linspace(0, np.iinfo(dtype).max, 160 * 120).reshape(120, 160).astype(dtype)
    Image.fromarray(ramp).save(masters / "ramp.tif")
    config = job(color={"upscale": 2, "upscaler": twice}, run={"report": "off"})
    way = steps(make_spec(config, models_of(config), "me"), apart=True)[:5]
    set_up(way)
    path = masters / "ramp.tif"
    ref = PhotoRef("0" * 64, path.as_uri(), bytes(path), "ramp.jpg", path.stat().st_size)
    table = pack(run_batch(way, [ref]))
    (record,) = unpack(table)
    assert record.luma_hw.shape == (240, 320)
    assert record.luma_hw.dtype == dtype
    assert table.nbytes < record.luma_hw.nbytes + 20_000  # and the master's bytes stay behind
    assert record.prepared.data is None


def test_memory_that_runs_out_in_the_step_that_enlarges_is_a_row_each(
    job: Job, masters: Path, twice: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Enlarger, luma_hw: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(local, "steps", partial(steps, apart=True))
    monkeypatch.setattr(Enlarger, "luma", full)
    config = job(color={"upscale": 2, "upscaler": twice})
    assert colorize(config).errors == {"out_of_memory": 5}
    assert {row["error_class"] for row in rows(config.output)} == {"out_of_memory"}


@pytest.mark.parametrize("name", ["builtin:upscale-x2", "builtin:restore"])
def test_tiles_cannot_be_told_from_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (70, 131, 3)).astype(np.uint8)
    whole = Enlarger(open_runner(resolve(name), "float32"))
    expected = whole(rgb), whole.luma(rgb[..., 0])
    monkeypatch.setattr(enlarger, "TILE_PX", 32)  # more than one tile, of several shapes
    for made, wanted in zip((whole(rgb), whole.luma(rgb[..., 0])), expected, strict=True):
        assert made.shape == wanted.shape
        assert np.abs(made.astype(int) - wanted).max() <= 1
