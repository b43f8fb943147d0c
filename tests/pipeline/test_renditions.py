"""Access copies, pyramids and WebP: in step with their rows, and labelled as every derivative."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from again import Job, Rows, differences, work
from PIL import Image, ImageCms

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.status import list_sums
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance.inspection import inspect
from archive_colorizer.provenance.trial_certificates import write_test_certificate
from archive_colorizer.storage import open_store

FORMS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "jpeg"},
    "png": {"format": "png"},
    "tiff": {"format": "tiff"},
    "ptif": {"format": "ptif"},
    "ptif-jpeg": {"format": "ptif", "tiles": "jpeg"},
    "webp": {"format": "webp"},
    "webp-lossless": {"format": "webp", "lossless": True},
}


@pytest.fixture
def one(job: Job, tmp_path: Path) -> JobConfig:
    """A job of one large picture with a resolution, on its side."""
    source = tmp_path / "in" / "box" / "large.jpg"
    source.parent.mkdir(parents=True)
    y, x = np.mgrid[:420, :600]
    grey = (120 + 50 * np.sin(x / 23) + 40 * np.sin(y / 31)).astype(np.uint8)
    exif = Image.Exif()
    exif[274], exif[315] = 6, "A. Photographer"
    Image.fromarray(grey).save(source, dpi=(300, 300), exif=exif)
    return replace(job(color={"negatives": "off"}), source=str(tmp_path / "in"))


def set_output(config: JobConfig, **values: object) -> JobConfig:
    given = tuple(f"output.{name}" for name in values)
    return replace(config, deliver=replace(config.deliver, **values), given=given)


def set_select(config: JobConfig, **values: object) -> JobConfig:
    return replace(config, select=replace(config.select, **values))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


def labels_of(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return find_labels(file)


@pytest.mark.parametrize("form", FORMS)
def test_an_access_copy_is_a_small_jpeg_with_the_same_labels(
    one: JobConfig, rows: Rows, form: str
) -> None:
    config = set_output(one, **FORMS[form], access_px=200)
    assert work(colorize(config)) == (1, 0, 0)
    (row,) = rows(config.output)
    ending = row["derivative_key"].rpartition(".")[2]
    assert ending == {"jpeg": "jpg", "tiff": "tif", "ptif": "tif"}.get(form.split("-")[0], ending)
    assert row["access_key"] == "access/box/large.colorized.jpg"
    path = Path(config.output) / row["access_key"]
    assert path.stat().st_size == row["access_bytes"]
    small, whole = opened(path), opened(Path(config.output) / row["derivative_key"])
    assert (small.format, small.size) == ("JPEG", (140, 200))
    assert whole.size == (420, 600), "upright"
    assert whole.getexif().get(274, 1) == small.getexif().get(274, 1) == 1
    assert whole.getexif()[315] == small.getexif()[315] == "A. Photographer"
    assert small.info["dpi"] == (100, 100), "the print has the size that it had"
    near = np.asarray(whole.convert("RGB").resize(small.size, Image.Resampling.BOX), int)
    assert np.abs(near - np.asarray(small, int)).mean() < 3
    assert small.info["icc_profile"] == whole.info["icc_profile"]
    profile = ImageCms.ImageCmsProfile(io.BytesIO(small.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    full, said = labels_of(Path(config.output) / row["derivative_key"]), labels_of(path)
    assert said == {**full, "rendition": "access"}
    assert said["rowId"] == row["row_id"]
    found = verify(open_store(config.output))
    assert (found.renditions, found.findings) == ({"access": 1}, ())
    assert "1 with an access copy" in found.text()
    assert len(list(list_sums(open_store(config.output)))) == 2
    assert row["luminance_relation"] == "measured"
    assert row["luminance_mae"] < (2.5 if form == "webp" else 2)  # its chroma leaks into luma


def test_a_picture_that_is_small_already_is_not_enlarged(one: JobConfig, rows: Rows) -> None:
    colorize(set_output(one, access_px=2048))
    (row,) = rows(one.output)
    assert opened(Path(one.output) / row["access_key"]).size == (420, 600)


def test_a_visible_mark_stands_on_the_copy_that_is_shown(one: JobConfig, rows: Rows) -> None:
    colorize(set_output(one, mark="strip", access_px=200))
    (row,) = rows(one.output)
    small = opened(Path(one.output) / row["access_key"])
    assert small.size[0] == 140
    assert small.size[1] > 200, "the words stand below it"
    assert row["marked_key"] == "marked/box/large.colorized.jpg"
    assert not differences(one.output)


@pytest.mark.slow
def test_what_is_missing_or_changed_is_made_again_and_what_nobody_wants_goes(
    one: JobConfig, rows: Rows
) -> None:
    config = set_output(one, access_px=200, mark="corner")
    colorize(config)
    (row,) = rows(config.output)
    path = Path(config.output) / row["access_key"]
    path.unlink()
    assert [found.split()[0] for found in differences(config.output)] == ["missing_access"]
    assert work(colorize(config)) == (1, 0, 0)
    with path.open("ab") as file:
        file.write(b"by hand")
    assert [found.split()[0] for found in differences(config.output)] == ["changed_access"]
    assert work(colorize(config)) == (1, 0, 0)
    (kept,) = Path(config.output).glob("history/*/changed/access/box/large.colorized.jpg")
    assert kept.read_bytes().endswith(b"by hand")
    assert work(colorize(replace(config, given=()))) == (0, 0, 0)
    with pytest.raises(ConfigError, match=r"output.access_px is 200 in OUTPUT, 100 was given"):
        colorize(set_output(config, access_px=100))
    assert work(colorize(set_select(set_output(config, access_px=0), redo=True))) == (1, 0, 0)
    assert not path.exists()
    assert (Path(config.output) / "marked").exists()
    assert not differences(config.output)


def test_a_file_of_somebody_else_is_never_replaced(one: JobConfig, rows: Rows) -> None:
    theirs = Path(one.output) / "access" / "box" / "large.colorized.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"a reading copy of ours")
    assert work(colorize(set_output(one, access_px=200))) == (0, 0, 1)
    (row,) = rows(one.output)
    assert "a file that is not this picture's made smaller is there" in row["error_message"]
    assert theirs.read_bytes() == b"a reading copy of ours"


def test_a_pyramid_has_halves_down_to_one_tile(one: JobConfig, rows: Rows) -> None:
    colorize(set_output(one, format="ptif"))
    (row,) = rows(one.output)
    assert row["derivative_mime"] == "image/tiff"
    with tifffile.TiffFile(Path(one.output) / row["derivative_key"]) as tiff:
        levels = tiff.series[0].levels
        assert [level.shape for level in levels] == [(600, 420, 3), (300, 210, 3), (150, 105, 3)]
        assert all(level.keyframe.tile == (256, 256) for level in levels)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "webp", "bits": 16}, "output.bits=16: WebP has 8 bits"),
        ({"format": "ptif", "tiles": "jpeg", "bits": 16}, "output.bits=16: JPEG has 8 bits"),
        (
            {"format": "png", "lossless": True},
            "output.lossless: png has no such form; use --format webp",
        ),
        (
            {"format": "tiff", "tiles": "jpeg"},
            "output.tiles=jpeg: tiff has none; use --format ptif",
        ),
        ({"format": "webp", "reversible": True}, "output.reversible: webp has no such form"),
    ],
)
def test_a_form_that_does_not_exist_is_refused(job: Job, given: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        job(output=given)


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [
        ("out.webp", [], "WEBP"),
        ("out.webp", ["--format", "webp", "--lossless"], "WEBP"),
        ("out.tif", ["--format", "ptif"], "TIFF"),
        ("out.tif", [], "TIFF"),
    ],
)
def test_one_picture_takes_them_by_its_ending(
    one: JobConfig, tiny_model: str, tmp_path: Path, name: str, more: list[str], kind: str
) -> None:
    words = ["colorize", f"{one.source}/box/large.jpg", str(tmp_path / name), *more]
    assert main([*words, "--model", tiny_model]) == 0
    assert opened(tmp_path / name).format == kind
    if kind == "TIFF":
        with tifffile.TiffFile(tmp_path / name) as tiff:
            assert tiff.pages[0].is_tiled is ("ptif" in more)


def test_one_picture_refuses_what_needs_a_folder(
    one: JobConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["colorize", f"{one.source}/box/large.jpg", str(tmp_path / "out.webp")]
    assert main([*words, "--access", "100"]) == 2
    assert "output.access_px=100" in capsys.readouterr().err
    assert main([*words, "--format", "png"]) == 2
    assert "output.format=png" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mark", ["off", "corner", "strip"])
def test_every_form_is_marked_signed_and_inspected(
    one: JobConfig, rows: Rows, tmp_path: Path, form: str, mark: str
) -> None:
    certificate, key = map(str, write_test_certificate(tmp_path / "keys", "es256"))
    config = set_output(one, **FORMS[form], mark=mark, access_px=512, watermark="on")
    config = replace(config, run=replace(config.run, c2pa=certificate, c2pa_key=key))
    assert work(colorize(config)) == (1, 0, 0)
    (row,) = rows(config.output)
    assert row["c2pa_state"] == "signed"
    assert (row["marked_key"] is not None) is (mark != "off")
    for name in ("derivative", "marked", "access"):
        if row[f"{name}_key"] is None:
            continue
        found = inspect(Path(config.output) / row[f"{name}_key"])
        assert not found.error
        assert (found.row_id, found.c2pa.state) == (row["row_id"], "valid")
        assert found.c2pa.said["row_id"] == row["row_id"]
        assert found.xmp["master_sha256"] == row["source_sha256"]
        assert ("luminance" in found.c2pa.said) is (name != "access")
        if name == "derivative":
            assert f"{found.watermark.job:08x}" == row["watermark"]
    assert not differences(config.output)
