"""Pixels of the desk: levels, caches of bounded size, masters of every kind."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from archive_colorizer.imaging.decoders.jpeg import decode_jpeg
from archive_colorizer.review.cache import DiskCache, MemoryCache, name_of
from archive_colorizer.review.pyramid import TILE_PX, Levels, make_pyramid, read_tile, shrink
from archive_colorizer.review.sides import COLUMNS, PixelReader, Side
from archive_colorizer.storage import DEFAULT_S3
from archive_colorizer.storage.local import LocalStore


@given(st.integers(1, 70_000), st.integers(1, 70_000))
def test_levels_are_those_of_deep_zoom(width: int, height: int) -> None:
    levels = Levels(width, height)
    assert levels.size(levels.highest) == (width, height)
    assert max(levels.size(levels.lowest)) <= TILE_PX
    if levels.lowest < levels.highest:
        assert max(levels.size(levels.lowest + 1)) > TILE_PX
    assert max(levels.size(levels.lowest)) >= min(TILE_PX // 2, max(width, height))
    columns, rows = (-(-side // TILE_PX) for side in (width, height))
    assert levels.has(levels.highest, columns - 1, rows - 1)
    assert not levels.has(levels.highest, columns, 0)
    assert not levels.has(levels.highest, 0, -1)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (513, 512), (700, 1100)])
def test_a_pyramid_has_every_tile(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 90, np.uint8)
    pack = make_pyramid(rgb)
    levels = Levels(size[1], size[0])
    for level in range(levels.lowest, levels.highest + 1):
        width, height = levels.size(level)
        column, row = (width - 1) // TILE_PX, (height - 1) // TILE_PX
        tile = decode_jpeg(read_tile(pack, level, column, row))
        assert tile.shape[:2] == (height - row * TILE_PX, width - column * TILE_PX)
    with pytest.raises(KeyError):
        read_tile(pack, levels.highest + 1, 0, 0)


def test_what_is_small_is_not_made_larger() -> None:
    rgb = np.zeros((10, 20, 3), np.uint8)
    assert shrink(rgb, 1600) is rgb
    assert shrink(np.zeros((10, 4000, 3), np.uint8), 100).shape == (1, 100, 3)


def test_memory_has_a_bound() -> None:
    cache = MemoryCache(800)
    for number in range(20):
        cache.put(str(number), bytes(100))
        cache.get("0")
    assert cache.get("0") is not None
    assert cache.get("19") is not None
    assert sum(cache.get(str(number)) is not None for number in range(20)) == 8
    cache.put("large", bytes(500))
    assert cache.get("large") is None


def test_the_disk_has_a_bound_and_what_was_used_stays(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "kept", 10_000)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    names = [name_of(number) for number in range(30)]
    for age, name in enumerate(names[:10]):
        assert cache.put(name, bytes(900))
        os.utime(cache.path(name), (age, age))
    assert cache.find(names[0]) is not None
    for name in names[10:]:
        assert cache.put(name, bytes(900))
        assert cache.find(names[0]) is not None
    there = sum(path.stat().st_size for path in (tmp_path / "kept").glob("*/*"))
    assert there <= 10_000
    assert cache.find(names[1]) is None


def test_a_disk_that_takes_nothing_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = DiskCache(tmp_path / "kept", 10_000)
    (tmp_path / "kept" / "ab").write_text("in the way")
    assert not cache.put("ab" + "0" * 62, b"x")
    assert "cannot be kept" in caplog.text


def side_of(path: Path, **values: Any) -> Side:
    row = dict.fromkeys(COLUMNS) | {"source_uri": path.as_uri(), "status": "ok"}
    return Side("before", row | values)


@pytest.mark.parametrize("form", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_masters_of_every_kind_are_shown_in_colour(tmp_path: Path, form: str) -> None:
    gray = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    picture = Image.fromarray(gray)
    if form == "I;16":
        picture = Image.fromarray(gray.astype(np.uint16) * 257)
    elif form != "L":
        picture = picture.convert("RGB").convert(form)
    path = tmp_path / "master.tif"
    picture.save(path)
    reader = PixelReader(LocalStore(tmp_path), DEFAULT_S3, 400)
    for pixels in (reader.read_whole(side_of(path)), reader.read_small(side_of(path), 1600)):
        assert (pixels.shape, pixels.dtype) == ((48, 64, 3), np.uint8)
        assert pixels[:, -4:].mean() > pixels[:, :4].mean() + 150


def test_a_master_is_shown_upright(tmp_path: Path) -> None:
    gray = np.zeros((40, 80), np.uint8)
    gray[:, :20] = 255
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gray).save(path, exif=exif, quality=95)
    side = side_of(path, width=80, height=40, orientation=6)
    assert side.size == (40, 80)
    pixels = PixelReader(LocalStore(tmp_path), DEFAULT_S3, 400).read_whole(side)
    assert pixels.shape == (80, 40, 3)
    assert pixels[:15].mean() > 240
    assert pixels[30:].mean() < 15
