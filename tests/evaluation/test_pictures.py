import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from toys import drawn

from archive_colorizer.data.layouts import square
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.pictures import digest, find, open_pair


def config(data: Path, **changes: object) -> EvaluationConfig:
    return EvaluationConfig(data=str(data), models=("m",), size=48, **changes)


def test_the_draw_depends_on_seed_and_names_only(photos: Path) -> None:
    first = [item.name for item in find(config(photos, limit=3))]
    assert first == [item.name for item in find(config(photos, limit=3))]
    assert first == [item.name for item in find(config(photos, limit=4))][:3]
    names = {item.name for item in find(config(photos, limit=0))}
    assert len(names) == 5
    assert any([item.name for item in find(config(photos, limit=0, seed=s))][:3] != first
               for s in range(1, 4))  # fmt: skip


def test_a_picture_becomes_the_centre_square(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = (200, 100, 50)
    out = square(Image.fromarray(wide), 40)
    assert out.shape == (40, 40, 3)
    assert (out == (200, 100, 50)).all()


def test_shards_of_the_corpus_layout_are_read(tmp_path: Path) -> None:
    buffers = []
    for i in range(3):
        buffer = io.BytesIO()
        Image.fromarray(drawn(i)).save(buffer, "JPEG")
        buffers.append(buffer.getvalue())
    table = pa.table({"image": buffers, "name": ["a", "b", "c"], "width": [80, 80, 80]})
    pq.write_table(table, tmp_path / "val-00.parquet")
    for data in (tmp_path, tmp_path / "val-00.parquet"):
        settings = config(data)
        pairs = [open_pair(item, settings) for item in find(settings)]
        assert {pair.name for pair in pairs} == {f"val-00.parquet/{n}" for n in "abc"}
        assert all(pair.truth_hw3.shape == (48, 48, 3) for pair in pairs)
        assert (pairs[0].source_hw3 == pairs[0].truth_hw3).all()


def test_two_folders_are_paired_by_name(tmp_path: Path) -> None:
    for name, shade in (("source", 10), ("target", 200)):
        (tmp_path / name).mkdir()
        suffix = "png" if name == "source" else "bmp"
        Image.new("RGB", (60, 60), (shade, 0, 0)).save(tmp_path / name / f"x.{suffix}")
    settings = config(tmp_path)
    (item,) = find(settings)
    pair = open_pair(item, settings)
    assert pair.source_hw3[0, 0, 0] == 10
    assert pair.truth_hw3[0, 0, 0] == 200


def test_a_picture_without_partner_is_named(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (60, 60)).save(tmp_path / "A" / "alone.png")
    with pytest.raises(LocationError, match="alone"):
        find(config(tmp_path))


def test_side_by_side_has_the_source_on_the_left(tmp_path: Path) -> None:
    both = np.zeros((50, 100, 3), np.uint8)
    both[:, :50] = 220
    Image.fromarray(both).save(tmp_path / "pair.png")
    settings = config(tmp_path, layout="side-by-side")
    (item,) = find(settings)
    pair = open_pair(item, settings)
    assert pair.source_hw3.min() == 220
    assert pair.truth_hw3.max() == 0


@pytest.mark.parametrize("make", [False, True])
def test_a_missing_or_empty_place_is_one_clear_line(tmp_path: Path, make: bool) -> None:
    place = tmp_path / "nothing"
    if make:
        place.mkdir()
    with pytest.raises(LocationError, match="nothing"):
        find(config(place))


def test_a_parquet_file_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"not parquet")
    with pytest.raises(LocationError, match=r"x\.parquet"):
        find(config(tmp_path))


def test_the_digest_changes_with_a_pixel(photos: Path) -> None:
    settings = config(photos)
    pairs = [open_pair(item, settings) for item in find(settings)]
    other = [open_pair(item, settings) for item in find(settings)]
    assert digest(pairs) == digest(other)
    changed = other[0].truth_hw3.copy()
    changed[0, 0, 0] ^= 1
    other[0] = type(other[0])(other[0].name, other[0].source_hw3, changed)
    assert digest(pairs) != digest(other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ()},
        {"models": ("a", "a")},
        {"size": 8},
        {"limit": -1},
        {"batch_size": 0},
        {"temperature": 0.0},
        {"lpips_heads": "x"},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        EvaluationConfig(**({"data": "d", "models": ("m",)} | wrong))
