"""IIIF: a static site that other people's validator and viewer take."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import LARGE, Archive, Export, files_in
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from validators import check_iiif

from archive_colorizer.exports import iiif
from archive_colorizer.exports.iiif_images import MAX_PX, TILE_PX, cut_tiles, factors_of
from archive_colorizer.exports.names import slug
from archive_colorizer.imaging.metadata import find_row_id

BASE = "https://archive.example/colour"


def manifests(dest: Path) -> dict[str, Any]:
    """By label."""
    found = [json.loads(path.read_text("utf-8")) for path in (dest / "manifest").iterdir()]
    return {one["label"]["none"][0]: one for one in found}


def bodies(canvas: dict[str, Any]) -> list[dict[str, Any]]:
    (page,) = canvas["items"]
    (annotation,) = page["items"]
    assert annotation["target"] == canvas["id"]
    assert annotation["body"]["type"] == "Choice"
    return list(annotation["body"]["items"])


def at(dest: Path, url: str) -> Path:
    return dest / url.removeprefix(f"{BASE}/")


def test_a_canvas_is_a_choice_of_the_original_and_the_derivative(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    assert give("iiif", base_url=BASE).problems == []
    found = manifests(dest)
    rows = archive.ok()
    assert len(found) == len({row["object_id"] or row["source_uri"] for row in rows})
    (canvas,) = found["large.jpg"]["items"]
    assert (canvas["height"], canvas["width"]) == LARGE
    original, coloured = bodies(canvas)
    assert (original["label"]["en"], coloured["label"]["en"]) == (["Original"], ["AI-colorized"])
    assert coloured["label"]["ko"] == ["AI 채색"]
    with Image.open(at(dest, original["id"])) as grey, Image.open(at(dest, coloured["id"])) as rgb:
        assert (grey.height, grey.width) == LARGE == (rgb.height, rgb.width)
        assert np.ptp(np.asarray(grey.convert("RGB")).astype(int), axis=2).max() == 0
        assert np.ptp(np.asarray(rgb).astype(int), axis=2).max() > 0
    row = next(row for row in rows if row["source_path"] == "large.jpg")
    for name in (coloured["id"], canvas["thumbnail"][0]["id"]):
        assert find_row_id(io.BytesIO(at(dest, name).read_bytes())) == row["row_id"]
    assert "estimate" in found["large.jpg"]["requiredStatement"]["value"]["en"][0]


def test_objects_and_pages_are_together_and_collections_hold_all(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    give("iiif", base_url=BASE, rights="https://rightsstatements.org/vocab/NKC/1.0/")
    found = manifests(dest)
    glass = found["=cmd|' /C calc'!A0"]
    assert [canvas["label"]["none"] for canvas in glass["items"]] == [["recto.jpg"], ["verso.jpg"]]
    assert [one["label"]["none"][0] for one in found["album.tif"]["items"]] == [
        "album.tif", "album.tif (page 2)", "album.tif (page 3)",
    ]  # fmt: skip
    assert glass["rights"] == "https://rightsstatements.org/vocab/NKC/1.0/"
    top = json.loads((dest / "collection.json").read_text("utf-8"))
    named = []
    for one in top["items"]:
        page = json.loads(at(dest, one["id"]).read_text("utf-8"))
        named += [item["id"] for item in page["items"]]
    assert sorted(named) == sorted(one["id"] for one in found.values())
    assert {"none": ["유리건판"]} in [one["label"] for one in top["items"]]


def test_nothing_of_the_house_is_published(archive: Archive, give: Export, tmp_path: Path) -> None:
    give("iiif", tiles=True)
    for name, data in files_in(tmp_path / "dest").items():
        assert str(archive.masters).encode() not in data, name
        assert str(archive.out).encode() not in data, name


def test_a_master_that_is_gone_leaves_the_derivative_alone(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    master = archive.masters / "100%.jpg"
    kept = master.read_bytes()
    try:
        master.unlink()
        tally = give("iiif", base_url=BASE)
    finally:
        master.write_bytes(kept)
    assert len(tally.problems) == 1
    assert "No such file" in tally.problems[0]
    (canvas,) = manifests(tmp_path / "dest")["100%.jpg"]["items"]
    assert canvas["items"][0]["items"][0]["body"]["label"]["en"] == ["AI-colorized"]


def test_a_long_collection_goes_on_in_further_files(
    give: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iiif, "LISTED", 3)
    give("iiif", base_url=BASE)
    names = [path.name for path in (tmp_path / "dest" / "collection").iterdir()]
    assert sum(name.startswith("pictures-") for name in names) == 3


def asked_for(info: dict[str, Any]) -> set[str]:
    """Every URL that OpenSeadragon asks for (IIIFTileSource.getTileUrl), below the picture's."""
    width, height, tile = info["width"], info["height"], info["tiles"][0]["width"]
    urls = set()
    for factor in info["tiles"][0]["scaleFactors"]:
        wide, high = -(-width // factor), -(-height // factor)
        for y in range(-(-high // tile)):
            for x in range(-(-wide // tile)):
                left, top = x * tile * factor, y * tile * factor
                across, down = min(tile * factor, width - left), min(tile * factor, height - top)
                whole = (across, down) == (width, height)
                w, h = min(tile, wide - x * tile), min(tile, high - y * tile)
                region = "full" if whole else f"{left},{top},{across},{down}"
                size = "max" if (w, h) == (width, height) else f"{w},{h}"
                urls.add(f"{region}/{size}/0/default.jpg")
    return urls


def test_tiles_are_level_0_every_url_is_a_file(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    assert give("iiif", base_url=BASE, tiles=True).problems == []
    infos = list(dest.rglob("info.json"))
    assert len(infos) == 2 * len(archive.ok())
    for path in infos:
        info = json.loads(path.read_text())
        assert info["id"] == f"{BASE}/{path.parent.relative_to(dest).as_posix()}"
        assert (info["type"], info["profile"]) == ("ImageService3", "level0")
        have = set(files_in(path.parent)) - {"info.json"}
        assert have == asked_for(info) | {"full/max/0/default.jpg"}
    (canvas,) = manifests(dest)["large.jpg"]["items"]
    (service,) = bodies(canvas)[1]["service"]
    folder = at(dest, service["id"])
    with Image.open(folder / "512,1024,188,276/188,276/0/default.jpg") as tile:
        corner = np.asarray(tile).astype(int)
    row = next(row for row in archive.ok() if row["source_path"] == "large.jpg")
    with Image.open(archive.out / row["derivative_key"]) as whole:
        assert np.abs(np.asarray(whole)[1024:, 512:] - corner).mean() < 4


@settings(max_examples=25)
@given(st.integers(1, 3 * TILE_PX), st.integers(1, 3 * TILE_PX))
def test_tiles_of_any_size_are_those_that_are_asked_for(height: int, width: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    info = {"width": width, "height": height,
            "tiles": [{"width": TILE_PX, "scaleFactors": factors_of(width, height)}]}  # fmt: skip
    names = [name for name, _ in cut_tiles(pixels)]
    assert len(names) == len(set(names))
    assert set(names) == asked_for(info) - {"full/max/0/default.jpg"}
    for name, tile in cut_tiles(pixels):
        assert name.split("/")[1] == f"{tile.shape[1]},{tile.shape[0]}"
    assert MAX_PX >= TILE_PX


@given(st.text(max_size=30), st.text(max_size=30))
def test_names_are_plain_and_differ_where_pictures_do(one: str, other: str) -> None:
    assert slug(one, 1).isascii()
    assert not set(slug(one)) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert (slug(one, other) == slug(other, one)) == (one == other)


@pytest.mark.slow
@pytest.mark.parametrize("tiles", [False, True])
def test_iiif_prezi3_takes_every_manifest(give: Export, tmp_path: Path, tiles: bool) -> None:
    give("iiif", tiles=tiles)
    dest = tmp_path / "dest"
    paths = [*(dest / "manifest").iterdir(), *(dest / "collection").iterdir()]
    assert check_iiif(dest / "collection.json", *paths) == ""
    broken = tmp_path / "broken.json"
    said = json.loads((paths[0]).read_text("utf-8"))
    said["items"][0]["items"][0]["items"][0]["motivation"] = 7
    broken.write_text(json.dumps(said))
    assert "motivation" in check_iiif(broken)
