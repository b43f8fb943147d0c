"""Jobs as officers start them: inventories with names of their own, several sources, quiet runs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from again import Job, Rows, differences, files, grey, work

from archive_colorizer.cli.main import main
from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.run import colorize

CSV = """Nr;Datei
1923/45;one.jpg
1923/45;two.png
1923_45;a/three.tif
Glas: 7?;a/four.jpg
;a/b/5.bmp
"""


@pytest.fixture
def inventory(masters: Path) -> Path:
    path = masters / "inventory.csv"
    path.write_text(CSV + "é;gone.jpg\n", encoding="cp1252")
    return path


def derivatives(output: str) -> set[str]:
    return {name for name in files(output) if name.endswith(".colorized.jpg")}


def test_derivatives_are_named_by_object_id_and_none_takes_anothers_name(
    job: Job, inventory: Path, rows: Rows
) -> None:
    select = {"columns": ["uri=Datei", "object_id=Nr"]}
    config = replace(job(select=select, output={"name_by": "object_id"}), source=str(inventory))
    report = colorize(config)
    assert work(report) == (5, 0, 1)
    assert "inventory.csv: read as cp1252, separated by ;" in report.notes
    named = {
        "1923_45.one.jpg.colorized.jpg", "1923_45.two.png.colorized.jpg",
        "1923_45.three.tif.colorized.jpg", "Glas_ 7_.colorized.jpg", "a/b/5.colorized.jpg",
    }  # fmt: skip
    assert derivatives(config.output) == named
    by_source = {Path(row["source_uri"]).name: row["derivative_key"] for row in rows(config.output)}
    assert by_source["two.png"] == "1923_45.two.png.colorized.jpg"
    assert by_source["four.jpg"] == "Glas_ 7_.colorized.jpg"
    assert work(colorize(config)) == (0, 0, 0)
    unnamed = replace(job(select=select), source=str(inventory))
    grey(inventory.parent / "gone.jpg")
    assert work(colorize(unnamed)) == (1, 0, 0)  # OUTPUT remembers how it names
    assert derivatives(config.output) == named | {"é.colorized.jpg"}
    assert not differences(config.output)


def test_another_way_of_naming_does_nothing_again(job: Job, inventory: Path) -> None:
    select = {"columns": ["uri=Datei", "object_id=Nr"]}
    config = replace(job(select=select), source=str(inventory))
    colorize(config)
    made = files(config.output)
    other = replace(job(select=select, output={"name_by": "object_id"}), source=str(inventory))
    assert work(colorize(other)) == (0, 0, 0)
    assert files(config.output) == made


def test_several_sources_are_one_job(job: Job, masters: Path, rows: Rows, tmp_path: Path) -> None:
    for folder in ("more", "others"):
        (tmp_path / folder).mkdir()
        grey(tmp_path / folder / "one.jpg")
    config = replace(job(), further=(str(tmp_path / "more"), str(tmp_path / "others" / "*.jpg")))
    assert work(colorize(config)) == (7, 0, 0)
    keys = [row["derivative_key"] for row in rows(config.output)]
    assert len(set(keys)) == len(derivatives(config.output)) == 7
    assert {key.partition(".")[0] for key in keys} == {"one", "two", "a/three", "a/four", "a/b/5"}
    made = files(config.output)
    backwards = replace(config, source=config.further[1], further=(config.further[0], str(masters)))
    assert work(colorize(backwards)) == (0, 0, 0)
    assert work(colorize(replace(config, further=()))) == (0, 0, 0)
    assert files(config.output) == made
    assert not differences(config.output)


def test_a_failed_row_below_any_source_goes_when_its_page_does(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad.jpg").write_bytes(b"nothing")
    grey(tmp_path / "more" / "good.jpg")
    config = replace(job(), further=(str(tmp_path / "more"),))
    assert work(colorize(config)) == (6, 0, 1)
    (tmp_path / "more" / "bad.jpg").unlink()
    assert colorize(replace(config, further=())).failed_left == 1
    assert colorize(config).failed_left == 0


@pytest.mark.parametrize("further", ["more", "mo*"])
def test_output_lies_in_none_of_the_sources(job: Job, tmp_path: Path, further: str) -> None:
    (tmp_path / "more").mkdir()
    grey(tmp_path / "more" / "1.jpg")
    config = replace(
        job(), further=(str(tmp_path / further),), output=str(tmp_path / "more" / "out")
    )
    with pytest.raises(LocationError, match="OUTPUT may not lie inside SOURCE"):
        colorize(config)
    assert not (tmp_path / "more" / "out").exists()


@pytest.fixture
def words(tiny_model: str) -> list[str]:
    return ["--engine", "local", "--model", tiny_model, "--proxy-px", "64"]


def test_the_last_word_is_output_wherever_options_stand(
    masters: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(masters)
    mixed = ["one.jpg", "a/b", *words, "t*.png", "--quality", "80", str(tmp_path / "out")]
    assert main(["colorize", *mixed]) == 0
    assert derivatives(str(tmp_path / "out")) == {
        "one.colorized.jpg", "5.colorized.jpg", "two.colorized.jpg",
    }  # fmt: skip


def test_find_names_the_pictures_of_a_job(masters: Path, tmp_path: Path, words: list[str]) -> None:
    found = subprocess.run(
        ["find", ".", "-name", "*.jpg", "-print0"], cwd=masters, stdout=subprocess.PIPE, check=True
    ).stdout
    line = [sys.executable, "-m", "archive_colorizer", "colorize", "-", *words]
    done = subprocess.run(
        [*line, str(tmp_path / "out")], cwd=masters, input=found, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert derivatives(str(tmp_path / "out")) == {"one.colorized.jpg", "a/four.colorized.jpg"}


def test_quiet_says_nothing_but_what_failed(
    masters: Path,
    tmp_path: Path,
    words: list[str],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = ["colorize", str(masters), str(tmp_path / "out"), *words, "--quiet"]
    assert main(line) == 0
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    (masters / "bad.jpg").write_bytes(b"nothing")
    assert main(line) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert "1 failed" in err


def test_a_sheet_is_a_jobs_source(masters: Path, tmp_path: Path, words: list[str]) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.create_sheet("Fotos").append(["Datei", "object_id"])
    book["Fotos"].append(["a\\three.tif", "0007"])
    book.save(masters / "list.xlsx")
    line = ["colorize", str(masters / "list.xlsx"), str(tmp_path / "out"), *words]
    assert main([*line, "--sheet", "Fotos", "--column", "uri=Datei", "--name-by", "object_id"]) == 0
    assert derivatives(str(tmp_path / "out")) == {"0007.colorized.jpg"}
    (row,) = pq.read_table(tmp_path / "out" / "manifest").to_pylist()
    assert (row["object_id"], row["status"]) == ("0007", "ok")
