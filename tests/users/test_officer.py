"""The digitisation officer's hour: each finding of the first one is an assertion here."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from again import grey
from html_pages import Page, target_of
from PIL import Image
from typed import Said, typed

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.output import lease

pytestmark = pytest.mark.slow  # together they take a quarter of a minute

GOOD = ("01.jpg", "02.png", "people/03.jpg", "people/04.tif")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans as they are: good ones, a file cut short, a colour slide, a letter, two pages."""
    folder = tmp_path_factory.mktemp("house") / "scans"
    for number, name in enumerate(GOOD):
        grey(folder / name, 60 + 20 * number, (90, 120))
    whole = (folder / "01.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    slide = Image.fromarray(next(rgb for _, rgb in colour_photographs()))
    slide.resize((160, 120)).save(folder / "slide.png")
    pages = [Image.fromarray(np.full((60, 60), value, np.uint8)) for value in (80, 160)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    (folder / "letter.txt").write_text("Sehr geehrte Damen und Herren")
    return folder


@pytest.fixture(scope="module")
def quick(tiny_model: str) -> list[str]:
    return ["--model", tiny_model, "--proxy-px", "64"]


@pytest.fixture(scope="module")
def colour(scans: Path) -> Path:
    return scans.parent / "colour"


@pytest.fixture(scope="module", autouse=True)
def _alone_here() -> Iterator[None]:
    """Nobody else wants these OUTPUTs, so no lease need wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "SETTLE_S", 0.0)
        yield


@pytest.fixture(scope="module")
def run(scans: Path, colour: Path, quick: list[str]) -> Said:
    """The first run, as a process of its own."""
    dry = typed("colorize", scans, colour, *quick, "--dry-run")
    assert (dry.code, colour.exists()) == (0, False)
    assert "listed      7\nto do       7" in dry.out
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(scans), str(colour)]
    note = [sys.executable, "-c", "import sys; open('told.json', 'w').write(sys.stdin.read())"]
    told = " ".join(f"'{word}'" if " " in word else word for word in note[:2])
    more = ["--on-end", f'{told} "{note[2]}"', "--batch-size", "2"]
    done = subprocess.run(
        [*words, *quick, *more], cwd=scans.parent, capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_the_run_ends_with_what_failed_what_to_do_and_where_the_report_is(run: Said) -> None:
    assert run.code == 3
    for words in (
        "5 coloured, 1 skipped, 1 failed",
        "1 picture failed:\n  cut.jpg: the file ends before its pixels do (truncated)",
        "--retry-failed",
        "to review: archive-colorizer status",
        "1 picture left out: 1 in colour, 0 coloured by hand",
        "note: 1 further pages of 1 files were left (--pages all does them)",
        "colour/manifest", "colour/report/index.html",
        "not all is done (exit code 3): 1 failed",
    ):  # fmt: skip
        assert words in run.out
    assert "letter.txt" not in run.out


def test_progress_is_there_from_the_first_second_and_counts_pictures(run: Said) -> None:
    lines = run.err.splitlines()
    assert lines[0] == "listing"
    assert "loading the model; 7 pictures to do" in lines
    assert any(line.startswith("7/7 done, 1 failed, 1 skipped, ") for line in lines)
    assert "Ray" not in run.err, "seven pictures need no cluster"


def test_the_end_is_told(run: Said, scans: Path) -> None:
    told = json.loads((scans.parent / "told.json").read_text())
    assert (told["event"], told["failed"]) == ("ended", 1)


@pytest.mark.parametrize(
    ("flag", "path", "reason"),
    [
        ("--failed", "cut.jpg", "the file ends before its pixels do"),
        ("--review", "pages.tif", "further pages"),
        ("--skipped", "slide.png", "in colour"),
        ("--passed-over", "letter.txt", "no ending of a picture"),
    ],
)
@pytest.mark.usefixtures("run")
def test_status_says_which_and_why(
    colour: Path, tmp_path: Path, flag: str, path: str, reason: str
) -> None:
    said = typed("status", colour, flag, "--csv", tmp_path / "list.csv")
    assert said.code == 0
    assert path in said.out
    assert reason in said.out
    rows = list(csv.DictReader((tmp_path / "list.csv").read_text().splitlines()))
    assert path in {row["path"] for row in rows}
    (entries,) = json.loads(typed("status", colour, flag, "--json").out).values()
    assert {one["path"] for one in entries} == {row["path"] for row in rows}


@pytest.mark.usefixtures("run")
def test_status_has_numbers_words_and_can_watch(colour: Path) -> None:
    found = json.loads(typed("status", colour, "--json").out)
    assert found["by_status"] == {"ok": 5, "failed": 1, "skipped": 1}
    assert "truncated: the file ends before its pixels do" in typed("status", colour).out
    assert "fixity_mismatch: " in typed("status", colour, "--words").out
    assert typed("status", colour, "--watch").code == 0, "nothing runs, so it ends"


@pytest.mark.usefixtures("run")
def test_the_report_opens_offline_in_two_languages(colour: Path) -> None:
    pages = sorted((colour / "report").rglob("*.html"))
    assert len(pages) > 4
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        assert {one["lang"] for one in page.all("span") if "lang" in one} == {"en", "ko"}
        for link in page.links():
            assert "://" not in link
            assert link.startswith("data:image/") or target_of(path, link).exists(), link
        assert not any("src" in one for one in page.all("script"))
    said = typed("report", colour)
    assert (said.code, "index.html" in said.out) == (0, True)


@pytest.mark.usefixtures("run")
def test_doubt_maps_are_kept_and_shown(colour: Path) -> None:
    rows = ds.dataset(colour / "manifest").to_table().to_pylist()
    maps = [row["doubt_map"] for row in rows if row["status"] == "ok"]
    assert len(maps) == 5
    assert all(Image.open(BytesIO(one)).mode == "L" for one in maps)
    assert "data:image/png" in (colour / "report/pages/review-000001.html").read_text()


@pytest.mark.usefixtures("run")
def test_a_dry_run_says_how_long_and_what_would_be_replaced(
    scans: Path, colour: Path, quick: list[str]
) -> None:
    again = typed("colorize", scans, colour, *quick, "--redo", "--dry-run").out
    assert "done again  7" in again
    assert "time        about 0:0" in again
    refused = typed("colorize", scans, colour, "--format", "png", "--dry-run")
    assert "6 finished pictures would be done again: --redo does them" in refused.line


def test_a_run_may_keep_no_report(scans: Path, tmp_path: Path, quick: list[str]) -> None:
    words = ["colorize", scans, tmp_path / "c", *quick, "--report", "off"]
    assert typed(*words, "--include", "people/").code == 0
    assert not (tmp_path / "c" / "report").exists()
    assert {one.name for one in (tmp_path / "c" / "people").iterdir()} == {
        "03.colorized.jpg", "04.colorized.jpg",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Nr;Dateiname\nKöln 1;01.jpg\nKöln 2;02.png\n"),
        ("cp949", "Nr\tDateiname\n사진 1\t01.jpg\n사진 2\t02.png\n"),
        ("utf-16", "sep=;\nNr;Dateiname\nKöln 1;01.jpg\nKöln 2;02.png\n"),
    ],
)
def test_an_inventory_is_read_as_the_museum_has_it(
    scans: Path, tmp_path: Path, quick: list[str], encoding: str, text: str
) -> None:
    inventory = scans / f"inventory-{encoding}.csv"
    inventory.write_bytes(text.encode(encoding))
    columns = ["--column", "uri=Dateiname", "--column", "object_id=Nr", "--name-by", "object_id"]
    said = typed("colorize", inventory, tmp_path / "c", *quick, *columns)
    inventory.unlink()
    assert said.code == 0, said.out
    assert "note: inventory-" in said.out
    assert "separated by" in said.out
    names = {one.name.partition(".")[0] for one in (tmp_path / "c").glob("*.jpg")}
    assert names == ({"사진 1", "사진 2"} if encoding == "cp949" else {"Köln 1", "Köln 2"})


def test_a_line_that_nobody_can_read_is_named(
    scans: Path, tmp_path: Path, quick: list[str]
) -> None:
    inventory = scans / "odd.csv"
    inventory.write_bytes(b"uri\n01.jpg\n02\xff\xfe\x81.png\n")
    said = typed("colorize", inventory, tmp_path / "c", *quick, "--encoding", "utf-8")
    inventory.unlink()
    assert said.code == 3
    for words in (said.out, typed("status", tmp_path / "c", "--failed").out):
        assert "makes no sense: " in words
        assert "line 3: byte 0xFF is not UTF-8" in words


def test_habits_globs_several_sources_and_standard_input(
    scans: Path, tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = typed("colorize", scans / "01.jpg", scans / "people", f"{scans}/0*.png",
                 tmp_path / "a", *quick, "--quiet")  # fmt: skip
    assert (said.code, said.out, said.err) == (0, "", "")
    assert len(list((tmp_path / "a").rglob("*.colorized.jpg"))) == 4
    monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": BytesIO(
        f"{scans}/01.jpg\n{scans}/02.png\n".encode())})())  # fmt: skip
    assert typed("colorize", "-", tmp_path / "b", *quick).code == 0
    assert len(list((tmp_path / "b").rglob("*.colorized.jpg"))) == 2


def test_one_file_in_one_file_out_keeps_no_record(
    scans: Path, tmp_path: Path, quick: list[str]
) -> None:
    said = typed("colorize", scans / "01.jpg", tmp_path / "out.jpg", *quick, "--json")
    assert said.code == 0
    assert json.loads(said.out)["status"] == "ok"
    assert [one.name for one in tmp_path.iterdir()] == ["out.jpg"]
    with (tmp_path / "out.jpg").open("rb") as file:
        assert json.loads(find_labels(file)["row"])["width"] == 120
    assert "--overwrite" in typed("colorize", scans / "01.jpg", tmp_path / "out.jpg", *quick).line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("colorize a b --qualty 3", "did you mean --quality?"),
        ("colorise a b", "did you mean 'colorize'?"),
        ("colorize {scans} b --model builtin:defualt", "did you mean 'builtin:default'?"),
        ("colorize {scans} b --until noon", "until"),
        ("colorize nowhere b", "nowhere"),
        ("colorize {scans} {scans}/b", "OUTPUT may not lie inside SOURCE"),
    ],
)
def test_what_is_mistyped_is_one_line(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in typed(*words.format(scans=scans).split()).line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell: str) -> None:
    assert "retry-failed" in typed("completion", shell).out
