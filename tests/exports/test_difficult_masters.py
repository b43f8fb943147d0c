"""Masters of every kind go through every form, and the validators of others agree."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from difficult import write_difficult
from exported import files_in
from lxml import etree
from openpyxl import load_workbook
from validators import check_iiif, premis_schema

from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.exports.run import export
from archive_colorizer.exports.table import FORMS
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store

Job = Callable[..., JobConfig]
OPTIONS = {
    "iiif": ExportOptions(tiles=True),
    "bagit": ExportOptions(with_masters=True),
    "sums": ExportOptions(algorithm="md5", rehash_masters=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["tiff", "jpeg", "ptif", "webp"])
def test_every_export_of_every_kind_of_master_is_valid(
    job: Job, masters: Path, tmp_path: Path, form: str
) -> None:
    shutil.rmtree(masters)
    difficult = write_difficult(masters)
    color = {"on_colour": "recolor", "proxy_px": 32, "negatives": "off", "content_box": "off"}
    output = {"format": form, "reversible": form == "jpeg"}
    report = colorize(job(color=color, output=output))
    good = sum(not error for error in difficult.values())
    assert report.ok == good >= 50
    store = open_store(str(tmp_path / "out"))
    for name in FORMS:
        place = open_store(str(tmp_path / name))
        tally = export(store, place, name, OPTIONS.get(name, ExportOptions()))
        assert len(tally.problems) == (name == "master"), (name, tally.problems)

    schema = premis_schema()
    records = files_in(tmp_path / "premis")
    assert len(records) == good
    for name, data in records.items():
        assert schema.validate(etree.fromstring(data)), (name, schema.error_log)
    bagit.Bag(str(tmp_path / "bagit")).validate()
    manifests = list((tmp_path / "iiif" / "manifest").iterdir())
    assert len(manifests) == good
    assert check_iiif(tmp_path / "iiif" / "collection.json", *manifests) == ""
    for path in manifests:
        (canvas,) = json.loads(path.read_text("utf-8"))["items"]
        assert canvas["items"][0]["items"][0]["body"]["type"] == "Choice", path
    (sheet,) = load_workbook(tmp_path / "xlsx" / "pictures.xlsx").worksheets
    assert sheet.max_row == 1 + len(difficult)
    for name, folder in (("derivatives", tmp_path / "out"), ("masters", masters)):
        words = ["md5sum", "--check", "--strict", "--quiet", tmp_path / "sums" / f"{name}.md5"]
        subprocess.run(words, cwd=folder, check=True)
