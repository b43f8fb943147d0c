"""Pinned colours: seen soon, saved for good, made at full size by the product's own way."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from again import differences, history
from PIL import Image
from pinned import BLUE, GREY, RED, drawn_scene, picture_of, pixels_of, rows_of, wait_for

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.withdraw import withdraw
from archive_colorizer.review import pin_preview, pin_record, pinning
from archive_colorizer.review.pinning import PinStudio, PinWork
from archive_colorizer.storage import Store, open_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Path:
    """A folder with masters (`in`) and their OUTPUT (`out`)."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "in" / "a").mkdir(parents=True)
    for number, name in enumerate(("one.jpg", "a/three.tif", "a/four.jpg")):
        Image.fromarray(drawn_scene()[number : 120 + number, 240:]).save(folder / "in" / name)
    config = JobConfig(source=str(folder / "in"), output=str(folder / "out"))
    quick = {"color": {"model": tiny_model, "proxy_px": 64}, "output": {"format": "png"}}
    colorize(overlay(config, {**quick, "run": {"engine": "local"}}, "test"))
    return folder


@pytest.fixture
def output(made: Path, tmp_path: Path) -> Store:
    """A copy of that OUTPUT."""
    return open_store(str(shutil.copytree(made / "out", tmp_path / "out")))


@pytest.fixture
def masters(made: Path) -> Iterator[Path]:
    """Its masters, to be changed."""
    files = {path: path.read_bytes() for path in (made / "in").rglob("*.*")}
    times = {path: path.stat().st_mtime_ns for path in files}
    yield made / "in"
    for path, data in files.items():
        path.write_bytes(data)
        os.utime(path, ns=(times[path], times[path]))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "RETRY_S", 0.05)


# --- previews


