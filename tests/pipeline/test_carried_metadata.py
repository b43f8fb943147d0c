"""What derivatives of a whole job say: of their masters, of us, and nothing of this house."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import described
import pytest
from PIL import Image

from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


def written(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "out").rglob("*.colorized.*") if path.is_file()]


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_derivatives_name_their_place_below_source_and_no_path_of_this_house(
    form: str, job: Job, masters: Path, rows: Rows, tmp_path: Path
) -> None:
    (masters / "a" / "desk.jpg").write_bytes(described.master("jpeg"))
    assert colorize(job(output={"format": form})).is_clean
    files = written(tmp_path)
    assert len(files) == 6
    house = str(tmp_path).encode()
    for path in files:
        data = path.read_bytes()
        assert house not in data
        assert b"file://" not in data
        with path.open("rb") as file:
            labels = find_labels(file)
        assert "sourceUri" not in labels
        assert (masters / labels["sourcePath"]).is_file()
    desk = next(row for row in rows(tmp_path / "out") if row["source_uri"].endswith("desk.jpg"))
    assert desk["flags"] == []
    assert b"NoC-CR/1.0/" in (tmp_path / "out" / desk["derivative_key"]).read_bytes()


def test_who_wants_full_paths_gets_them(job: Job, tmp_path: Path, rows: Rows) -> None:
    assert colorize(job(output={"publish_paths": True})).is_clean
    for row in rows(tmp_path / "out"):
        with (tmp_path / "out" / row["derivative_key"]).open("rb") as file:
            labels = find_labels(file)
        assert labels["sourceUri"] == row["source_uri"]
        assert row["source_uri"].endswith(labels["sourcePath"])


def test_a_master_outside_of_its_inventorys_folder_is_told_by_its_name_and_object_id(
    job: Job, masters: Path, rows: Rows, tmp_path: Path
) -> None:
    (tmp_path / "lists").mkdir()
    listed = tmp_path / "lists" / "inventory.csv"
    with listed.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows([["uri", "object_id"], [str(masters / "a" / "four.jpg"), "F-1931-0042"]])
    config = replace(job(), source=str(listed))
    assert colorize(config).ok == 1
    (row,) = rows(tmp_path / "out")
    with (tmp_path / "out" / row["derivative_key"]).open("rb") as file:
        labels = find_labels(file)
    assert (labels["sourcePath"], labels["objectId"]) == ("four.jpg", "F-1931-0042")


def test_what_cannot_be_carried_is_a_flag_and_the_rest_is_there(
    job: Job, masters: Path, rows: Rows, tmp_path: Path
) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]>' + described.XMP
    (masters / "bomb.jpg").write_bytes(described.master("jpeg", xmp=bomb))
    made = described.exif()
    made[0x0128] = 2
    block = made.tobytes().replace(b"\1\x28\0\3\0\0\0\1\0\2\0\0", b"\1\x28\0\4\0\0\0\1\xff\xff\0\0")
    (masters / "unit.jpg").write_bytes(described.jpeg(exif_block=block))
    assert colorize(job()).is_clean
    for name in ("bomb", "unit"):
        row = next(
            row for row in rows(tmp_path / "out") if row["source_uri"].endswith(f"{name}.jpg")
        )
        assert row["flags"] == ["metadata_lost"]
        assert row["review_needed"]
        path = tmp_path / "out" / row["derivative_key"]
        with Image.open(path) as image:
            exif = image.getexif()
        assert exif[271] == "Scanner"
        assert exif.get_ifd(0x8769)[0x9003] == "1931:06:14 00:00:00"
        assert row["dpi_x"] is None
        assert described.ARTIST.encode() in path.read_bytes()
