"""Withdrawing: what was taken back is found nowhere, stays away, and says so when it is asked."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from again import Job, Rows, differences, files, history, work
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError, LockedError
from archive_colorizer.imaging.thumbnails import EDGE_PX
from archive_colorizer.pipeline import withdraw as withdrawing
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import lease, withdrawal
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.output.withdrawal import Remnants, withdrawn_ids
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.withdraw import WithdrawReport, withdraw
from archive_colorizer.storage import Store, open_store

Take = Callable[..., WithdrawReport]
RENDERED = {"format": "webp", "mark": "corner", "access_px": 64}
WHY = "asked for by the family"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> JobConfig:
    """A job of five pictures with all that may show one, done once for all tests here."""
    folder = tmp_path_factory.mktemp("withdraw") / "work"
    for number, name in enumerate(["one.jpg", "two.png", "a/three.tif", "a/four.jpg", "a/b/5.bmp"]):
        path = folder / "masters" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[:120, :160]
        waves = 120 + 60 * np.sin(x / (9 + number)) + 40 * np.sin(y / (7 + number))
        Image.fromarray(waves.astype(np.uint8)).save(path)
    config = overlay(
        JobConfig(source=str(folder / "masters"), output=str(folder / "out")),
        {
            "color": {"model": tiny_model, "proxy_px": 64, "negatives": "off"},
            "output": RENDERED,
            "run": {"engine": "local"},
        },
        "test",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lease, "SETTLE_S", 0.0)
        assert work(colorize(config)) == (5, 0, 0)
    folder.rename(folder.with_name("pristine"))
    return config


@pytest.fixture
def made(pristine: JobConfig) -> JobConfig:
    """The same, in its place, as if nobody had touched it."""
    folder = Path(pristine.output).parent
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(folder.with_name("pristine"), folder)
    return pristine


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Withdraws what lines name."""

    def run(output: str, *lines: str, dry_run: bool = False) -> WithdrawReport:
        listed = tmp_path / "ids.txt"
        listed.write_text("\n".join(lines))
        store = open_store(output)
        return withdraw(store, str(listed), WHY, "Anna", dry_run=dry_run)

    return run


def row_of(rows: Rows, config: JobConfig, name: str) -> dict:
    return next(row for row in rows(config.output) if row["source_path"] == name)


def all_bytes(output: str) -> dict[str, bytes]:
    found = (path for path in Path(output).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): path.read_bytes() for path in found}


def shows(row: dict, output: str) -> list[bytes]:
    """What would be found of a picture: pixels of its files."""
    keys = [row["derivative_key"], row["marked_key"], row["access_key"]]
    whole = [(Path(output) / key).read_bytes() for key in keys]
    return [one[-80:-32] for one in whole]


def found_in(output: str, pieces: list[bytes]) -> set[str]:
    return {key for key, data in all_bytes(output).items() if any(one in data for one in pieces)}


def parts(output: str) -> list[str]:
    """What may name a picture: the manifest and its history."""
    return [key for key in all_bytes(output) if key.endswith(".parquet")]


def cell_of(row: dict, output: str) -> np.ndarray:
    sheet = simplejpeg.decode_jpeg((Path(output) / row["thumbnail_key"]).read_bytes())
    return sheet[row["thumbnail_index"] * EDGE_PX :][:EDGE_PX].astype(int)


def test_a_withdrawn_picture_is_found_nowhere(made: JobConfig, rows: Rows, take: Take) -> None:
    output = made.output
    row, other = (row_of(rows, made, name) for name in ("two.png", "one.jpg"))
    path = Path(output) / row["derivative_key"]
    path.write_bytes(path.read_bytes() + b"by hand")
    redo = replace(made, select=replace(made.select, redo=True))
    before = [*shows(row, output), b"by hand"]
    assert work(colorize(redo)) == (5, 0, 0)
    row, other = (row_of(rows, made, name) for name in ("two.png", "one.jpg"))
    pieces = [*before, *shows(row, output)]
    shown, neighbour = cell_of(row, output), cell_of(other, output)
    assert np.ptp(shown) > 50
    assert len(found_in(output, pieces)) >= 4, "the search finds what is there"
    assert take(output, "two.png") == WithdrawReport(1, 1, 4, 1)
    assert not found_in(output, pieces)
    assert np.ptp(cell_of(row, output)[8:-8]) <= 4, "a bare place on the sheet"
    assert np.abs(cell_of(other, output) - neighbour).mean() < 1, "beside one that stays"
    pages = [data for key, data in all_bytes(output).items() if key.endswith(".html")]
    assert not any(row["derivative_key"].encode() in data for data in pages)
    assert any(WHY.encode() in data for data in pages)
    assert not differences(output)
    assert len(files(output)) == 3 * 4
    former = [row for row in history(output) if row["source_path"] == "two.png"]
    assert [row["doubt_map"] for row in former] == [None] * 2, "maps are pictures, too"