def test_a_preview_is_what_would_be_delivered_only_smaller(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    with PinStudio(output) as studio:
        same = picture_of(studio.preview(row, []))
        small = picture_of(studio.preview(row, [], edge_px=80))
    assert same.shape == (120, 160, 3)
    assert small.shape == (60, 80, 3)
    delivered = pixels_of(output, row).astype(int)
    assert np.abs(same - delivered).mean() < 2.5  # a JPEG of 4:2:0 beside a PNG
    assert np.abs(small - cv2.resize(delivered.astype(np.uint8), (80, 60)).astype(int)).mean() < 4


def test_points_outside_of_the_picture_are_refused_before_anything_is_saved(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    with PinStudio(output) as studio:
        for bad in ([(160, 3, RED)], [(-1, 3, RED)], [(3, 3, "red")], [("x", 3, RED)],
                    [(3, 3, RED)] * 501):  # fmt: skip
            for call in (
                lambda bad=bad: studio.preview(row, bad),
                lambda bad=bad: studio.save(row, bad, "kim"),
            ):
                with pytest.raises(ConfigError):
                    call()
    assert pin_record.read(output) == []


def test_what_takes_no_points_is_refused_in_one_line(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    step = {**row["steps"][0], "op": "pix2pix", "model_ref": "runs/mine"}
    changes = {
        "takes no pinned colours": {"steps": [step]},
        "has no derivative": {"status": "failed"},
        "not on record": {"recipe_json": None},
    }
    with PinStudio(output) as studio:
        for message, change in changes.items():
            with pytest.raises(ConfigError, match=message) as caught:
                studio.preview(row | change, [(3, 3, RED)])
            assert "\n" not in str(caught.value)


def test_the_model_is_loaded_before_anybody_pins(
    output: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(pinning, "LOAD_AFTER_S", 0.0)
    monkeypatch.setattr(
        pin_preview.Previews, "load", lambda self, recipe: loaded.append(recipe.models[0].ref)
    )
    with PinStudio(output):
        end_s = time.monotonic() + 20
        while not loaded:
            assert time.monotonic() < end_s
    assert loaded == [rows_of(output)["three.tif"]["steps"][0]["model_ref"]]


# --- full size


def test_saved_points_go_into_the_row_and_the_derivative(output: Store) -> None:
    before, job_before = rows_of(output), read_job(output)
    row = before["three.tif"]
    with PinStudio(output) as studio:
        work = studio.save(row, [(80, 60, RED), (20.5, 30, GREY)], "kim")
        done = wait_for(studio, work)
    after = rows_of(output)
    new = after.pop("three.tif")
    assert done == PinWork("done", new["row_id"], new["derivative_sha256"])
    assert new["derivative_sha256"] != before.pop("three.tif")["derivative_sha256"]
    assert json.loads(new["hints"]) == [[20.5, 30.0, GREY], [80.0, 60.0, RED]]
    same = ("derivative_key", "source_path", "source_sha256", "recipe_json", "recipe_sha256")
    assert [new[name] for name in same] == [row[name] for name in same]
    assert new["steps"][0]["model_ref"] == row["steps"][0]["model_ref"]
    assert after == before
    assert read_job(output) == job_before
    assert [one["row_id"] for one in history(output.uri.removeprefix("file://"))] == [row["row_id"]]
    assert not differences(output.uri)


def test_a_later_run_leaves_what_was_pinned(output: Store, made: Path) -> None:
    with PinStudio(output) as studio:
        wait_for(studio, studio.save(rows_of(output)["three.tif"], [(80, 60, RED)], "kim"))
    rows, run = rows_of(output), {"run": {"engine": "local"}}
    config = JobConfig(source=str(made / "in"), output=output.uri)
    assert colorize(overlay(config, run, "test")).already == 3
    assert rows_of(output) == rows


def test_a_derivative_that_somebody_worked_on_is_kept_in_history(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    output.write_atomic(row["derivative_key"], b"retouched")
    with PinStudio(output) as studio:
        done = wait_for(studio, studio.save(row, [(80, 60, RED)], "kim"))
    assert done.state == "done"
    kept = [one for one in output.list("history") if one.key.endswith(row["derivative_key"])]
    assert [output.read(one.key) for one in kept] == [b"retouched"]
    assert not differences(output.uri)


@pytest.mark.slow
def test_taking_all_points_off_gives_the_first_colours_again(output: Store) -> None:
    first = pixels_of(output, rows_of(output)["three.tif"])
    with PinStudio(output) as studio:
        for points in ([(80, 60, RED)], [(80, 60, BLUE), (9, 9, GREY)], []):
            row = rows_of(output)["three.tif"]
            assert wait_for(studio, studio.save(row, points, "kim")).state == "done"
            assert len(json.loads(rows_of(output)["three.tif"]["hints"] or "[]")) == len(points)
    assert np.array_equal(pixels_of(output, rows_of(output)["three.tif"]), first)


def test_it_waits_for_the_run_that_holds_output_and_says_so(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    with PinStudio(output) as studio:
        with Lock(output):
            first = studio.save(row, [(80, 60, RED)], "kim")
            end_s = time.monotonic() + 20
            while not studio.state(first).why:
                assert time.monotonic() < end_s
            assert studio.state(first).state == "queued"
            assert "another run holds it" in studio.state(first).why
            later = studio.save(row, [(80, 60, BLUE)], "lee")
        assert wait_for(studio, later).state == "done"
        assert "later colours" in wait_for(studio, first).why
    assert json.loads(rows_of(output)["three.tif"]["hints"]) == [[80.0, 60.0, BLUE]]


def test_the_next_desk_makes_what_was_saved_and_not_made(output: Store) -> None:
    row = rows_of(output)["three.tif"]
    with Lock(output), PinStudio(output) as studio:
        work = studio.save(row, [(80, 60, RED)], "kim")
    assert rows_of(output)["three.tif"] == row
    with PinStudio(output) as studio:
        assert wait_for(studio, work).state == "done"
    made = rows_of(output)
    with PinStudio(output) as studio:
        assert studio.state(work) == PinWork(
            "done", made["three.tif"]["row_id"], made["three.tif"]["derivative_sha256"]
        )
        with pytest.raises(KeyError):
            studio.state("no such work")
    assert rows_of(output) == made


def test_one_that_died_after_its_row_was_written_is_not_made_twice(
    output: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PinStudio(output) as studio, monkeypatch.context() as dying:
        append = pin_record.append

        def die(store: Store, event: pin_record.PinEvent) -> None:
            if event.event == pin_record.MADE:
                raise OSError(5, "the machine went down")
            append(store, event)

        dying.setattr(pin_record, "append", die)
        work = studio.save(rows_of(output)["three.tif"], [(80, 60, RED)], "kim")
        assert "went down" in wait_for(studio, work).why
    made = rows_of(output)
    with PinStudio(output) as studio:
        assert wait_for(studio, work).row_id == made["three.tif"]["row_id"]
    assert rows_of(output) == made


@pytest.mark.parametrize("what", ["gone", "another"])
def test_without_its_master_a_picture_stays_as_it_was(
    output: Store, masters: Path, what: str
) -> None:
    row = rows_of(output)["three.tif"]
    if what == "gone":
        (masters / "a" / "three.tif").unlink()
    else:
        (masters / "a" / "three.tif").write_bytes(b"other")
    with PinStudio(output) as studio:
        found = wait_for(studio, studio.save(row, [(80, 60, RED)], "kim"))
    assert found.state == "failed"
    assert ("not there" if what == "gone" else "another file") in found.why
    assert rows_of(output)["three.tif"] == row
    assert not [one for one in differences(output.uri) if "derivative" in one]


def test_one_that_fails_leaves_the_derivative_of_before_and_its_row(
    output: Store, masters: Path
) -> None:
    row = rows_of(output)["four.jpg"]
    master = masters / "a" / "four.jpg"
    master.write_bytes(master.read_bytes()[:20] + bytes(row["source_bytes"] - 20))
    with PinStudio(output) as studio:
        found = wait_for(studio, studio.save(row, [(80, 60, RED)], "kim"))
    assert (found.state, "four.jpg" in found.why) == ("failed", True)
    assert rows_of(output)["four.jpg"] == row


def test_a_withdrawn_picture_is_not_made_again_for_its_pins(output: Store, tmp_path: Path) -> None:
    row = rows_of(output)["one.jpg"]
    with Lock(output), PinStudio(output) as studio:  # another run holds OUTPUT: it waits
        studio.save(row, [(20, 30, RED)], "kim")
    ids = tmp_path / "ids.txt"
    ids.write_text(row["row_id"])
    withdraw(output, str(ids), "asked for by the family", "kim")
    (work,) = {event.work_id for event in pin_record.read(output)}
    with PinStudio(output) as studio:
        ended = wait_for(studio, work)
    assert (ended.state, "withdrawn" in ended.why) == ("failed", True)
    assert not output.exists(row["derivative_key"])
