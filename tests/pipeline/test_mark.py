"""Marked files: a second file of each derivative, in step with it whatever becomes of the job."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from again import Job, Rows, differences, files, grey, history, work
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.status import list_sums
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps import record
from archive_colorizer.storage import Store, open_store

STRIP = {"format": "png", "mark": "strip"}


@pytest.fixture
def two(job: Job, tmp_path: Path) -> JobConfig:
    """A job that marks two pictures."""
    for name in ("a.png", "box/b.png"):
        grey(tmp_path / "in" / name)
    return replace(job(output=STRIP), source=str(tmp_path / "in"))


def set_mark(config: JobConfig, mark: str, **select: object) -> JobConfig:
    deliver, chosen = replace(config.deliver, mark=mark), replace(config.select, **select)
    return replace(config, deliver=deliver, select=chosen)


def marked_files(config: JobConfig) -> set[str]:
    folder = Path(config.output) / "marked"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_marked_file_stands_beside_a_derivative_that_stays_as_it_is(
    two: JobConfig, tmp_path: Path, rows: Rows
) -> None:
    plain = replace(set_mark(two, "off"), output=str(tmp_path / "plain"))
    colorize(plain)
    assert not (tmp_path / "plain" / "marked").exists()
    assert {row["marked_key"] for row in rows(plain.output)} == {None}
    korean = replace(two, deliver=replace(two.deliver, mark_text="ko"))
    assert work(colorize(korean)) == (2, 0, 0)
    assert marked_files(two) == {"a.colorized.png", "box/b.colorized.png"}
    for row in rows(two.output):
        key = row["derivative_key"]
        assert row["marked_key"] == f"marked/{key}"
        path = Path(two.output) / row["marked_key"]
        data = path.read_bytes()
        assert (row["marked_bytes"], row["marked_sha256"]) == (
            len(data), hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
        derivative, marked = Image.open(Path(two.output) / key), Image.open(path)
        assert np.array_equal(derivative, Image.open(Path(plain.output) / key))
        assert np.array_equal(np.asarray(marked)[: derivative.height], derivative)
        assert marked.height > derivative.height
        assert marked.info["icc_profile"] == derivative.info["icc_profile"]
        with path.open("rb") as file:
            labels = find_labels(file)
        assert labels["rendition"] == "marked"
        assert (labels["rowId"], labels["sourceSha256"]) == (row["row_id"], row["source_sha256"])
        with (Path(two.output) / key).open("rb") as file:
            assert "rendition" not in find_labels(file)
    found = verify(open_store(two.output))
    assert (found.derivatives, found.renditions, found.findings) == (2, {"marked": 2}, ())
    assert "2 derivatives (2 of them marked, too)" in found.text()
    assert len(list(list_sums(open_store(two.output)))) == 4


@pytest.mark.slow
def test_a_marked_file_that_is_missing_or_changed_is_found_and_made_again(
    two: JobConfig, rows: Rows
) -> None:
    colorize(two)
    first, second = (Path(two.output) / row["marked_key"] for row in rows(two.output))
    first.unlink()
    with second.open("ab") as file:
        file.write(b"by hand")
    assert [one.split()[0] for one in differences(two.output)] == [
        "missing_marked", "changed_marked",
    ]  # fmt: skip
    assert work(colorize(two)) == (2, 0, 0)
    assert not differences(two.output)
    (kept,) = Path(two.output).glob("history/*/changed/marked/box/b.colorized.png")
    assert kept.read_bytes().endswith(b"by hand")


@pytest.mark.slow
def test_a_mark_comes_and_goes_with_a_redo_and_is_remembered(two: JobConfig, rows: Rows) -> None:
    colorize(replace(two, select=replace(two.select, limit=1)))
    unsaid = replace(set_mark(two, "off"), given=())
    assert work(colorize(unsaid)) == (1, 0, 0), "a later run goes on as OUTPUT began"
    assert len(marked_files(two)) == 2
    off = replace(unsaid, given=("output.mark",))
    with pytest.raises(ConfigError, match=r"output.mark is strip in OUTPUT, off was given"):
        colorize(off)
    assert work(colorize(set_mark(off, "off", redo=True))) == (2, 0, 0)
    assert not marked_files(two)
    assert {row["marked_key"] for row in rows(two.output)} == {None}
    assert {row["marked_key"] is None for row in history(two.output)} == {False}
    assert not differences(two.output)
    assert work(colorize(set_mark(two, "corner", redo=True))) == (2, 0, 0)
    assert len(marked_files(two)) == 2
    assert not differences(two.output)


def test_no_row_is_written_before_its_marked_file(
    two: JobConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a job that is killed at any time has no row that names a marked file in vain."""
    write, seen = record.write_part, []

    def check(store: Store, table: pa.Table) -> str:
        keys = table["marked_key"].to_pylist()
        seen.extend(store.exists(key) for key in keys)
        return write(store, table)

    monkeypatch.setattr(record, "write_part", check)
    colorize(replace(two, run=replace(two.run, batch_size=1)))
    assert seen == [True, True]


