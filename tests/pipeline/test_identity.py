"""What OUTPUT remembers of its pages: who they are, whose each derivative is, how it was made."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from again import Job, Rows, differences, files, grey, history, work
from PIL import Image

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.status import list_sums
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store
from archive_colorizer.storage.location import path_of_uri

# --- who a page is


def test_a_touched_master_keeps_its_row_and_nothing_is_coloured(
    job: Job, masters: Path, rows: Rows
) -> None:
    config = job()
    colorize(config)
    before, made = rows(config.output), files(config.output)
    for path in masters.rglob("*.*"):
        os.utime(path, ns=(1, 1_000_000_001))
    report = colorize(config)
    assert (work(report), report.touched, report.already) == ((0, 0, 0), 5, 5)
    after = rows(config.output)
    assert [row["row_id"] for row in after] == [row["row_id"] for row in before]
    assert {row["source_mtime"].timestamp() for row in after} == {1.0}
    assert files(config.output) == made
    assert not history(config.output)
    assert colorize(config).touched == 0


def test_a_changed_master_of_the_same_size_and_name_is_done_again(
    job: Job, masters: Path, rows: Rows
) -> None:
    Image.fromarray(np.full((40, 40), 80, np.uint8)).save(masters / "flat.bmp")
    config = job(select={"include": ["flat.bmp"]})
    colorize(config)
    (before,) = rows(config.output)
    Image.fromarray(np.full((40, 40), 120, np.uint8)).save(masters / "flat.bmp")
    assert work(colorize(config)) == (1, 0, 0)
    (after,) = rows(config.output)
    assert after["source_bytes"] == before["source_bytes"]
    assert after["source_sha256"] != before["source_sha256"]
    assert after["row_id"] != before["row_id"]
    assert [row["row_id"] for row in history(config.output)] == [before["row_id"]]
    assert after["derivative_key"] == before["derivative_key"]
    assert not differences(config.output)


def test_masters_move_and_their_rows_follow(job: Job, masters: Path, rows: Rows) -> None:
    config = job()
    colorize(config)
    before, made = rows(config.output), files(config.output)
    moved = masters.rename(masters.parent / "new mount")
    store = open_store(config.output)
    assert relocate(store, str(masters), str(moved)) == (5, 0)
    report = colorize(replace(config, source=str(moved)))
    assert (work(report), report.already) == ((0, 0, 0), 5)
    after = rows(config.output)
    assert [row["row_id"] for row in after] == [row["row_id"] for row in before]
    assert all(path_of_uri(row["source_uri"]).is_file() for row in after)
    assert all(os.fsdecode(row["source_path_raw"]).startswith(str(moved)) for row in after)
    assert files(config.output) == made
    assert {row["source_uri"] for row in history(config.output)} == {
        row["source_uri"] for row in before
    }
    for row in after:
        with path_of_uri(row["derivative_uri"]).open("rb") as file:
            assert find_labels(file)["rowId"] == row["row_id"]
    assert not differences(config.output)


def test_a_relocation_that_would_mix_pages_is_refused(job: Job, masters: Path) -> None:
    config = job()
    colorize(config)
    copy = shutil.copytree(masters, masters.parent / "copy")
    colorize(replace(config, source=str(copy)))
    store = open_store(config.output)
    with pytest.raises(LocationError, match="5 pictures there have a row already"):
        relocate(store, str(masters), str(copy))
    with pytest.raises(LocationError, match=r"no row of .* names anything there"):
        relocate(store, str(masters.parent / "nowhere"), str(copy))
    with pytest.raises(LocationError, match="the same place"):
        relocate(store, str(masters), f"{masters}/")
    with pytest.raises(LocationError, match="no job there"):
        relocate(open_store(str(masters)), "/a", "/b")
    assert not differences(config.output)


def test_a_name_that_begins_alike_is_not_moved(job: Job, tmp_path: Path, rows: Rows) -> None:
    grey(tmp_path / "in" / "box" / "a.png")
    grey(tmp_path / "in" / "box2" / "a.png")
    config = replace(job(), source=str(tmp_path / "in"))
    colorize(config)
    store = open_store(config.output)
    assert relocate(store, str(tmp_path / "in" / "box"), "s3://bucket/masters")[0] == 1
    uris = [row["source_uri"] for row in rows(config.output)]
    assert uris == [(tmp_path / "in/box2/a.png").as_uri(), "s3://bucket/masters/a.png"]
    assert sorted(row["source_path_raw"] for row in rows(config.output))[1] == b"masters/a.png"


def test_a_new_master_where_a_moved_one_was_gets_an_id_of_its_own(
    job: Job, tmp_path: Path, rows: Rows
) -> None:
    old = grey(tmp_path / "in" / "a.png")
    config = replace(job(), source=str(tmp_path / "in"))
    colorize(config)
    stat = old.stat()
    (tmp_path / "later").mkdir()
    shutil.move(old, tmp_path / "later" / "a.png")
    relocate(open_store(config.output), str(tmp_path / "in"), str(tmp_path / "later"))
    shutil.copy(tmp_path / "later" / "a.png", old)
    os.utime(old, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert colorize(config).ok == 1
    found = rows(config.output)
    assert len({row["row_id"] for row in found}) == len(found) == 2
    assert len(files(config.output)) == 2
    assert not differences(config.output)


def test_output_moves_and_is_known_again(job: Job, rows: Rows, tmp_path: Path) -> None:
    config = job()
    colorize(config)
    made = files(config.output)
    moved = replace(config, output=str(Path(config.output).rename(tmp_path / "elsewhere")))
    report = colorize(moved)
    assert (work(report), report.already) == ((0, 0, 0), 5)
    assert files(moved.output) == made
    assert not differences(moved.output)


def test_verify_finds_masters_where_they_are_now(job: Job, masters: Path) -> None:
    config = job()
    colorize(config)
    moved = masters.rename(masters.parent / "vault")
    (moved / "two.png").unlink()
    (moved / "one.jpg").write_bytes(b"rotten")
    report = verify(open_store(config.output), masters=str(moved))
    assert [finding.what for finding in report.findings] == ["changed_master"]
    assert report.masters == 4
    assert report.expected == (f"1 masters are not in {moved}: weeded",)
    assert len(verify(open_store(config.output)).findings) == 5


# --- a derivative belongs to a row


def test_two_sources_of_the_same_names_keep_their_derivatives(
    job: Job, tmp_path: Path, rows: Rows
) -> None:
    grey(tmp_path / "boxA" / "001.png", 20)
    grey(tmp_path / "boxB" / "001.png", 120)
    config = job()
    colorize(replace(config, source=str(tmp_path / "boxA")))
    first = files(config.output)
    report = colorize(replace(config, source=str(tmp_path / "boxB")))
    assert work(report) == (1, 0, 0)
    assert len(files(config.output)) == 2
    assert files(config.output).items() >= first.items()
    assert not differences(config.output)
    for source in ("boxB", "boxA", "boxA"):
        assert work(colorize(replace(config, source=str(tmp_path / source)))) == (0, 0, 0)


def test_names_do_not_hang_on_what_was_filtered_out(job: Job, tmp_path: Path, rows: Rows) -> None:
    grey(tmp_path / "in" / "001.tif", 20)
    grey(tmp_path / "in" / "001.png", 120)
    grey(tmp_path / "in" / "001.JPG", 70)
    base = replace(job(), source=str(tmp_path / "in"))
    for glob in ("*.tif", "*.png", "*.JPG"):
        select = replace(base.select, include=(glob,))
        assert colorize(replace(base, select=select)).ok == 1
    names = {"001.tif.colorized.jpg", "001.png.colorized.jpg", "001.JPG.colorized.jpg"}
    assert set(files(base.output)) == names
    assert not differences(base.output)


def test_a_master_that_comes_later_does_not_take_a_name(job: Job, tmp_path: Path) -> None:
    grey(tmp_path / "in" / "001.tif", 20)
    config = replace(job(), source=str(tmp_path / "in"))
    colorize(config)
    first = files(config.output)
    grey(tmp_path / "in" / "001.png", 120)
    assert colorize(config).ok == 1
    assert set(files(config.output)) == {"001.colorized.jpg", "001.png.colorized.jpg"}
    assert files(config.output).items() >= first.items()


def test_an_inventory_of_several_folders_tells_them_apart(job: Job, tmp_path: Path) -> None:
    paths = [grey(tmp_path / box / "001.png", 20 * n) for n, box in enumerate("abc")]
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "all.csv").write_text("uri\n" + "".join(f"{path}\n" for path in paths))
    config = replace(job(), source=str(lists / "all.csv"))
    assert colorize(config).ok == 3
    assert len(files(config.output)) == 3


def test_the_derivative_of_another_picture_is_never_replaced(job: Job, tmp_path: Path) -> None:
    """A run that died before its rows were written leaves derivatives without a row."""
    grey(tmp_path / "boxA" / "001.png", 20)
    grey(tmp_path / "boxB" / "001.png", 120)
    config = job()
    colorize(replace(config, source=str(tmp_path / "boxA")))
    before = files(config.output)
    shutil.rmtree(Path(config.output) / "manifest")
    report = colorize(replace(config, source=str(tmp_path / "boxB")))
    assert report.errors == {"write_error": 1}
    assert files(config.output) == before
    assert work(colorize(replace(config, source=str(tmp_path / "boxA")))) == (1, 0, 0)


@pytest.mark.parametrize("damage", ["deleted", "cut", "emptied", "same size", "folder gone"])
def test_a_missing_or_changed_derivative_is_made_again(job: Job, rows: Rows, damage: str) -> None:
    config = job()
    colorize(config)
    made = files(config.output)
    path = Path(config.output) / "a" / "b" / "5.colorized.jpg"
    data = bytearray(path.read_bytes())
    if damage == "folder gone":
        shutil.rmtree(path.parent)
    elif damage == "deleted":
        path.unlink()
    elif damage == "same size":
        data[-20] ^= 255
        path.write_bytes(data)
    else:
        path.write_bytes(data[: {"cut": 100, "emptied": 0}[damage]])
    report = colorize(config)
    assert work(report) == (1, 0, 0)
    assert "1 derivatives are missing or changed" in report.text()
    aside = list((Path(config.output) / "history").rglob("5.colorized.jpg"))
    kept = damage not in ("deleted", "folder gone")
    assert [one.read_bytes() for one in aside] == (
        [bytes(data)[: aside[0].stat().st_size]] if kept else []
    )
    assert files(config.output).keys() == made.keys()
    assert len(rows(config.output)) == 5
    assert not differences(config.output)


def test_a_changed_derivative_of_another_source_is_neither_copied_nor_counted(
    job: Job, tmp_path: Path
) -> None:
    grey(tmp_path / "more" / "x.png")
    colorize(job())
    colorize(replace(job(), source=str(tmp_path / "more")))
    path = Path(job().output) / "x.colorized.jpg"
    path.write_bytes(path.read_bytes() + b"retouched")
    (Path(job().source) / "later.png").write_bytes((Path(job().source) / "two.png").read_bytes())
    report = colorize(job())
    assert work(report) == (1, 0, 0)
    assert "missing or changed" not in report.text()
    assert not list((Path(job().output) / "history").rglob("x.colorized.jpg"))


def test_a_touched_derivative_is_left_as_it_is(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    for key in files(config.output):
        os.utime(Path(config.output) / key, ns=(1, 1))
    assert work(colorize(config)) == (0, 0, 0)
    assert {row["derivative_version"] for row in rows(config.output)} == {"1"}


def test_sums_of_the_derivatives_are_read_by_sha256sum(job: Job, masters: Path) -> None:
    grey(masters / "back\\slash and\nline.png")
    config = job()
    colorize(config)
    text = "\n".join(list_sums(open_store(config.output))) + "\n"
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", "-"],
        cwd=config.output, input=text.encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert check.returncode == 0, check.stderr
    assert check.stdout.count(b": OK") == 6


def test_masters_that_moved_unsaid_are_not_taken_for_new_ones(
    job: Job, masters: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("one.jpg\n")
    colorize(job(select={"exclude_list": str(tmp_path / "list.txt")}))
    made = files(job().output)
    moved = masters.rename(masters.parent / "vault")
    config = replace(job(), source=str(moved))
    with pytest.raises(LocationError) as caught:
        colorize(config)
    assert "5 of 5 pictures without a row" in str(caught.value)
    command = f"relocate {config.output} --from {masters} --to {moved} "
    assert command in str(caught.value)
    assert files(config.output) == made
    relocate(open_store(config.output), str(masters), str(moved))
    assert work(colorize(config)) == (0, 0, 0)
    anew = moved.rename(masters.parent / "third")
    config = replace(job(select={"not_moved": True}), source=str(anew))
    assert work(colorize(config)) == (5, 0, 0)
