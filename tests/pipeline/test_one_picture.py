"""`colorize one.jpg out.jpg`: one file is written, and nothing beside it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.one_picture import MAX_XMP_CHARS, colorize_one, is_one_file
from archive_colorizer.pipeline.run import colorize

Said = pytest.CaptureFixture[str]
Run = Callable[..., int]


@pytest.fixture
def run(masters: Path, tmp_path: Path, tiny_model: str) -> Run:
    def do(output: str, *words: str, source: str = "one.jpg") -> int:
        given = ["colorize", str(masters / source), str(tmp_path / "there" / output)]
        return main([*given, "--model", tiny_model, "--proxy-px", "64", *words])

    return do


def labels(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return find_labels(file)


@pytest.mark.parametrize(
    ("name", "form"),
    [("o.jpg", "JPEG"), ("o.JPEG", "JPEG"), ("o.png", "PNG"), ("o.tif", "TIFF")],
)
def test_the_ending_decides_the_format_and_nothing_else_is_left(
    name: str, form: str, run: Run, tmp_path: Path, capsys: Said
) -> None:
    assert run(name) == 0
    assert [path.name for path in (tmp_path / "there").iterdir()] == [name]
    with Image.open(tmp_path / "there" / name) as picture:
        assert (picture.format, picture.size, picture.mode) == (form, (160, 120), "RGB")
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'there' / name}: 160 x 120, mean doubt")


def test_the_pixels_are_those_of_a_job(
    run: Run, job: Callable[..., JobConfig], tmp_path: Path
) -> None:
    assert colorize(job(select={"include": ["one.jpg"]}, output={"format": "png"})).ok == 1
    assert run("o.png") == 0
    (made,) = (tmp_path / "out").glob("*.png")
    one, other = Image.open(made), Image.open(tmp_path / "there" / "o.png")
    assert np.array_equal(np.asarray(one), np.asarray(other))


def test_its_row_is_in_its_xmp_and_as_json_on_stdout(
    run: Run, masters: Path, tmp_path: Path, capsys: Said
) -> None:
    assert run("o.jpg", "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert row["status"] == "ok"
    assert row["source_uri"] == (masters / "one.jpg").as_uri()
    assert row["derivative_uri"] == (tmp_path / "there" / "o.jpg").as_uri()
    said = labels(tmp_path / "there" / "o.jpg")
    assert said["rowId"] == row["row_id"]
    inside = json.loads(said["row"])
    same = ("row_id", "source_sha256", "recipe_json", "steps", "doubt_mean", "dhash64", "version")
    assert {name: inside[name] for name in same} == {name: row[name] for name in same}
    assert not inside.keys() & {"source_uri", "source_path_raw", "node", "derivative_sha256"}
    assert str(tmp_path) not in (tmp_path / "there" / "o.jpg").read_bytes().decode("latin-1")
    assert run("p.jpg", "--publish-paths") == 0
    published = json.loads(labels(tmp_path / "there" / "p.jpg")["row"])
    assert published["source_uri"] == row["source_uri"]


def test_a_row_that_is_too_long_for_a_jpeg_leaves_its_points_out(
    run: Run, masters: Path, tmp_path: Path, capsys: Said
) -> None:
    points = [f"one.jpg,{x},{y},#3366cc" for x in range(60) for y in range(40)]
    (tmp_path / "hints.csv").write_text("\n".join(["path,x,y,colour", *points]))
    assert run("o.jpg", "--json", "--hints", str(tmp_path / "hints.csv")) == 0
    assert len(json.loads(capsys.readouterr().out)["hints"]) > MAX_XMP_CHARS
    assert "hints" not in json.loads(labels(tmp_path / "there" / "o.jpg")["row"])


def test_a_file_that_is_there_is_replaced_only_when_asked(
    run: Run, tmp_path: Path, capsys: Said
) -> None:
    out = tmp_path / "there" / "o.jpg"
    out.parent.mkdir()
    out.write_bytes(b"somebody's")
    assert run("o.jpg") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("is there already: --overwrite replaces it, or give another name")
    assert out.read_bytes() == b"somebody's"
    assert run("o.jpg", "--overwrite") == 0
    assert labels(out)["row"]
    assert [path.name for path in out.parent.iterdir()] == ["o.jpg"]


def test_a_master_is_never_replaced(masters: Path, capsys: Said) -> None:
    before = (masters / "one.jpg").read_bytes()
    (masters / "link.jpg").symlink_to(masters / "one.jpg")
    for name in ("one.jpg", "link.jpg"):
        words = ["colorize", str(masters / "one.jpg"), str(masters / name), "--overwrite"]
        assert main(words) == 2
        assert "OUTPUT may not be SOURCE" in capsys.readouterr().err
    assert (masters / "one.jpg").read_bytes() == before


def test_source_must_be_one_picture(run: Run, masters: Path, tmp_path: Path, capsys: Said) -> None:
    (masters / "list.csv").write_text("uri\none.jpg\n")
    for source in (".", "list.csv"):
        assert run("o.jpg", source=source) == 2
        assert "must be one picture" in capsys.readouterr().err
    assert run("o.jpg", source="nowhere.jpg") == 2
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "png"], "output.format=png: "),
        (["--redo"], "select.redo"),
        (["--adopt"], "select.adopt"),
        (["--pages", "all"], "select.pages=all"),
        (["--engine", "ray"], "run.engine"),
        (["--dry-run"], "--dry-run"),
        (["--bits", "16"], "JPEG has 8 bits"),
    ],
)
def test_settings_that_one_file_cannot_have(
    words: list[str], said: str, run: Run, tmp_path: Path, capsys: Said
) -> None:
    assert run("o.jpg", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "there").exists()


def test_a_picture_that_is_excluded_or_cannot_be_coloured_leaves_no_file(
    run: Run, masters: Path, tmp_path: Path, capsys: Said
) -> None:
    (tmp_path / "no.txt").write_text("one.jpg\n")
    assert run("o.jpg", "--exclude-list", str(tmp_path / "no.txt")) == 2
    assert "excluded" in capsys.readouterr().err
    assert run("o.jpg", "--exclude", "one*") == 2
    rgb = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    Image.fromarray(rgb.repeat(20, 0).repeat(20, 1)).save(masters / "colour.png")
    assert run("o.jpg", source="colour.png") == 3
    assert "not written: " in (said := capsys.readouterr().out)
    assert "in colour already" in said
    (masters / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    assert run("o.jpg", "--json", source="bad.jpg") == 3
    assert json.loads(capsys.readouterr().out)["status"] == "failed"
    assert not (tmp_path / "there" / "o.jpg").exists()


def test_the_words_of_this_form_are_refused_for_a_folder(run: Run, capsys: Said) -> None:
    for word in ("--json", "--overwrite"):
        assert run("folder", word) == 2
        assert "OUTPUT must be one file" in capsys.readouterr().err


def test_which_outputs_are_files(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    for name in ("a.jpg", "a.b.TIF", "s3://bucket/a/b.png"):
        assert is_one_file(name)
    for name in ("a", "a.gif", "a.jpg/", str(tmp_path / "folder.jpg"), "s3://bucket/a/"):
        assert not is_one_file(name)


@pytest.mark.s3
def test_to_and_from_an_object_store(masters: Path, bucket: str, tiny_model: str) -> None:
    from archive_colorizer.pipeline.config import overlay
    from archive_colorizer.storage import open_store

    store = open_store(f"s3://{bucket}/")
    store.write_atomic("scans/one.jpg", (masters / "one.jpg").read_bytes())
    config = JobConfig(source=f"s3://{bucket}/scans/one.jpg", output=f"s3://{bucket}/made/one.png")
    config = overlay(config, {"color": {"model": tiny_model, "proxy_px": 64}}, "test")
    assert colorize_one(config).is_written
    assert [entry.key for entry in store.list()] == ["made/one.png", "scans/one.jpg"]