@pytest.mark.slow
def test_what_a_killed_job_left_is_replaced(two: JobConfig, rows: Rows) -> None:
    colorize(two)
    made = files(two.output)
    for path in Path(two.output).glob("manifest/*"):
        path.unlink()
    assert len(differences(two.output)) == 5, "4 files without a row, and the missing rows"
    assert work(colorize(two)) == (2, 0, 0)
    assert files(two.output).keys() == made.keys()
    assert not differences(two.output)


def test_a_file_of_somebody_else_is_never_replaced(two: JobConfig, rows: Rows) -> None:
    theirs = grey(Path(two.output) / "marked" / "a.colorized.png")
    before = theirs.read_bytes()
    assert work(colorize(two)) == (1, 0, 1)
    failed, _ = rows(two.output)
    assert failed["error_class"] == "write_error"
    assert "marked/a.colorized.png: a file that is not this picture's" in failed["error_message"]
    assert theirs.read_bytes() == before
    assert not (Path(two.output) / "a.colorized.png").exists(), "neither or both"


def test_an_output_moves_with_its_marked_files(two: JobConfig, rows: Rows, tmp_path: Path) -> None:
    colorize(two)
    moved = replace(two, output=str(Path(two.output).rename(tmp_path / "elsewhere")))
    assert relocate(open_store(moved.output), two.output, moved.output) == (0, 2)
    assert colorize(moved).already == 2
    assert len(marked_files(moved)) == 2
    assert not differences(moved.output)


def test_a_source_folder_of_that_name_keeps_apart(two: JobConfig, rows: Rows) -> None:
    grey(Path(two.source) / "marked" / "a.png")
    assert work(colorize(two)) == (3, 0, 0)
    assert {row["derivative_key"] for row in rows(two.output)} == {
        "a.colorized.png", "box/b.colorized.png", "marked_/a.colorized.png",
    }  # fmt: skip
    assert "marked_/a.colorized.png" in marked_files(two)
    assert not differences(two.output)


@pytest.mark.parametrize("text", ["", "two\nlines", "x" * 101])
def test_words_are_one_line(job: Job, text: str) -> None:
    with pytest.raises(ConfigError, match=r"output.mark_text=.*must be one line of at most 100"):
        job(output={"mark_text": text})


def test_one_line_tells_what_is_wrong(
    two: JobConfig, tiny_model: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from archive_colorizer.imaging.mark import find_font

    words = ["colorize", two.source, two.output, "--model", tiny_model, "--mark", "strip"]
    one = [f"{two.source}/a.png", f"{two.output}.png"]
    assert main(["colorize", *one, *words[3:]]) == 2
    assert "output.mark=strip" in capsys.readouterr().err
    find_font.cache_clear()
    monkeypatch.setattr("archive_colorizer.extras.find_spec", lambda name: None)
    assert main([*words, "--mark-text", "ko"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].endswith("pip install 'archive-colorizer[marks]'")
    find_font.cache_clear()
    assert not list(Path(two.output).rglob("*.png"))
