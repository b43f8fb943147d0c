"""Reproducing: derivatives made again from their rows, and compared to the last byte."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from again import Job, Rows, work
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError
from archive_colorizer.inference.batching import Chroma
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.reproduce import reproduce
from archive_colorizer.pipeline.reproduction import DIFFERENT, IDENTICAL, IMPOSSIBLE
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance.trial_certificates import write_test_certificate
from archive_colorizer.storage import DEFAULT_S3, open_store

FORMS: dict[str, dict[str, Any]] = {
    "jpeg": {},
    "png": {"format": "png"},
    "png16": {"format": "png", "bits": 16},
    "tiff": {"format": "tiff"},
    "tiff16": {"format": "tiff", "bits": 16},
    "ptif": {"format": "ptif"},
    "ptif-jpeg": {"format": "ptif", "tiles": "jpeg"},
    "webp": {"format": "webp"},
    "webp-lossless": {"format": "webp", "lossless": True},
    "reversible": {"reversible": True},
}


def again(config: JobConfig, *ids: str, **how: Any) -> list[Any]:
    """The reproductions of some rows, or of all."""
    store = open_store(config.output)
    how = how or ({} if ids else {"sample": 99})
    return list(reproduce(store, ids, s3=DEFAULT_S3, **how).pictures)


def verdicts(config: JobConfig, *ids: str) -> set[str]:
    return {one.verdict for one in again(config, *ids)}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_out_the_same_to_the_last_byte(job: Job, form: str) -> None:
    config = job(
        output={**FORMS[form], "mark": "strip", "access_px": 80, "watermark": "on"},
        color={"negatives": "off"}, select={"include": ("one.jpg", "two.png")},
    )  # fmt: skip
    assert colorize(config).ok == 2
    found = again(config)
    assert [one.verdict for one in found] == [IDENTICAL] * 2
    for one in found:
        assert [each.name for each in one.files] == ["derivative", "marked", "access"]
        assert all(each.same_bytes for each in one.files)
        assert not one.facts


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff16", "ptif", "webp"])
def test_signed_files_are_the_same_but_for_the_signature(
    job: Job, tmp_path: Path, form: str
) -> None:
    certificate, key = map(str, write_test_certificate(tmp_path / "keys", "es256"))
    config = job(
        output={**FORMS[form], "access_px": 80}, select={"include": ("two.png",)},
        run={"c2pa": certificate, "c2pa_key": key},
    )  # fmt: skip
    assert colorize(config).ok == 1
    shutil.rmtree(tmp_path / "keys")
    (one,) = again(config)
    assert one.verdict == IDENTICAL
    assert not any(each.same_bytes for each in one.files)
    assert all(each.text().endswith("its signature is not made again") for each in one.files)


def test_hints_classes_and_redone_rows_are_made_as_they_were(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    config = job(
        color={"vividness": 0.5, "upsampling": "bilinear"},
        select={"include": ("one.jpg", "two.png")},
    )  # fmt: skip
    assert colorize(config).ok == 2
    other = replace(config.color, proxy_px=96)
    one = replace(config, select=replace(config.select, redo=True, include=("two.png",)))
    assert work(colorize(replace(one, color=other))) == (1, 0, 0)
    assert len({row["recipe_sha256"] for row in rows(config.output)}) == 2
    assert verdicts(config) == {IDENTICAL}


def make_more_vivid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model say other colours from then on, as another device's kernels might."""
    from archive_colorizer.inference.colorizer import Colorizer

    ask = Colorizer.__call__

    def other(self: Colorizer, *args: Any) -> list[Any]:
        cells = [one.cells for one in ask(self, *args)]
        return [Chroma(replace(one, cells_hwc=one.cells_hwc * np.float16(1.5))) for one in cells]

    monkeypatch.setattr(Colorizer, "__call__", other)


