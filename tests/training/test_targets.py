"""Grey targets are found, left out and said; splits go by content."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.training.targets import (
    TargetConfig,
    find_pictures,
    judge,
    report,
    split_digest,
    split_of,
    write_verdicts,
)


def encoded(saturation: float, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, (4, 5, 3)).astype(np.float32)
    gray = colour.mean(axis=2, keepdims=True)
    mixed = (gray + saturation * (colour - gray)).clip(0, 255).astype(np.uint8)
    large = cv2.resize(mixed, (60, 48), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".png", large)[1].tobytes()


@pytest.fixture
def pictures() -> list[tuple[str, bytes]]:
    vivid = encoded(1.0)
    return [
        ("vivid", vivid),
        ("again", vivid),
        ("grey", encoded(0)),
        ("pale", encoded(0.05)),
        ("cut", b"\x89PNG nothing more"),
        ("empty", b""),
    ]


def test_every_picture_has_a_verdict_and_a_reason(pictures: list[tuple[str, bytes]]) -> None:
    found = {v.name: v.reason for v in judge(pictures, TargetConfig())}
    assert found == {
        "vivid": "",
        "again": "duplicate",
        "grey": "grey",
        "pale": "not colourful",
        "cut": "unreadable",
        "empty": "unreadable",
    }


def test_the_report_counts_what_was_left_out_and_why(pictures: list[tuple[str, bytes]]) -> None:
    text = report(judge(pictures, TargetConfig()))
    assert "6 pictures, 1 kept" in text
    assert "5 left out" in text
    assert "2 unreadable" in text
    assert report(()) == "no pictures"


def test_the_split_depends_on_content_only(pictures: list[tuple[str, bytes]]) -> None:
    many = [(f"a{i}", encoded(1, i)) for i in range(40)]
    there = judge(many, TargetConfig())
    back = judge([(f"b{i}", data) for i, (_, data) in enumerate(reversed(many))], TargetConfig())
    assert {v.sha256: v.split for v in there} == {v.sha256: v.split for v in back}
    assert split_digest(there) == split_digest(back)
    assert split_digest(there) != split_digest(judge(many, TargetConfig(seed=1)))


def test_four_in_five_are_for_training() -> None:
    share = np.mean([split_of(f"{i:064x}", 0.8, 0) == "train" for i in range(4000)])
    assert share == pytest.approx(0.8, abs=0.02)


def test_folders_and_shards_are_read(tmp_path: Path) -> None:
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    (tmp_path / "photos" / "deep" / "a.png").write_bytes(encoded(1))
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    assert [name for name, _ in find_pictures(str(tmp_path / "photos"))] == ["deep/a.png"]
    pq.write_table(pa.table({"image": [encoded(1)], "name": ["a"]}), tmp_path / "s.parquet")
    assert [name for name, _ in find_pictures(str(tmp_path / "s.parquet"))] == ["s.parquet/a"]
    assert len(list(find_pictures(str(tmp_path)))) == 1


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="no photographs"):
        list(find_pictures(str(tmp_path)))
    pq.write_table(pa.table({"picture": [b""]}), tmp_path / "s.parquet")
    with pytest.raises(LocationError, match="not a shard"):
        list(find_pictures(str(tmp_path)))


def test_the_table_is_written_whole(tmp_path: Path, pictures: list[tuple[str, bytes]]) -> None:
    write_verdicts(judge(pictures, TargetConfig()), tmp_path / "verdicts.parquet")
    rows = pq.read_table(tmp_path / "verdicts.parquet").to_pylist()
    assert [row["name"] for row in rows] == [name for name, _ in pictures]
    assert [path.name for path in tmp_path.iterdir()] == ["verdicts.parquet"]


@pytest.mark.parametrize("bad", [{"min_colourfulness": -1}, {"train_share": 0}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        TargetConfig(**bad)
