"""Points of known colour: their file, their way to the model and into the manifest."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.pipeline.inputs.hints import hint_planes, join_points, read_hints
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store


def written(folder: Path, *lines: str, head: str = "path,x,y,colour") -> str:
    path = folder / "hints.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return str(path)


def test_points_are_gathered_by_picture_in_an_order_of_their_own(tmp_path: Path) -> None:
    lines = ["a.jpg,9,2,#FF0000", "b.jpg,1,1,00ff00", "a.jpg,3,4,#0000ff"]
    one = {hint.name: join_points([hint]) for hint in read_hints(written(tmp_path, *lines))}
    other = read_hints(written(tmp_path, *reversed(lines)))
    assert one == {hint.name: join_points([hint]) for hint in other}
    assert json.loads(one["a.jpg"]) == [[3, 4, "#0000ff"], [9, 2, "#ff0000"]]


@pytest.mark.parametrize("start", ["", "sep=;\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_spreadsheets_file_is_read(tmp_path: Path, encoding: str, start: str) -> None:
    path = tmp_path / "hints.csv"
    text = f'{start}x;Y;Colour;URI;note\r\n1;2;#ff0000;ü.jpg;"a\nb"\r\n'
    path.write_bytes(text.encode(encoding))
    (hint,) = read_hints(str(path))
    assert (hint.name, hint.points) == ("ü.jpg", [(1, 2, "#ff0000")])
    assert hint.where.endswith("hints.csv: row 2")


@pytest.mark.parametrize(
    ("line", "head", "said"),
    [
        ("a.jpg,1,2,blue", "path,x,y,colour", "row 2: not a point"),
        ("a.jpg,-1,2,#ffffff", "path,x,y,colour", "row 2: not a point"),
        ("a.jpg,nan,2,#ffffff", "path,x,y,colour", "row 2: not a point"),
        ("a.jpg,1,2", "path,x,y", "need the columns"),
        ("a.jpg,1,2", "path,x,y,colour", "row 2: has 3 cells, the header has 4"),
        ("a.jpg,1,2,#ffffff,7", "path,x,y,colour", "row 2: has 5 cells, the header has 4"),
        ('"a.jpg,1,2,#ffffff', "path,x,y,colour", "row 2: has a quote that is not closed"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, head: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_hints(written(tmp_path, line, head=head))
    with pytest.raises(ConfigError, match="cannot read the list"):
        read_hints(str(tmp_path / "absent.csv"))


def test_planes_say_where_and_which() -> None:
    planes = hint_planes('[[75, 10, "#cc2020"]]', (50, 100), (32, 64))
    ab = rgb_to_lab(np.array([[[0xCC, 0x20, 0x20]]], np.uint8))[0, 0, 1:]
    assert planes[2].sum() == 9
    assert planes[2, 6, 48] == 1
    assert planes[:2, 6, 48] * 110 == pytest.approx(ab, abs=1e-3)
    assert not planes[:, :, :40].any()
    with pytest.raises(ValueError, match="outside of 100x50"):
        hint_planes('[[100, 10, "#cc2020"]]', (50, 100), (32, 64))


def test_hints_change_their_picture_alone_and_stand_in_the_manifest(
    job: Any, tmp_path: Path, rows: Any
) -> None:
    plain = job()
    colorize(plain)
    before = {row["source_uri"]: row for row in rows(plain.output)}
    hints = written(tmp_path, "./two.png,30,40,#d01010", "no.png,1,1,#ffffff")
    with pytest.raises(ConfigError, match=r"row 3: 'no\.png' names nothing that is listed"):
        colorize(job(select={"hints": hints}))
    hinted = job(select={"hints": hints, "allow_unmatched": True})
    report = colorize(hinted)
    assert (report.ok, report.failed) == (1, 0)
    assert "'no.png' names nothing that is listed" in report.text()
    after = {row["source_uri"]: row for row in rows(plain.output)}
    (changed,) = [uri for uri in after if after[uri]["row_id"] != before[uri]["row_id"]]
    assert changed.endswith("two.png")
    assert json.loads(after[changed]["hints"]) == [[30, 40, "#d01010"]]
    assert after[changed]["derivative_sha256"] != before[changed]["derivative_sha256"]
    assert colorize(hinted).ok == 0  # the same hints: done already
    assert verify(open_store(plain.output)).findings == ()


def test_a_point_outside_fails_its_picture_alone(job: Any, tmp_path: Path, rows: Any) -> None:
    config = job(select={"hints": written(tmp_path, "two.png,5000,40,#d01010")})
    report = colorize(config)
    assert (report.ok, report.failed) == (4, 1)
    (failed,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert "two.png: hint at 5000, 40 lies outside of 160x120" in failed["error_message"]


def test_a_turned_picture_takes_points_as_a_viewer_shows_them(
    job: Any, masters: Path, tmp_path: Path, rows: Any
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees: 120 wide, 160 high
    Image.open(masters / "one.jpg").save(masters / "turned.jpg", exif=exif)
    config = job(select={"hints": written(tmp_path, "turned.jpg,110,150,#d01010")})
    assert colorize(config).failed == 0


def test_a_model_without_hints_refuses_them(job: Any, tmp_path: Path) -> None:
    import torch

    from archive_colorizer.models.table import MODELS
    from archive_colorizer.weights.card import ModelCard
    from archive_colorizer.weights.local import save_model

    settings = {"width": 4}
    card = ModelCard(name="a", version="1", family="autoencoder", config=settings)
    torch.manual_seed(0)
    save_model(tmp_path / "a", MODELS["autoencoder"].build_from(settings), card)
    hints = written(tmp_path, "two.png,5,4,#d01010")
    with pytest.raises(ConfigError, match="--hints: autoencoder takes none"):
        colorize(job(select={"hints": hints}, color={"model": str(tmp_path / "a")}))