def test_what_differs_is_said_in_numbers(
    job: Job, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = job(output={"format": "png"}, select={"include": ("two.png",)})
    colorize(config)
    (row,) = rows(config.output)
    path = Path(config.output) / row["derivative_key"]
    (one,) = again(config)
    assert one.verdict == IDENTICAL
    make_more_vivid(monkeypatch)
    (one,) = again(config)
    assert one.verdict == DIFFERENT
    found = one.files[0].difference
    assert 0 < found.share <= 1
    assert 0 < found.mean <= found.largest <= 255
    assert not found.said
    assert "% of the pixels, at most" in "\n".join(one.lines())
    assert "then: device cpu, precision " in "\n".join(one.lines())
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    (one,) = again(config)
    assert one.verdict == IMPOSSIBLE
    assert "the file in OUTPUT is not as recorded" in one.reason


def test_what_cannot_be_made_again_says_why(job: Job, rows: Rows) -> None:
    config = job(run={"keep_model": "off"})
    colorize(config)
    by_name = {row["source_path"]: row["row_id"] for row in rows(config.output)}
    source = Path(config.source)
    (source / "one.jpg").unlink()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(source / "two.png")
    reason = {name: again(config, by_name[name])[0].reason for name in ("one.jpg", "two.png")}
    assert reason["one.jpg"].startswith("cannot be made again: missing: ")
    assert reason["two.png"] == "cannot be made again: its master has other bytes than it had"
    kept = Path(config.color.model)
    moved = kept.rename(kept.with_name("moved"))
    try:
        (found,) = again(config, by_name["a/four.jpg"])
    finally:
        moved.rename(kept)
    assert found.verdict == IMPOSSIBLE
    assert "its weights are not kept, and" in found.reason
    with pytest.raises(ConfigError, match="--id nobody: is the id of no row"):
        again(config, "nobody")


def test_output_is_only_read(job: Job) -> None:
    config = job(output={"access_px": 64}, select={"include": ("one.jpg",)})
    colorize(config)
    before = {path: path.stat().st_mtime_ns for path in Path(config.output).rglob("*")}
    assert verdicts(config) == {IDENTICAL}
    assert {path: path.stat().st_mtime_ns for path in Path(config.output).rglob("*")} == before


def test_a_sample_is_drawn_by_its_seed(job: Job) -> None:
    config = job(color={"negatives": "off"})
    colorize(config)
    drawn = [[one.row_id for one in again(config, sample=2, seed=seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(again(config, sample=50)) == 5


def test_a_house_of_its_own_mark_needs_its_key(job: Job, tmp_path: Path) -> None:
    key = tmp_path / "mark.key"
    key.write_bytes(b"of this house")
    source = tmp_path / "in"
    source.mkdir()
    y, x = np.mgrid[:300, :400]
    Image.fromarray(((x + 2 * y) % 256).astype(np.uint8)).save(source / "large.png")
    config = job(
        output={"watermark": "on", "format": "png"}, run={"watermark_key": str(key)},
    )  # fmt: skip
    config = replace(config, source=str(source))
    assert colorize(config).ok == 1
    assert verdicts(config) == {IDENTICAL}
    key.rename(tmp_path / "elsewhere.key")
    (one,) = again(config)
    assert (one.verdict, "watermark_key" in one.reason) == (IMPOSSIBLE, True)
    (one,) = again(config, sample=1, watermark_key=str(tmp_path / "elsewhere.key"))
    assert one.verdict == IDENTICAL


def test_the_command_ends_with_0_only_if_all_are_identical(
    job: Job, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    config = job(color={"negatives": "off"})
    colorize(config)
    words = ["reproduce", config.output]
    assert main([*words, "--sample", "3", "--seed", "7"]) == 0
    said = capsys.readouterr().out
    assert "3 identical (a sample drawn with seed 7)" in said
    assert "were taken from the rows" in said
    (Path(config.source) / "one.jpg").unlink()
    one = rows(config.output)
    lost = next(row["row_id"] for row in one if row["source_path"] == "one.jpg")
    kept = next(row["row_id"] for row in one if row["source_path"] == "two.png")
    assert main([*words, "--id", lost, "--id", kept, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["identical"]
    assert {item["verdict"] for item in found["pictures"]} == {IDENTICAL, IMPOSSIBLE}
    assert main(words) == 2
    assert "give --id ROW, or --sample N" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_of_a_ray_job_are_the_same(job: Job) -> None:
    config = job()
    words = ["colorize", config.source, config.output, "--model", config.color.model]
    words += ["--engine", "ray", "--batch-size", "4", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "archive_colorizer", *words], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [one.verdict for one in again(config)] == [IDENTICAL] * 5


@pytest.mark.slow
def test_a_batch_is_made_again_though_one_of_it_was_redone_since(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the colours hang on the batch, as they do, by a last digit, in float32."""
    from archive_colorizer.inference.colorizer import Colorizer

    ask = Colorizer.__call__

    def other(self: Colorizer, pictures: list[Any], size: int) -> list[Any]:
        scale = np.float16(1 + 0.1 * len(pictures))
        cells = [one.cells for one in ask(self, pictures, size)]
        return [Chroma(replace(one, cells_hwc=one.cells_hwc * scale)) for one in cells]

    monkeypatch.setattr(Colorizer, "__call__", other)
    config = job(select={"include": ("one.jpg", "two.png")}, output={"format": "png"})
    assert colorize(config).ok == 2
    redo = replace(config.select, redo=True, include=("two.png",))
    assert colorize(replace(config, select=redo)).ok == 1
    one, two = sorted(again(config), key=lambda one: one.name)
    assert (one.verdict, one.batch, two.verdict, two.batch) == (IDENTICAL, 2, IDENTICAL, 1)
    assert one.alone.difference.share > 0
    said = "\n".join(one.lines())
    assert "with the 2 pictures of the batch that it was recorded with" in said
    assert "alone, derivative: " in said


@pytest.mark.s3
def test_an_output_in_an_object_store_is_reproduced(job: Job, bucket: str) -> None:
    config = job(select={"include": ("one.jpg",)}, output={"access_px": 64})
    config = replace(config, output=f"s3://{bucket}/colour")
    assert colorize(config).ok == 1
    (one,) = again(config)
    assert one.verdict == IDENTICAL, one.reason
