"""Every kind of master that can be wrong: one row each, and all others are done."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from processes import command

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]


def gray() -> np.ndarray:
    y, x = np.mgrid[:120, :160]
    return ((x + y) % 256).astype(np.uint8)


def colourful() -> np.ndarray:
    y, x = np.mgrid[:120, :160]
    return np.dstack([(x * 3) % 256, (y * 5) % 256, (x * y) % 256]).astype(np.uint8)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def cut_jpeg(path: Path) -> None:
    Image.fromarray(gray()).save(path, "JPEG")
    cut(path)


def cut_tiff(path: Path) -> None:
    tifffile.imwrite(path, gray())
    cut(path)


def cut_png(path: Path) -> None:
    Image.fromarray(gray()).save(path, "PNG")
    cut(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def html(path: Path) -> None:
    path.write_text("<!doctype html><title>404</title>")


def huge(path: Path) -> None:
    """A PNG whose header alone names 900 megapixels."""
    Image.fromarray(gray()).save(path, "PNG")
    data = bytearray(path.read_bytes())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)


def cmyk(path: Path) -> None:
    Image.fromarray(colourful()).convert("CMYK").save(path, "JPEG")


def cmyk_with_broken_profile(path: Path) -> None:
    Image.fromarray(colourful()).convert("CMYK").save(path, "JPEG", icc_profile=b"no profile")


def in_colour(path: Path) -> None:
    Image.fromarray(colourful()).save(path, "PNG")


TABLE = [
    ("cut.jpg", cut_jpeg, "failed", "truncated"),
    ("cut.tif", cut_tiff, "failed", "truncated"),
    ("cut.png", cut_png, "failed", "truncated"),
    ("empty.jpg", empty, "failed", "unreadable"),
    ("html.jpg", html, "failed", "unreadable"),
    ("huge.png", huge, "failed", "too_large"),
    ("cmyk.jpg", cmyk, "failed", "unsupported"),
    ("cmyk_broken.jpg", cmyk_with_broken_profile, "failed", "bad_icc"),
    ("colour.png", in_colour, "skipped", "already_colour"),
]


def test_each_bad_master_is_one_row_and_the_others_are_done(
    job: Job, masters: Path, rows: Rows
) -> None:
    for name, make, _, _ in TABLE:
        make(masters / name)
    (masters / "dangling.jpg").symlink_to(masters / "nowhere.jpg")
    config = job()
    report = colorize(config)
    assert report.ok == 5
    found = {row["source_uri"].rpartition("/")[2]: row for row in rows(config.output)}
    assert len(found) == 5 + len(TABLE) + 1
    for name, _, status, error_class in TABLE:
        row = found[name]
        assert (row["status"], row["error_class"]) == (status, error_class), name
        assert row["source_uri"] in row["error_message"], name
        assert "\n" not in row["error_message"]
        assert row["derivative_uri"] is None
    assert found["dangling.jpg"]["error_class"] == "missing"


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may read everything"
)
def test_a_master_without_permission_is_unreadable(
    masters: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    """Root reads everything, unless it starts the program without that right."""
    (masters / "one.jpg").chmod(0)
    less = "-dac_override,-dac_read_search"
    drop = ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"] if os.geteuid() == 0 else []
    words = command(masters, tmp_path / "out", tiny_model, "--engine", "local")
    done = subprocess.run([*drop, *words], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    (row,) = (row for row in rows(tmp_path / "out") if row["status"] == "failed")
    assert row["error_class"] == "unreadable"
    assert row["error_message"].endswith("Permission denied")


def test_several_pages_and_animations_give_their_first_page_and_a_flag(
    job: Job, masters: Path, rows: Rows
) -> None:
    with tifffile.TiffWriter(masters / "pages.tif") as tiff:
        tiff.write(gray())
        tiff.write(gray()[::-1])
    frames = [Image.fromarray(np.full((50, 50), v, np.uint8)) for v in (10, 200)]
    frames[0].save(masters / "moving.gif", save_all=True, append_images=frames[1:])
    config = job()
    assert colorize(config).ok == 7
    flags = {row["source_uri"].rpartition("/")[2]: row for row in rows(config.output)}
    for name in ("pages.tif", "moving.gif"):
        assert flags[name]["flags"] == ["multipage"]
        assert flags[name]["n_pages"] == 2
        assert flags[name]["review_needed"]


def test_a_damaged_master_is_coloured_and_a_person_is_asked_to_look(
    job: Job, masters: Path, rows: Rows
) -> None:
    grain = np.random.default_rng(0).normal(0, 8, (600, 800))
    picture = Image.fromarray((120 + grain).clip(0, 255).astype(np.uint8))
    picture.save(masters / "lost.jpg", restart_marker_rows=1)
    data = (masters / "lost.jpg").read_bytes()
    first, second = data.find(b"\xff\xd3"), data.find(b"\xff\xd4")
    (masters / "lost.jpg").write_bytes(data[:first] + data[second:])
    # All blocks after one are darker, and no decoder says so: full size alone shows it.
    shifted = np.asarray(picture).astype(int)
    shifted[:304] += 30
    shifted[304:312, :400] += 30
    shifted = Image.fromarray(shifted.clip(0, 255).astype(np.uint8))
    shifted.save(masters / "shifted.jpg", quality=95)
    config = job()
    assert colorize(config).ok == 7
    found = {row["source_uri"].rpartition("/")[2]: row for row in rows(config.output)}
    for name, words in (("lost.jpg", "marker 0xd4"), ("shifted.jpg", "from row 304 on")):
        row = found.pop(name)
        assert "damaged" in row["flags"], name
        assert row["review_needed"]
        assert words in row["decoder_words"][0]
    for row in found.values():
        assert "damaged" not in row["flags"]
        assert row["decoder_words"] == []


def test_a_kind_that_is_not_read_is_named(job: Job, masters: Path, rows: Rows) -> None:
    (masters / "raw.tif").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(300))
    (masters / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    config = job()
    assert colorize(config).errors == {"unsupported": 2}
    messages = [row["error_message"] for row in rows(config.output) if row["error_message"]]
    assert any("camera raw (Canon CR2)" in text for text in messages)
    assert any("HEIC" in text for text in messages)


def test_colour_masters_are_recoloured_on_request(job: Job, masters: Path) -> None:
    in_colour(masters / "colour.png")
    assert colorize(job(color={"on_colour": "recolor"})).ok == 6


def test_a_fixity_mismatch_is_not_coloured(
    job: Job, masters: Path, tmp_path: Path, rows: Rows
) -> None:
    import hashlib

    good = hashlib.sha256((masters / "two.png").read_bytes()).hexdigest()
    sums = tmp_path / "sums.txt"
    sums.write_text(f"{'0' * 64}  one.jpg\n{good}  two.png\n")
    config = job(select={"fixity": str(sums)})
    assert colorize(config).errors == {"fixity_mismatch": 1}
    fixity = {row["source_uri"].rpartition("/")[2]: row["fixity"] for row in rows(config.output)}
    assert (fixity["one.jpg"], fixity["two.png"]) == ("mismatch", "match")
    assert fixity["three.tif"] == "not_given"
    assert not (Path(config.output) / "one.colorized.jpg").exists()


def test_orientation_is_applied_once(job: Job, masters: Path, rows: Rows) -> None:
    image = Image.fromarray(gray())
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "market square"
    image.save(masters / "turned.jpg", exif=exif, dpi=(300, 200))
    config = job(select={"include": ["turned.jpg"]})
    colorize(config)
    with Image.open(Path(config.output) / "turned.colorized.jpg") as done:
        assert done.size == (120, 160)
        assert done.getexif()[0x0112] == 1
        assert done.getexif()[0x010E] == "market square"
        assert done.info["dpi"] == (200, 300)
        assert done.info["icc_profile"]
        xmp = done.info["xmp"]
        assert b"compositeWithTrainedAlgorithmicMedia" in xmp
        assert rows(config.output)[0]["source_sha256"].encode() in xmp
    upright = np.asarray(Image.open(masters / "turned.jpg").transpose(Image.Transpose.ROTATE_270))
    luma = np.asarray(Image.open(Path(config.output) / "turned.colorized.jpg").convert("L"))
    assert np.abs(upright.astype(int) - luma).mean() < 3


@pytest.mark.parametrize("upscale", [1, 2])
def test_what_no_jpeg_can_hold_is_one_row_and_a_tiff_holds_it(
    job: Job, masters: Path, rows: Rows, upscale: int
) -> None:
    wide = np.tile(gray()[:8], (1, 450))[:, : 66_000 // upscale]
    Image.fromarray(wide).save(masters / "wide.png")
    config = job(color={"upscale": upscale})
    report = colorize(config)
    assert (report.ok, report.errors) == (5, {"too_large": 1})
    (row,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert row["error_message"].endswith(
        f"/wide.png: 66000 x {8 * upscale} pixels: a JPEG has at most 65500 a side; "
        "use --format tiff or png"
    )
    assert not list(Path(config.output).rglob("wide*"))
    if upscale == 1:
        again = {"include": ["wide.png"], "retry_failed": True}
        assert colorize(job(output={"format": "tiff"}, select=again)).ok == 1
