"""Pinned colours: seen soon, saved for good, made at full size by the product's own way."""

import io
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from again import Job, differences, history, weights
from pages import page_with_print
from PIL import Image

from archive_colorizer.demo import colour_photographs
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.review import pin_record, pinning
from archive_colorizer.review.pinning import PinStudio, PinWork
from archive_colorizer.storage import Store, open_store

Row = Mapping[str, Any]
RED, BLUE, GREY = "#a02020", "#2030a0", "#808080"


def rows_of(store: Store) -> dict[str, dict[str, Any]]:
    """Rows by the name of their master."""
    rows = manifest.read(store, SCHEMA.names).to_pylist()
    return {row["source_uri"].rpartition("/")[2]: row for row in rows}


def wait_for(studio: PinStudio, work: str, seconds: float = 60) -> PinWork:
    end_s = time.monotonic() + seconds
    while (found := studio.state(work)).state in ("queued", "running"):
        assert time.monotonic() < end_s, found
        time.sleep(0.02)
    return found


def pixels_of(store: Store, row: Row) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(store.read(row["derivative_key"]))).convert("RGB"))


def picture_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


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


@pytest.mark.slow
def test_what_an_inventory_says_of_a_picture_stays(
    masters: Path, tmp_path: Path, tiny_model: str
) -> None:
    lines = ["uri,object_id,collection,place", "a/three.tif,O-7,maps,Seoul", "one.jpg,O-8,maps,"]
    (tmp_path / "inventory.csv").write_text(
        "\n".join([lines[0], *(f"{masters}/{line}" for line in lines[1:])])
    )
    config = overlay(
        JobConfig(source=str(tmp_path / "inventory.csv"), output=str(tmp_path / "out")),
        {"color": {"model": tiny_model, "proxy_px": 64}, "run": {"engine": "local"},
         "output": {"name_by": "object_id"}}, "test",
    )  # fmt: skip
    colorize(config)
    store = open_store(config.output)
    row = rows_of(store)["three.tif"]
    with PinStudio(store) as studio:
        assert wait_for(studio, studio.save(row, [(80, 60, RED)], "kim")).state == "done"
    new = rows_of(store)["three.tif"]
    kept = ("object_id", "collection", "collection_json", "derivative_key", "source_path")
    assert [new[name] for name in kept] == [row[name] for name in kept]
    assert new["object_id"] == "O-7"


# --- the shipped model


def drawn_scene() -> np.ndarray:
    """A street: sky, ground, a house, and a car on it that is to be red. Grey, 300x400."""
    rng = np.random.default_rng(4)
    scene = np.full((300, 400), 205.0)
    scene[180:] = 120
    scene[60:200, 40:170] = 160
    scene[90:130, 60:90] = scene[90:130, 110:140] = 60
    yy, xx = np.mgrid[:300, :400]
    scene[((yy - 210) / 30) ** 2 + ((xx - 280) / 60) ** 2 < 1] = 85
    return np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)


@contextmanager
def shipped(tmp_path: Path, **sections: Mapping[str, object]) -> Iterator[Store]:
    (tmp_path / "in").mkdir()
    Image.fromarray(drawn_scene()).save(tmp_path / "in" / "scene.png")
    config = JobConfig(source=str(tmp_path / "in"), output=str(tmp_path / "out"))
    colorize(overlay(config, {"run": {"engine": "local"}, **sections}, "test"))
    yield open_store(config.output)


def ab_of(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb)[..., 1:]


def test_a_pin_colours_its_object_and_leaves_the_picture_around_it(tmp_path: Path) -> None:
    with shipped(tmp_path, output={"format": "png"}) as store, PinStudio(store) as studio:
        row = rows_of(store)["scene.png"]
        free = ab_of(pixels_of(store, row))
        shown = ab_of(picture_of(studio.preview(row, [(280, 210, RED)])))
        grey = ab_of(picture_of(studio.preview(row, [(280, 210, GREY)])))
        wait_for(studio, studio.save(row, [(280, 210, RED)], "kim"))
        hinted = ab_of(pixels_of(store, row))
    wanted = ab_of(np.full((1, 1, 3), list(bytes.fromhex(RED[1:])), np.uint8))[0, 0]
    middle = np.s_[205:216, 272:289]
    for seen in (shown, hinted):
        assert np.linalg.norm(seen[middle].mean((0, 1)) - wanted) < 15
    assert np.linalg.norm(grey[middle].mean((0, 1))) < 4
    yy, xx = np.mgrid[:300, :400]
    around = ((yy - 210) / 33) ** 2 + ((xx - 280) / 66) ** 2 > 1
    changed = np.linalg.norm(hinted - free, axis=2)[around] > 3
    assert changed.mean() < 0.1


