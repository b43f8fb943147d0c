"""`--glare` and `--homomorphic` in a job: what they change, and what they leave."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.imaging.glare import read_glare_png
from archive_colorizer.pipeline.config import ColorConfig, JobConfig
from archive_colorizer.pipeline.recipe import recipe_digest
from archive_colorizer.pipeline.run import colorize

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture
def lamp(masters: Path) -> Path:
    """The only master: spots of every size, with the reflection of a lamp."""
    for path in [path for path in masters.rglob("*") if path.is_file()]:
        path.unlink()
    rng = np.random.default_rng(0)
    spots = [s * cv2.GaussianBlur(rng.normal(0, s, (192, 256)), (0, 0), s) for s in (1, 2, 4, 8)]
    gray = np.clip(95 + 3 * np.sum(spots, 0), 0, 200)
    y, x = np.mgrid[:192, :256]
    light = 300 * np.exp(-((np.hypot(y - 80, x - 150) / 22) ** 2))
    path = masters / "lamp.png"
    Image.fromarray(np.clip(gray + light, 0, 255).astype(np.uint8)).save(path)
    return path


def made_by(job: Job, rows: Rows, tmp_path: Path, name: str, **color: object) -> tuple[Any, Any]:
    """The row and the pixels of a run into a folder of its own."""
    config = job(color=color, output={"format": "png", "watermark": "off"})  # its number is a run's
    out = tmp_path / name
    assert colorize(JobConfig(**{**_fields(config), "output": str(out)})).ok == 1
    (row,) = rows(out)
    with Image.open(out / row["derivative_key"]) as picture:
        return row, np.asarray(picture).astype(int)


def _fields(config: JobConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in JobConfig.__dataclass_fields__}


@pytest.mark.slow
def test_a_reflection_is_flagged_and_only_its_place_repaired(
    lamp: Path, job: Job, rows: Rows, tmp_path: Path
) -> None:
    off, plain = made_by(job, rows, tmp_path, "off", upsampling="bilinear", proxy_px=128)
    assert off["glare_share"] is off["glare_map"] is None
    assert "glare" not in off["flags"]
    flagged, same = made_by(
        job, rows, tmp_path, "flag", glare="flag", upsampling="bilinear", proxy_px=128
    )
    assert np.array_equal(same, plain)
    assert "glare" in flagged["flags"]
    assert flagged["review_needed"]
    mask = read_glare_png(flagged["glare_map"])
    assert flagged["glare_share"] == pytest.approx(mask.mean(), abs=1e-4)
    repaired, chroma = made_by(
        job, rows, tmp_path, "repair", glare="repair", upsampling="bilinear", proxy_px=128
    )
    scale = plain.shape[0] / mask.shape[0]
    near = np.asarray(Image.fromarray(mask).resize(plain.shape[1::-1], Image.Resampling.NEAREST))
    grown = near.copy()
    for step in range(1, round(9 * scale) + 1):  # two cells of the network
        for axis in (0, 1):
            grown |= np.roll(near, step, axis) | np.roll(near, -step, axis)
    assert (~grown).mean() > 0.3
    assert not np.array_equal(chroma, plain)
    assert np.array_equal(chroma[~grown], plain[~grown])
    assert repaired["luminance_mae"] == pytest.approx(off["luminance_mae"], abs=0.3)
    taken, light = made_by(
        job, rows, tmp_path, "luma", glare="repair-luminance", upsampling="bilinear", proxy_px=128
    )
    assert light[80, 150].mean() < plain[80, 150].mean() - 30
    assert np.abs(light - plain)[~grown].max() <= 1  # chroma is fitted to the luma of its cell
    assert taken["luminance_relation"] == "measured_after_change"
    assert repaired["luminance_relation"] == "measured"
    assert taken["recipe_sha256"] != repaired["recipe_sha256"] != off["recipe_sha256"]


def test_the_homomorphic_filter_is_for_the_model_alone(
    lamp: Path, job: Job, rows: Rows, tmp_path: Path
) -> None:
    plain, before = made_by(job, rows, tmp_path, "plain")
    row, after = made_by(job, rows, tmp_path, "filtered", homomorphic=True)
    assert not np.array_equal(before, after)
    assert abs(row["luminance_mae"] - plain["luminance_mae"]) < 0.5
    gains = {"homomorphic_low": 1.0, "homomorphic_high": 1.0}
    _, left = made_by(job, rows, tmp_path, "left", homomorphic=True, **gains)
    assert np.array_equal(before, left)
    _, other = made_by(job, rows, tmp_path, "other", homomorphic=True, homomorphic_cutoff=0.2)
    assert not np.array_equal(after, other)


def test_gains_count_only_where_the_filter_is_on() -> None:
    off = JobConfig(source="in", output="out", color=ColorConfig(homomorphic_low=0.9))
    on = JobConfig(
        source="in", output="out", color=ColorConfig(homomorphic_low=0.9, homomorphic=True)
    )
    plain = JobConfig(source="in", output="out")
    assert recipe_digest(off, "w") == recipe_digest(plain, "w") != recipe_digest(on, "w")


def test_a_parameter_table_has_both(tmp_path: Path, lamp: Path, tiny_model: str,
                                    capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    table = tmp_path / "table.csv"
    table.write_text(
        "CATEGORY,PARAM_NAME,PARAM_VALUE,USE_YN\n"
        "COMMON,HOMOMORPHIC,Y,Y\nCOMMON,HOMOCUTOFF,0.05,Y\nCOMMON,GLARE,flag,Y\nCOMMON,RESOL,64,Y\n"
    )
    told = ["colorize", str(lamp), str(tmp_path / "one.png"), "--model", tiny_model]
    assert main([*told, "--params", str(table), "--json"]) == 0
    said = capsys.readouterr().out
    assert '\\"homomorphic\\":true' in said
    assert '\\"homomorphic_cutoff\\":0.05' in said
    assert "homomorphic_low" not in said
    assert '\\"glare\\":\\"flag\\"' in said
