"""Jobs over prints beside colour and over negatives: what is delivered, and what the rows say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.beside import Part
from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.imaging.negative import curve_of
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps.colorize import within_part
from archive_colorizer.storage import open_store
from tests.support.pages import page_with_print

Rows = Callable[[str | Path], list[dict[str, Any]]]
Job = Callable[..., JobConfig]
PROXY = {"proxy_px": 128}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    return folder


def run(job: Job, source: Path, rows: Rows, **sections: dict[str, Any]) -> list[dict[str, Any]]:
    color = PROXY | sections.pop("color", {})
    config = replace(job(color=color, **sections), source=str(source))
    colorize(config)
    assert verify(open_store(config.output)).findings == ()
    return rows(config.output)


def picture(row: dict[str, Any]) -> np.ndarray:
    path = row["derivative_uri"].removeprefix("file://")
    return tifffile.imread(path) if path.endswith("tif") else np.asarray(Image.open(path))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("ground", "beside"), [("cream", ""), ("brown", ""), ("white", "target")])
def test_a_print_is_coloured_and_its_surround_kept(
    job: Job, source: Path, rows: Rows, depth: int, ground: str, beside: str
) -> None:
    page, corners = page_with_print(ground, tilt=1.5, beside=beside)
    master = page if depth == 8 else page.astype(np.uint16) * 257
    tifffile.imwrite(source / "page.tif", master, photometric="rgb")
    (row,) = run(job, source, rows, output={"format": "tiff"})
    assert (row["status"], row["tone_class"]) == ("ok", "neutral")
    x, y, w, h = row["content_box"]
    assert np.allclose((x, y, x + w, y + h), (*corners.min(0), *corners.max(0)), atol=5)
    assert row["content_box_tilt"] == pytest.approx(1.5, abs=0.6)
    assert 0.5 <= row["content_box_score"] <= 1
    assert "colour_beside" not in row["flags"]
    made = picture(row)
    assert made.dtype == master.dtype
    away = np.ones(page.shape[:2], bool)
    away[max(0, y - 2) : y + h + 2, max(0, x - 2) : x + w + 2] = False
    assert (made[away] == master[away]).all()
    assert (made[100:200, 100:250] != master[100:200, 100:250]).any()


def test_a_turned_page_is_done_upright(job: Job, source: Path, rows: Rows) -> None:
    page, corners = page_with_print("orange")
    Image.fromarray(np.rot90(page, 1)).save(source / "page.png", exif=_turned(6))
    (row,) = run(job, source, rows, output={"format": "png"})
    x, y, w, h = row["content_box"]
    assert np.allclose((x, y, x + w, y + h), (*corners.min(0), *corners.max(0)), atol=5)
    assert (picture(row)[300:, :] == page[300:, :]).all()


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def test_off_is_as_it_was(job: Job, source: Path, rows: Rows) -> None:
    page, _ = page_with_print("white", beside="target")
    Image.fromarray(page).save(source / "page.png")
    (row,) = run(job, source, rows, color={"content_box": "off"})
    assert (row["status"], row["error_class"]) == ("skipped", "already_colour")
    assert row["content_box"] is None
    assert row["content_box_score"] is None


def test_an_unsure_page_is_not_skipped_in_silence(job: Job, source: Path, rows: Rows) -> None:
    page, _ = page_with_print("black", beside="target")
    page[30:280, 30:380] = 24
    Image.fromarray(page).save(source / "page.png")
    (row,) = run(job, source, rows)
    assert (row["status"], row["error_class"]) == ("skipped", "already_colour")
    assert row["flags"] == ["colour_beside"]
    assert row["review_needed"]
    assert "beside colour" in row["error_message"]


def test_a_colour_photograph_stays_what_it_is(job: Job, source: Path, rows: Rows) -> None:
    Image.fromarray(dict(colour_photographs())["coffee"]).save(source / "coffee.png")
    (row,) = run(job, source, rows)
    assert (row["error_class"], row["flags"]) == ("already_colour", [])


def test_an_enlarged_page_keeps_its_colours(job: Job, source: Path, rows: Rows) -> None:
    page, _ = page_with_print("orange", size=(200, 240), place=(20, 20, 180, 130))
    Image.fromarray(page).save(source / "page.png")
    (row,) = run(job, source, rows, color={"upscale": 2}, output={"format": "png"})
    made = picture(row)
    assert made.shape == (400, 480, 3)
    assert np.abs(made[320:].mean((0, 1)) - page[160:].mean((0, 1))).max() < 3


def test_points_are_moved_with_the_print_and_refused_beside_it() -> None:
    part = Part.of(Bounds(20, 30, 100, 80, 0.0), (200, 200))
    assert json.loads(within_part('[[25, 40, "#ff0000"]]', part)) == [[5, 10, "#ff0000"]]
    with pytest.raises(ValueError, match="lies beside the print"):
        within_part('[[5, 5, "#ff0000"]]', part)


@pytest.fixture
def negatives(source: Path) -> Path:
    for name in ("china", "rocket"):
        gray = cv2.cvtColor(dict(colour_photographs())[name], cv2.COLOR_RGB2GRAY)
        Image.fromarray(255 - gray).save(source / f"{name}.png")
    return source


def test_negatives_go_to_review(job: Job, negatives: Path, rows: Rows) -> None:
    for row in run(job, negatives, rows, output={"format": "png"}):
        assert row["status"] == "ok"
        assert "negative" in row["flags"]
        assert row["review_needed"]
        assert row["negative_curve"] == ""
        assert row["negative_score"] > 0.5
        assert row["luminance_mae"] < 3


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_an_inverted_negative_is_delivered_as_a_positive(
    job: Job, negatives: Path, rows: Rows, form: str
) -> None:
    color = {"negatives": "invert"}
    for row in run(job, negatives, rows, color=color, output={"format": form}):
        master = luma_of(np.asarray(Image.open(row["source_uri"].removeprefix("file://"))))
        positive = curve_of(row["negative_curve"])(master)
        made = luma_of(picture(row))
        assert np.abs(made.astype(int) - positive).mean() < 4
        assert np.corrcoef(made.ravel(), master.ravel())[0, 1] < -0.8
        assert row["luminance_mae"] < 4  # compared with the positive
        assert "negative" in row["flags"]


def test_off_looks_for_no_negatives(job: Job, negatives: Path, rows: Rows) -> None:
    for row in run(job, negatives, rows, color={"negatives": "off"}):
        assert row["negative_score"] is None
        assert "negative" not in row["flags"]


def test_a_negative_on_a_page_is_turned_in_its_place(job: Job, source: Path, rows: Rows) -> None:
    gray = cv2.cvtColor(dict(colour_photographs())["astronaut"], cv2.COLOR_RGB2GRAY)
    page, _ = page_with_print("orange")
    page[30:280, 30:380] = 255 - cv2.resize(gray, (350, 250))[..., None]
    Image.fromarray(page).save(source / "page.png")
    color = {"negatives": "invert"}
    (row,) = run(job, source, rows, color=color, output={"format": "png"})
    assert "negative" in row["flags"]
    made = luma_of(picture(row))
    assert (picture(row)[300:] == page[300:]).all()
    inside = made[60:250, 60:350].ravel(), luma_of(page)[60:250, 60:350].ravel()
    assert np.corrcoef(*inside)[0, 1] < -0.8


def test_positives_are_no_negatives(job: Job, source: Path, rows: Rows) -> None:
    for name in ("astronaut", "coffee", "chelsea"):
        gray = cv2.cvtColor(dict(colour_photographs())[name], cv2.COLOR_RGB2GRAY)
        Image.fromarray(gray).save(source / f"{name}.jpg")
    for row in run(job, source, rows):
        assert "negative" not in row["flags"]
