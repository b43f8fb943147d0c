"""Every form that training data may have, and what is said of data that has none."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landscapes import landscape
from PIL import Image

from archive_colorizer.data.layouts import list_pictures
from archive_colorizer.data.library import decode
from archive_colorizer.data.sources import Picture, is_unpaired, pictures
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.colour import rgb_to_lab


def png(seed: int = 0, **size: int) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(landscape(seed, **size)).save(file, "PNG")
        return file.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def names(root: Path, *options: object) -> list[str]:
    return [picture.name for picture in pictures(str(root), *options)]


def test_a_folder_of_photographs(tmp_path: Path) -> None:
    put(tmp_path / "b.png", png())
    put(tmp_path / "a" / "deep.png", png())
    put(tmp_path / "notes.txt", b"no picture")
    assert names(tmp_path) == ["a/deep.png", "b.png"]


def test_shards_are_told_apart_by_their_split(tmp_path: Path) -> None:
    said = ["train", "val", "train_sr", "unpaired"]
    table = {"image": [png(i) for i in range(4)], "name": list("abcd"), "split": said}
    pq.write_table(pa.table(table), tmp_path / "s.parquet")
    found = {p.name: p.split for p in pictures(str(tmp_path))}
    assert found == {"s.parquet/a": "train", "s.parquet/b": "test"}
    pq.write_table(pa.table({"image": [png()]}), tmp_path / "s.parquet")
    assert [p.split for p in pictures(str(tmp_path / "s.parquet"))] == [None]


def test_two_folders_are_pairs(tmp_path: Path) -> None:
    put(tmp_path / "source" / "x.png", png(1))
    put(tmp_path / "target" / "x.jpg", png(2))
    (pair,) = pictures(str(tmp_path))
    assert (pair.source, pair.target) == (png(1), png(2))
    put(tmp_path / "source" / "alone.png", png(1))
    with pytest.raises(LocationError, match="without a partner"):
        list(pictures(str(tmp_path)))


@pytest.mark.parametrize("folders", [("gray", "color"), ("grey", "colour")])
def test_grey_and_colour_in_either_spelling_are_pairs(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    source, target = folders
    put(tmp_path / source / "x.png", png(1))
    put(tmp_path / target / "x.png", png(2))
    (pair,) = pictures(str(tmp_path))
    assert (pair.source, pair.target) == (png(1), png(2))
    put(tmp_path / target / "y.png", png(3))
    with pytest.raises(LocationError) as caught:
        list(pictures(str(tmp_path)))
    assert str(caught.value) == (
        f"{tmp_path}: {source}/ has 1 pictures, {target}/ 2; 1 pictures without a partner, "
        f"first {target}/y, which {source}/ does not have"
    )
    put(tmp_path / source / "x.jpg", png(4))
    with pytest.raises(LocationError, match=r"x\.png: has the name of x\.jpg"):
        list(pictures(str(tmp_path)))


def test_side_by_side_must_be_said(tmp_path: Path) -> None:
    both = np.hstack([landscape(1), landscape(2)])
    with io.BytesIO() as file:
        Image.fromarray(both).save(file, "PNG")
        put(tmp_path / "x.png", file.getvalue())
    (whole,) = pictures(str(tmp_path))
    assert whole.source is None
    (pair,) = pictures(str(tmp_path), "side-by-side")
    assert pair.source is not None
    assert np.array_equal(decode(pair.source), landscape(1))
    assert np.array_equal(decode(pair.target), landscape(2))


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_lab_arrays_come_back_as_the_photographs(tmp_path: Path, kind: str) -> None:
    truth = np.stack([landscape(seed) for seed in range(3)])
    lab = np.stack([rgb_to_lab(picture) for picture in truth])
    if kind == "uint8":
        lab = np.rint(lab * (255 / 100, 1, 1) + (0, 128, 128)).astype(np.uint8)
    np.save(tmp_path / "L.npy", lab[..., :1])
    np.save(tmp_path / "ab.npy", lab[..., 1:])
    found = [decode(picture.target) for picture in pictures(str(tmp_path))]
    off = np.abs(np.stack(found).astype(int) - truth)
    assert off.mean() < (1.5 if kind == "uint8" else 0.5)
    assert len(list_pictures(tmp_path, "auto")) == 3


def published_lab(folder: Path, counts: tuple[int, ...], l_count: int) -> np.ndarray:
    """Reference system C's files: one of L, several of ab; gives the photographs."""
    truth = np.stack([landscape(seed, 16, 16) for seed in range(sum(counts))])
    lab = np.stack([rgb_to_lab(picture) for picture in truth])
    lab = np.rint(lab * (255 / 100, 1, 1) + (0, 128, 128)).astype(np.uint8)
    (folder / "l").mkdir()
    (folder / "ab" / "ab").mkdir(parents=True)
    np.save(folder / "l" / "gray_scale.npy", lab[:l_count, ..., 0])
    for number, (end, count) in enumerate(zip(np.cumsum(counts), counts, strict=True), 1):
        np.save(folder / "ab" / "ab" / f"ab{number}.npy", lab[end - count : end, ..., 1:])
    return truth