def test_its_row_is_a_tombstone_and_history_has_the_former(
    made: JobConfig, rows: Rows, take: Take
) -> None:
    before = row_of(rows, made, "two.png")
    take(made.output, before["derivative_sha256"])
    row = row_of(rows, made, "two.png")
    assert (row["status"], row["error_class"]) == ("skipped", "withdrawn")
    assert (row["withdrawn_by"], row["withdrawn_reason"]) == ("Anna", WHY)
    assert row["withdrawn_at"] is not None
    assert row["row_id"] == before["row_id"]
    for name in ("derivative_key", "access_sha256", "thumbnail_key", "doubt_map", "colourfulness"):
        assert row[name] is None, name
    (former,) = history(made.output)
    assert former["derivative_sha256"] == before["derivative_sha256"]
    assert withdrawn_ids(open_store(made.output)) == {before["row_id"]}


def test_nothing_but_its_own_wish_makes_it_again(
    made: JobConfig, rows: Rows, take: Take, tmp_path: Path
) -> None:
    row = row_of(rows, made, "two.png")
    take(made.output, row["row_id"])
    ids = tmp_path / "again.txt"
    ids.write_text(row["row_id"])
    for wish in (
        {}, {"redo": True}, {"retry_failed": True}, {"include_again": True}, {"adopt": True},
        {"redo": True, "ids": str(ids)},
    ):  # fmt: skip
        report = colorize(replace(made, select=replace(made.select, **wish)))
        assert row_of(rows, made, "two.png")["error_class"] == "withdrawn", wish
        assert any("1 pictures stay withdrawn" in note for note in report.notes), wish
    (Path(made.source) / "two.png").touch()
    assert work(colorize(made)) == (0, 0, 0)
    wanted = replace(made, select=replace(made.select, include_withdrawn=True))
    assert work(colorize(wanted)) == (1, 0, 0)
    again = row_of(rows, made, "two.png")
    assert (again["status"], again["withdrawn_reason"]) == ("ok", None)
    assert again["derivative_key"] == row["derivative_key"]
    assert not withdrawn_ids(open_store(made.output))
    assert not differences(made.output)