# --- other kinds of masters and places


def colour_one(job: Job, source: Path, **sections: dict[str, Any]) -> tuple[Store, Row]:
    config = replace(job(**sections), source=str(source))
    colorize(config)
    store = open_store(config.output)
    (row,) = rows_of(store).values()
    assert row["status"] == "ok"
    return store, row


@pytest.mark.slow
def test_a_negative_on_its_page_is_shown_as_it_is_delivered(job: Job, tmp_path: Path) -> None:
    gray = cv2.cvtColor(dict(colour_photographs())["astronaut"], cv2.COLOR_RGB2GRAY)
    page, _ = page_with_print("orange")
    page[30:280, 30:380] = 255 - cv2.resize(gray, (350, 250))[..., None]
    turned = Image.Exif()
    turned[274] = 6
    Image.fromarray(np.rot90(page, 1)).save(tmp_path / "page.png", exif=turned)
    store, row = colour_one(
        job, tmp_path / "page.png",
        color={"proxy_px": 128, "negatives": "invert"}, output={"format": "png"},
    )  # fmt: skip
    assert row["content_box"]
    assert row["negative_curve"]
    with PinStudio(store) as studio:
        shown = picture_of(studio.preview(row, []))
        small = picture_of(studio.preview(row, [], edge_px=225))
        with pytest.raises(ConfigError, match="lies beside the print"):
            studio.save(row, [(10, 340, RED)], "kim")
        assert wait_for(studio, studio.save(row, [(100, 100, RED)], "kim")).state == "done"
    delivered = pixels_of(store, row)
    assert np.abs(shown.astype(int) - delivered).mean() < 3
    half = cv2.resize(delivered, (225, 175), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - half).mean() < 4


def test_a_further_page_of_a_file_has_its_own_points(job: Job, tmp_path: Path) -> None:
    pages = [Image.fromarray(drawn_scene()[:120, :160]), Image.fromarray(drawn_scene()[150:270])]
    (tmp_path / "in").mkdir()
    pages[0].save(tmp_path / "in" / "two.tif", save_all=True, append_images=pages[1:])
    config = replace(job(select={"pages": "all"}), source=str(tmp_path / "in"))
    colorize(config)
    store = open_store(config.output)

    def read() -> list[dict[str, Any]]:
        return manifest.read(store, SCHEMA.names).sort_by("page").to_pylist()

    first, second = read()
    with PinStudio(store) as studio:
        done = wait_for(studio, studio.save(second, [(390, 100, RED)], "kim"))
    now, new = read()
    assert now == first
    assert (done.row_id, new["page"]) == (new["row_id"], 1)
    assert new["derivative_width"] == second["derivative_width"] == 400


@pytest.mark.slow
def test_weights_that_are_shipped_no_more_are_taken_from_output(
    job: Job, masters: Path, tmp_path: Path
) -> None:
    model = weights(tmp_path / "own", seed=3)
    store, row = colour_one(job, masters / "a" / "three.tif", color={"model": model})
    weights(tmp_path / "own", seed=4)  # the reference names others by now
    with PinStudio(store) as studio:
        studio.preview(row, [(80, 60, RED)])
        assert wait_for(studio, studio.save(row, [(80, 60, RED)], "kim")).state == "done"
    step, before = rows_of(store)["three.tif"]["steps"][0], row["steps"][0]
    assert (step["weights_sha256"], step["model_ref"]) == (before["weights_sha256"], model)


@pytest.mark.s3
def test_so_it_goes_in_an_object_store(bucket: str, masters: Path, tiny_model: str) -> None:
    source = open_store(f"s3://{bucket}/in")
    source.put_file("a/three.tif", masters / "a" / "three.tif")
    quick = {"color": {"model": tiny_model, "proxy_px": 64}, "run": {"engine": "local"}}
    config = JobConfig(source=f"s3://{bucket}/in", output=f"s3://{bucket}/out")
    colorize(overlay(config, quick, "test"))
    store = open_store(f"s3://{bucket}/out")
    row = rows_of(store)["three.tif"]
    with PinStudio(store) as studio:
        assert picture_of(studio.preview(row, [(80, 60, RED)])).shape == (120, 160, 3)
        assert wait_for(studio, studio.save(row, [(80, 60, RED)], "kim"), 120).state == "done"
    assert json.loads(rows_of(store)["three.tif"]["hints"]) == [[80.0, 60.0, RED]]
    assert not differences(f"s3://{bucket}/out")
