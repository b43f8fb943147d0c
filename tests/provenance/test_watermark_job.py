"""A job that marks: derivatives and rows say the same number, by the published or a house's key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance.watermark import read

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture
def marking_job(job: Job, masters: Path) -> Job:
    """As `job`, on one photograph that is large enough, and small drawn ones."""
    grey = Image.fromarray(load_sample_image("china.jpg")).convert("L")
    grey.resize((900, 600)).save(masters / "china.png")

    def make(**sections: dict[str, Any]) -> JobConfig:
        include = {"include": ("china.png", "one.jpg")}
        base = {"color": {"proxy_px": 256}, "select": include, "run": {"engine": "local"}}
        given = {name: base.get(name, {}) | one for name, one in sections.items()}
        return job(**base | given)

    return make


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_a_derivative_says_the_number_that_its_row_has(
    form: str, marking_job: Job, rows: Rows, tmp_path: Path
) -> None:
    assert colorize(marking_job(output={"format": form})).ok  # it is on by default
    found = {Path(row["source_uri"]).name: row for row in rows(tmp_path / "out")}
    row, small = found["china.png"], found["one.jpg"]
    assert row["watermark"] == row["job_id"][-8:]
    with Image.open(tmp_path / "out" / row["derivative_key"]) as image:
        assert read(np.asarray(image)).job == int(row["watermark"], 16)
    assert small["status"] == "ok"
    assert small["watermark"] is None


def test_a_house_has_its_own_key(marking_job: Job, rows: Rows, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"of this house\n")
    asked = marking_job(output={"watermark": "on"}, run={"watermark_key": str(key)})
    assert colorize(asked).ok
    row = next(row for row in rows(tmp_path / "out") if row["watermark"])
    with Image.open(tmp_path / "out" / row["derivative_key"]) as image:
        rgb = np.asarray(image)
    assert read(rgb, b"of this house").job == int(row["watermark"], 16)
    assert not read(rgb).found


@pytest.mark.parametrize("content", [None, b" \n"])
def test_a_key_that_is_none_is_said_in_one_line(
    content: bytes | None, marking_job: Job, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_bytes(content)
    asked = marking_job(output={"watermark": "on"}, run={"watermark_key": str(key)})
    with pytest.raises(ConfigError, match=r"run\.watermark_key=.*key: (cannot be read|is empty)"):
        colorize(asked)
    assert not list((tmp_path / "out").rglob("*.colorized.*"))


def test_without_it_rows_and_recipe_are_as_before(
    marking_job: Job, rows: Rows, tmp_path: Path
) -> None:
    assert colorize(marking_job(output={"watermark": "off"})).ok
    for row in rows(tmp_path / "out"):
        assert row["watermark"] is None
        assert "watermark" not in json.loads(row["recipe_json"])["output"]