@pytest.mark.parametrize("at", ["bury", "find_remnants", "clear", "write_report"])
def test_an_interrupted_one_is_finished_by_the_same_command(
    made: JobConfig, rows: Rows, take: Take, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    row = row_of(rows, made, "two.png")
    pieces = shows(row, made.output)

    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    place = withdrawing.html_report if at == "write_report" else withdrawing
    with monkeypatch.context() as patched:
        patched.setattr(place, at, stop)
        with pytest.raises(KeyboardInterrupt):
            take(made.output, "two.png")
    left = [one.split()[0] for one in differences(made.output)]
    assert left == (["left_of_withdrawn"] * 5 if at in ("find_remnants", "clear") else [])
    named = row_of(rows, made, "two.png")["derivative_key"]
    assert (named is None) is (at != "bury"), "no row names a file that may be gone"
    take(made.output, row["marked_sha256"])
    assert not found_in(made.output, pieces)
    assert not found_in(made.output, [b"two.colorized"]) - set(parts(made.output)), "nor a link"
    assert not differences(made.output)


def test_a_file_that_cannot_be_deleted_ends_it_in_one_line(
    made: JobConfig, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: Store, found: Remnants) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(withdrawing, "clear", refuse)
    with pytest.raises(Exception, match=r"interrupted \(Permission denied\); the same command"):
        take(made.output, "two.png")


def test_a_later_run_deletes_what_an_interrupted_one_left(
    made: JobConfig, rows: Rows, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(rows, made, "two.png")
    with monkeypatch.context() as patched:
        patched.setattr(withdrawing, "clear", lambda store, found: None)
        take(made.output, "two.png")
    (Path(made.source) / "one.jpg").write_bytes((Path(made.source) / "a/four.jpg").read_bytes())
    assert work(colorize(made)) == (1, 0, 0)
    assert not (Path(made.output) / row["derivative_key"]).exists()


def test_a_list_names_pictures_in_every_way_or_nothing_is_done(
    made: JobConfig, rows: Rows, take: Take
) -> None:
    before = all_bytes(made.output)
    one, four = (row_of(rows, made, name) for name in ("one.jpg", "a/four.jpg"))
    with pytest.raises(ConfigError, match=r"names no row of 1: line 2: 'nobody'"):
        take(made.output, "one.jpg", "nobody")
    with pytest.raises(ConfigError, match="names no picture"):
        take(made.output, "", "  ")
    assert all_bytes(made.output) == before
    names = ("two.png", one["source_uri"], four["access_key"], four["row_id"])
    dry = take(made.output, *names, dry_run=True)
    assert (dry.pages, dry.buried, dry.is_trial) == (3, 3, True)
    assert all_bytes(made.output) == before
    assert take(made.output, *names).buried == 3
    again = take(made.output, *names)
    assert (again.pages, again.buried, again.files, again.thumbnails) == (3, 0, 0, 0)


def test_a_run_that_holds_output_is_not_disturbed(made: JobConfig, take: Take) -> None:
    with Lock(open_store(made.output)), pytest.raises(LockedError):
        take(made.output, "two.png")


def test_masters_that_moved_are_followed_into_history(
    made: JobConfig, rows: Rows, take: Take, tmp_path: Path
) -> None:
    row = row_of(rows, made, "two.png")
    pieces = shows(row, made.output)
    Path(made.source).rename(tmp_path / "elsewhere")
    relocate(open_store(made.output), made.source, str(tmp_path / "elsewhere"))
    take(made.output, row["derivative_sha256"])
    assert not found_in(made.output, pieces)
    assert not differences(made.output)


def test_it_says_so_when_it_is_asked(
    made: JobConfig, rows: Rows, take: Take, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = row_of(rows, made, "two.png")
    copy = tmp_path / "found-on-the-web.webp"
    copy.write_bytes((Path(made.output) / row["derivative_key"]).read_bytes())
    assert main(["inspect", str(copy), "--output", made.output]) == 0
    assert "WITHDRAWN" not in capsys.readouterr().out
    take(made.output, "two.png")
    assert main(["inspect", str(copy), "--output", made.output]) == 0
    assert f"by Anna: {WHY}" in capsys.readouterr().out
    assert main(["inspect", str(copy), "--output", made.output, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["row"]["withdrawn"]
    assert (said["by"], said["reason"]) == ("Anna", WHY)
    assert main(["status", made.output]) == 0
    assert "withdrawn: the derivative was taken back" in capsys.readouterr().out
    assert main(["status", made.output, "--skipped"]) == 0
    assert "two.png" in capsys.readouterr().out
    assert verify(open_store(made.output)).masters == 5


def test_the_command_wants_a_reason(
    made: JobConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("two.png\n")
    words = ["withdraw", made.output, "--ids", str(ids), "--reason"]
    assert main([*words, " "]) == 2
    assert "--reason ' ': must be a line of text" in capsys.readouterr().err
    assert main([*words, WHY, "--dry-run"]) == 0
    assert capsys.readouterr().out == "1 of 1 pictures would be withdrawn; none was\n"
    assert main([*words, WHY, "--by", "Anna"]) == 0
    assert capsys.readouterr().out.startswith("1 of 1 pictures withdrawn")


@pytest.mark.s3
def test_it_goes_from_an_object_store_alike(job: Job, bucket: str, take: Take) -> None:
    import boto3

    config = replace(job(output=RENDERED), output=f"s3://{bucket}/colour")
    assert work(colorize(config)) == (5, 0, 0)
    store = open_store(config.output)
    assert take(config.output, "two.png").buried == 1
    keys = [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert not [key for key in keys if "two.colorized" in key]
    assert withdrawal.find_remnants(store) == Remnants()
    assert not verify(store).findings
