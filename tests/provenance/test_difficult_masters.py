"""Masters of every kind: signed, verified, inspected; exiftool and C2PA's reader say the same."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from difficult import write_difficult
from exiftool import AI_FIELDS, EXIFTOOL, WHY, ask, version

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance.inspection import inspect
from archive_colorizer.storage import open_store

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


def ask_exiftool(paths: list[Path]) -> dict[str, dict[str, Any]]:
    if not EXIFTOOL:
        pytest.skip(WHY)
    if version() < AI_FIELDS:
        pytest.skip("this exiftool does not know the AI fields")
    found = ask(paths, "-XMP-iptcExt:all", "-Error")
    return {Path(one["SourceFile"]).name: one for one in found}


@pytest.fixture
def difficult(masters: Path) -> dict[str, str]:
    """Writes some sixty masters; name -> error class, empty where it can be coloured."""
    shutil.rmtree(masters)
    return write_difficult(masters)


@pytest.mark.slow
def test_each_has_its_outcome_and_all_readers_agree(
    signing_job: Job, difficult: dict[str, str], masters: Path, rows: Rows,
    tmp_path: Path,
) -> None:  # fmt: skip
    assert len(difficult) >= 50
    color = {"on_colour": "recolor", "proxy_px": 32, "negatives": "off", "content_box": "off"}
    report = colorize(signing_job(color=color, output={"format": "tiff"}))
    found = {Path(row["source_path"]).name: row for row in rows(tmp_path / "out")}
    assert {name: row["error_class"] for name, row in found.items()} == difficult
    assert report.ok == sum(not error for error in difficult.values())
    checked = verify(open_store(str(tmp_path / "out")))
    assert not checked.findings
    assert f"{report.ok:,} signatures hold" in checked.expected

    done = {name: row for name, row in found.items() if row["status"] == "ok"}
    paths = [tmp_path / "out" / row["derivative_key"] for row in done.values()]
    for path, row in zip(paths, done.values(), strict=True):
        said = inspect(path)
        assert (said.error, said.row_id, said.c2pa.state) == ("", row["row_id"], "valid")
        assert said.xmp["digital_source_type"] == DIGITAL_SOURCE_TYPE
        assert said.c2pa.said["master"]["sha256"] == row["source_sha256"]
    for name, error in difficult.items():
        assert bool(inspect(masters / name).error) == bool(error), name

    told = ask_exiftool(paths)
    for path in paths:
        one = told[path.name]
        assert "Error" not in one
        assert one["DigitalSourceType"] == DIGITAL_SOURCE_TYPE
        assert one["AISystemUsed"] == "archive-colorizer, model tiny"
        assert one["AISystemVersionUsed"].endswith(", model 1")
