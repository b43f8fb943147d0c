from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import Constant

from archive_colorizer.evaluation.release import default_check
from archive_colorizer.evaluation.release.default_check import check, largest_sector, photographs


def lab_of_hues(*degrees: float, chroma: float = 20.0) -> np.ndarray:
    hue = np.radians(degrees)
    return np.stack((np.full(len(hue), 50.0), chroma * np.cos(hue), chroma * np.sin(hue)), -1)[None]


def test_the_dependencies_bring_photographs() -> None:
    assert {"china.jpg", "flower.jpg", "astronaut.png", "chelsea.png"} <= photographs().keys()


def test_a_sector_may_begin_anywhere_and_pass_the_red_axis() -> None:
    assert largest_sector(lab_of_hues(350, 355, 5, 20, 180)) == pytest.approx(0.8)
    assert largest_sector(lab_of_hues(10, 130, 250)) == pytest.approx(1 / 3)


def test_pale_pixels_do_not_count() -> None:
    pale = lab_of_hues(90, 100, 200, chroma=3)
    assert largest_sector(pale) == 1
    both = np.concatenate((pale, lab_of_hues(0, 180, 181)), axis=1)
    assert largest_sector(both) == pytest.approx(2 / 3)


def test_one_hue_for_everything_does_not_pass(tmp_path: Path) -> None:
    Image.new("RGB", (70, 90), (120, 130, 140)).save(tmp_path / "flat.png")
    module = Constant(20, 20).train()
    (row,) = check(module, files={"flat.png": tmp_path / "flat.png"})
    assert row.mean_chroma == pytest.approx(np.hypot(20, 20), abs=1)
    assert row.largest_sector == 1
    assert not default_check.passed([row])
    assert module.training


def test_no_colour_does_not_pass(tmp_path: Path) -> None:
    Image.new("RGB", (70, 90), (120, 130, 140)).save(tmp_path / "flat.png")
    (row,) = check(Constant(0, 0), files={"flat.png": tmp_path / "flat.png"})
    assert row.mean_chroma == pytest.approx(0, abs=0.1)
    assert not default_check.passed([row])


def test_the_bounds_are_those_that_were_asked_for() -> None:
    def row(chroma: float, sector: float) -> default_check.CheckRow:
        return default_check.CheckRow("x", chroma, sector, 20.0)

    assert default_check.passed([row(8.01, 0.95), row(8.01, 0.85)])
    assert not default_check.passed([row(8.0, 0.5), row(20.0, 0.5)])
    assert not default_check.passed([row(20.0, 0.95), row(20.0, 0.86)])
