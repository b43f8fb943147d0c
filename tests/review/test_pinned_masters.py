"""Pinned colours with the shipped model, on pages and negatives, and with an inventory."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from again import Job, differences, weights
from pages import page_with_print
from PIL import Image
from pinned import GREY, RED, Row, drawn_scene, picture_of, pixels_of, rows_of, wait_for

from archive_colorizer.demo import colour_photographs
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.review.pinning import PinStudio
from archive_colorizer.storage import Store, open_store

# --- the shipped model


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
    plain = {"format": "png", "watermark": "off"}  # its number is the run's
    with shipped(tmp_path, output=plain) as store, PinStudio(store) as studio:
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
        color={"proxy_px": 128, "negatives": "invert"},
        output={"format": "png", "watermark": "off"},
    )  # fmt: skip
    assert row["content_box"]
    assert row["negative_curve"]
    delivered = pixels_of(store, row)
    with PinStudio(store) as studio:
        shown = picture_of(studio.preview(row, []))
        small = picture_of(studio.preview(row, [], edge_px=225))
        with pytest.raises(ConfigError, match="lies beside the print"):
            studio.save(row, [(10, 340, RED)], "kim")
        assert wait_for(studio, studio.save(row, [(100, 100, RED)], "kim")).state == "done"
    assert np.abs(shown.astype(int) - delivered).mean() < 3
    half = cv2.resize(delivered, (225, 175), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - half).mean() < 4


@pytest.mark.slow
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
    source.delete("a/three.tif")
    with PinStudio(store) as studio:
        gone = wait_for(studio, studio.save(rows_of(store)["three.tif"], [], "kim"), 120)
    assert (gone.state, "not there" in gone.why) == ("failed", True)


# --- inventories


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
