"""A job with `--reversible`, what `verify` says of it, and `export --as master`."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from archive_colorizer.cli.main import main
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize

Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


def grey(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        picture.draft("L", None)
        return np.asarray(picture)


@pytest.fixture
def turned(masters: Path) -> Path:
    """A master that lies on its side, of odd sides, with a density."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = masters / "turned.jpg"
    pixels = np.random.default_rng(3).integers(60, 200, (10, 13)).astype(np.uint8)
    whole = Image.fromarray(pixels).resize((131, 101))
    whole.save(path, exif=exif, dpi=(300, 200), progressive=True)
    return path


def test_luminance_is_the_masters_and_the_rows_say_so(
    job: Job, turned: Path, rows: Rows, tmp_path: Path
) -> None:
    report = colorize(job(output={"reversible": True}))
    assert (report.ok, report.failed) == (6, 0)
    out = tmp_path / "out"
    kept = 0
    for row in rows(out):
        is_jpeg = row["source_uri"].endswith(".jpg")
        assert row["reversible"] is is_jpeg
        assert row["flags"] == ([] if is_jpeg else ["not_reversible"])
        assert not row["review_needed"]
        if not is_jpeg:
            assert row["luminance_relation"] == "measured"
            continue
        kept += 1
        assert row["luminance_relation"] == "identical_coefficients"
        assert row["luminance_mae"] == row["luminance_p99"] == 0
        made = out / row["derivative_key"]
        master = Path(row["source_uri"].removeprefix("file://"))
        assert np.array_equal(grey(made), grey(master))
        with Image.open(made) as picture:
            assert picture.mode == "RGB"
            assert np.asarray(picture.convert("YCbCr"))[..., 1:].std() > 0
            if master == turned:
                assert picture.size == (131, 101) == (
                    row["derivative_width"], row["derivative_height"])  # fmt: skip
                assert picture.getexif()[0x0112] == 6
                assert tuple(map(round, picture.info["dpi"])) == (300, 200)
    assert kept == 3


def test_words_stand_upright_on_a_picture_that_is_kept_on_its_side(
    job: Job, turned: Path, rows: Rows, tmp_path: Path
) -> None:
    marks = {"mark": "strip", "watermark": "on"}
    colorize(job(output={"reversible": True, **marks}))
    (row,) = (one for one in rows(tmp_path / "out") if one["source_uri"] == turned.as_uri())
    assert row["reversible"]
    with Image.open(tmp_path / "out" / row["marked_key"]) as picture:
        assert picture.getexif().get(0x0112, 1) == 1
        assert picture.width == 101
        assert picture.height > 131
        shown = np.asarray(picture.convert("L")).astype(int)[:131]
    with Image.open(turned) as master:
        upright = np.asarray(ImageOps.exif_transpose(master)).astype(int)
    assert np.abs(shown[:124] - upright[:124]).mean() < 2  # the strip shares the last blocks


def test_verify_sees_luminance_that_is_no_longer_the_masters(
    job: Job, masters: Path, rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert colorize(job(output={"reversible": True}, select={"include": ["one.jpg"]})).ok == 1
    out = tmp_path / "out"
    assert main(["verify", str(out)]) == 0
    (row,) = rows(out)
    made = out / row["derivative_key"]
    with Image.open(io.BytesIO(made.read_bytes())) as picture:
        picture.save(made, quality=90, subsampling=2)
    capsys.readouterr()
    assert main(["verify", str(out)]) == 3
    said = capsys.readouterr().out
    assert f"changed_luminance: {row['derivative_uri']}" in said
    assert "2 differences" in said


def test_export_gives_the_grey_pictures_back(
    job: Job, turned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert colorize(job(output={"reversible": True}, select={"include": ["*.jpg"]})).ok == 3
    out, dest = tmp_path / "out", tmp_path / "dest"
    assert main(["export", str(out), str(dest), "--as", "master"]) == 0
    assert capsys.readouterr().out == "files written: 3\n"
    masters = turned.parent
    found = sorted(str(path.relative_to(dest)) for path in dest.rglob("*.grey.jpg"))
    assert found == ["a/four.grey.jpg", "one.grey.jpg", "turned.grey.jpg"]
    for name in found:
        master, given = masters / name.replace(".grey", ""), dest / name
        with Image.open(given) as picture, Image.open(master) as wanted:
            assert picture.mode == "L"
            assert picture.getexif().get(0x0112) == wanted.getexif().get(0x0112)
            assert np.array_equal(np.asarray(picture), np.asarray(wanted))
            assert picture.quantization == wanted.quantization
        assert b"arcol:" not in given.read_bytes()
    (dest / "one.grey.jpg").write_bytes(b"somebody's")
    assert main(["export", str(out), str(dest), "--as", "master"]) == 3
    assert "one.grey.jpg: was changed since it was written; it is left" in capsys.readouterr().out
    assert (dest / "one.grey.jpg").read_bytes() == b"somebody's"
    for place in (out / "here", masters / "here"):
        assert main(["export", str(out), str(place), "--as", "master"]) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--format", "png"], "output.reversible: png has no such form"),
        (["--upscale", "2"], "reversible: --upscale 2 changes the luminance"),
        (["--glare", "repair-luminance"], "reversible: --glare repair-luminance changes"),
    ],
)
def test_what_would_change_the_luminance_is_refused_in_one_line(
    words: list[str], why: str, masters: Path, tiny_model: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    told = ["colorize", str(masters), str(tmp_path / "out"), "--model", tiny_model, "--reversible"]
    assert main([*told, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert why in line
    assert not (tmp_path / "out").exists()
