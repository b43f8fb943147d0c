"""Pictures gathered once: filtered, split, kept on disk, found again."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from landscapes import MakeLibrary, landscape

from archive_colorizer.data.library import DataConfig, Library, gather
from archive_colorizer.errors import LocationError


def test_items_come_back_as_they_were(make_library: MakeLibrary) -> None:
    targets = [landscape(seed) for seed in range(3)]
    library = make_library(targets, [255 - t for t in targets])
    assert len(library) == 3
    for number, target in enumerate(targets):
        item = library[number]
        assert np.array_equal(item.target, target)
        assert np.array_equal(item.source, 255 - target)
    with pytest.raises(IndexError):
        library[3]


def test_a_library_pickles_as_its_path(make_library: MakeLibrary) -> None:
    library = make_library()
    assert len(pickle.dumps(library)) < 500
    assert len(pickle.loads(pickle.dumps(library))) == len(library)  # noqa: S301 (our own)


def test_grey_targets_are_left_out_and_said(photos: Path, tmp_path: Path) -> None:
    gathered = gather(DataConfig(data=str(photos)), tmp_path / "data")
    train, test = Library(gathered.train), Library(gathered.test)
    assert len(train) + len(test) == 20
    assert {library[i].name for library in (train, test) for i in range(len(library))} == {
        path.relative_to(photos).as_posix() for path in photos.rglob("[0-9]*.png")
    }
    assert "1 left out" in gathered.report
    rows = pq.read_table(tmp_path / "data" / "verdicts.parquet").to_pylist()
    assert [r["reason"] for r in rows if r["name"] == "grey.png"] == ["grey"]
    assert not list((tmp_path / "data").glob("*.tmp"))


def test_it_is_gathered_once_and_again_when_something_changed(photos: Path, tmp_path: Path) -> None:
    config = DataConfig(data=str(photos))
    first = gather(config, tmp_path / "data")
    stamp = Path(first.train).stat().st_mtime_ns
    assert gather(config, tmp_path / "data") == first
    assert Path(first.train).stat().st_mtime_ns == stamp
    cv2.imwrite(str(photos / "new.png"), landscape(77)[..., ::-1])
    again = gather(config, tmp_path / "data")
    assert again.split_sha256 != first.split_sha256
    changed = gather(DataConfig(data=str(photos), homomorphic=True), tmp_path / "data")
    assert changed.split_sha256 == again.split_sha256
    assert Path(changed.train).stat().st_mtime_ns != stamp


def test_a_limit_holds_for_training_alone(photos: Path, tmp_path: Path) -> None:
    everything = gather(DataConfig(data=str(photos)), tmp_path / "all")
    few = gather(DataConfig(data=str(photos), limit=3), tmp_path / "few")
    assert len(Library(few.train)) == 3
    assert len(Library(few.test)) == len(Library(everything.test))


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(12):
        big = cv2.resize(landscape(seed), (300, 250))
        cv2.imwrite(str(tmp_path / "photos" / f"{seed}.jpg"), big[..., ::-1])
    gathered = gather(DataConfig(data=str(tmp_path / "photos"), short_px=64), tmp_path / "data")
    assert Library(gathered.train)[0].target.shape == (64, 77, 3)


@pytest.mark.parametrize("colour", [True, False])
def test_sources_in_colour_make_a_translation(tmp_path: Path, colour: bool) -> None:
    for seed in range(10):
        for side in ("source", "target"):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            pixels = landscape(seed)
            if side == "source":
                pixels = 255 - pixels if colour else pixels.mean(axis=2, keepdims=True).repeat(3, 2)
            path = tmp_path / "pairs" / side / f"{seed}.png"
            cv2.imwrite(str(path), pixels.astype(np.uint8)[..., ::-1])
    gathered = gather(DataConfig(data=str(tmp_path / "pairs")), tmp_path / "data")
    assert gathered.pairs
    assert gathered.colour_sources is colour


def test_a_grey_target_of_a_grey_source_is_left_out(tmp_path: Path) -> None:
    for side in ("gray", "color"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for seed in range(10):
            pixels = landscape(seed)
            if side == "gray" or seed == 4:
                pixels = pixels.mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "pairs" / side / f"{seed}.png"), pixels[..., ::-1])
    gathered = gather(DataConfig(data=str(tmp_path / "pairs")), tmp_path / "data")
    assert gathered.report.startswith("10 pictures, 9 kept")
    assert "1 grey" in gathered.report


def test_sources_of_another_size_are_brought_to_the_targets(tmp_path: Path) -> None:
    for seed in range(10):
        for side, size in (("source", (24, 20)), ("target", (48, 40))):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            path = tmp_path / "pairs" / side / f"{seed}.png"
            cv2.imwrite(str(path), cv2.resize(landscape(seed), size)[..., ::-1])
    gathered = gather(DataConfig(data=str(tmp_path / "pairs")), tmp_path / "data")
    item = Library(gathered.train)[0]
    assert item.source.shape == item.target.shape == (40, 48, 3)


def test_few_pictures_that_all_fall_on_one_side_are_told_what_helps(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        cv2.imwrite(str(tmp_path / "photos" / f"{seed}.png"), landscape(seed)[..., ::-1])
    few = DataConfig(data=str(tmp_path / "photos"), train_share=1.0)
    with pytest.raises(LocationError, match=r"nothing to validate with: 3 of 3 .*data\.seed"):
        gather(few, tmp_path / "data")


def test_nothing_left_is_said_with_the_reasons_place(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "grey.png"), np.full((40, 48, 3), 90, np.uint8))
    with pytest.raises(LocationError, match=r"nothing to learn from.*verdicts\.parquet"):
        gather(DataConfig(data=str(tmp_path / "photos")), tmp_path / "data")