def test_several_ab_files_belong_to_one_array_of_l(tmp_path: Path) -> None:
    counts = (2, 3, *[1] * 8)  # ten files: ab10 comes after ab9
    truth = published_lab(tmp_path, counts, 13)
    found = list(pictures(str(tmp_path)))
    assert [picture.name for picture in found] == [f"{number:06d}" for number in range(13)]
    off = np.abs(np.stack([decode(picture.target) for picture in found]).astype(int) - truth)
    assert off.mean(axis=(1, 2, 3)).max() < 2.5


def test_counts_of_the_published_files_that_differ_are_one_line(tmp_path: Path) -> None:
    published_lab(tmp_path, (2, 1), 2)
    with pytest.raises(LocationError) as caught:
        list(pictures(str(tmp_path)))
    assert str(caught.value) == (
        f"{tmp_path}: l/gray_scale.npy is (2, 16, 16), ab/ab/ab1.npy (2, 16, 16, 2), "
        "ab/ab/ab2.npy (1, 16, 16, 2): must be (N, H, W[, 1]) and (N, H, W, 2), "
        "and as many pictures in both (2 of L, 3 of ab)"
    )
    (tmp_path / "l" / "gray_scale.npy").unlink()
    with pytest.raises(LocationError, match=r"has ab/ab/ab\*\.npy, but no l/gray_scale\.npy"):
        list_pictures(tmp_path, "auto")
    with pytest.raises(LocationError, match=r"has no Lab arrays \(L\.npy \+ ab\.npy, "):
        list_pictures(tmp_path / "l", "lab")


def test_lab_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "L.npy", np.zeros((2, 8, 8, 1), np.uint8))
    np.save(tmp_path / "ab.npy", np.zeros((3, 8, 8, 2), np.uint8))
    with pytest.raises(LocationError, match=r"L.npy is \(2, 8, 8, 1\)"):
        list(pictures(str(tmp_path)))
    (tmp_path / "ab.npy").write_bytes(b"nothing")
    with pytest.raises(LocationError, match="cannot be read as a NumPy array"):
        list(pictures(str(tmp_path)))


def test_unpaired_folders_have_domains_and_may_hold_out_some(tmp_path: Path) -> None:
    for folder in ("trainA", "trainB", "testB"):
        put(tmp_path / folder / "x.png", png())
    found = {(p.name, p.domain, p.split) for p in pictures(str(tmp_path))}
    assert found == {
        ("trainA/x.png", "trainA", None),
        ("trainB/x.png", "trainB", "train"),
        ("testB/x.png", "trainB", "test"),
    }
    assert is_unpaired(str(tmp_path), "auto", ())


def test_domains_are_folders_or_a_shards_sources(tmp_path: Path) -> None:
    put(tmp_path / "photos" / "spring" / "x.png", png())
    put(tmp_path / "photos" / "autumn" / "y.png", png())
    found = list(pictures(str(tmp_path / "photos"), "auto", ("spring", "autumn")))
    assert [p.domain for p in found] == ["spring", "autumn"]
    table = {"image": [png()] * 3, "name": list("abc"), "source": ["day", "night", "dusk"]}
    pq.write_table(pa.table(table), tmp_path / "s.parquet")
    found = list(pictures(str(tmp_path / "s.parquet"), "auto", ("day", "night")))
    assert [(p.name, p.domain) for p in found] == [
        ("s.parquet/a", "day"), ("s.parquet/b", "night")
    ]  # fmt: skip
    with pytest.raises(LocationError, match="no folder winter"):
        list(pictures(str(tmp_path / "photos"), "auto", ("winter", "summer")))
    with pytest.raises(ConfigError, match="two different names"):
        list(pictures(str(tmp_path / "photos"), "auto", ("spring",)))


def test_what_is_no_data_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="does not exist"):
        list(pictures(str(tmp_path / "absent")))
    with pytest.raises(LocationError, match="no photographs"):
        list(pictures(str(tmp_path)))
    with pytest.raises(LocationError, match="has no two folders"):
        list(pictures(str(tmp_path), "unpaired"))
    pq.write_table(pa.table({"picture": [b""]}), tmp_path / "s.parquet")
    with pytest.raises(LocationError, match="not a shard"):
        list(pictures(str(tmp_path)))


def test_a_shard_that_is_cut_is_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [png()]}), tmp_path / "s.parquet")
    whole = (tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet").write_bytes(whole[:50])
    with pytest.raises(LocationError, match=r"s\.parquet: not a shard"):
        list(pictures(str(tmp_path)))


def test_a_picture_is_plain_data() -> None:
    assert Picture("a", b"x") == Picture("a", b"x")
