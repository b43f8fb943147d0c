"""Grey targets are found, left out and said; splits go by content."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from archive_colorizer.data.sources import Picture
from archive_colorizer.data.targets import (
    TargetConfig,
    choose_split,
    judge,
    report,
    split_digest,
    write_verdicts,
)
from archive_colorizer.errors import ConfigError


def encoded(saturation: float, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, (4, 5, 3)).astype(np.float32)
    gray = colour.mean(axis=2, keepdims=True)
    mixed = (gray + saturation * (colour - gray)).clip(0, 255).astype(np.uint8)
    large = cv2.resize(mixed, (60, 48), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".png", large)[1].tobytes()


@pytest.fixture
def pictures() -> list[Picture]:
    vivid = encoded(1.0)
    return [
        Picture("vivid", vivid),
        Picture("again", vivid),
        Picture("grey", encoded(0)),
        Picture("pale", encoded(0.05)),
        Picture("cut", b"\x89PNG nothing more"),
        Picture("empty", b""),
    ]


def test_every_picture_has_a_verdict_and_a_reason(pictures: list[Picture]) -> None:
    found = {v.name: v.reason for v in judge(pictures, TargetConfig())}
    assert found == {
        "vivid": "",
        "again": "duplicate",
        "grey": "grey",
        "pale": "not colourful",
        "cut": "unreadable",
        "empty": "unreadable",
    }


def test_the_report_counts_what_was_left_out_and_why(pictures: list[Picture]) -> None:
    text = report(judge(pictures, TargetConfig()))
    assert "6 pictures, 1 kept" in text
    assert "5 left out" in text
    assert "2 unreadable" in text
    assert report(()) == "no pictures"


def test_the_split_depends_on_content_only(pictures: list[Picture]) -> None:
    many = [Picture(f"a{i}", encoded(1, i)) for i in range(40)]
    there = judge(many, TargetConfig())
    back = judge([Picture(f"b{i}", p.target) for i, p in enumerate(reversed(many))], TargetConfig())
    assert {v.sha256: v.split for v in there} == {v.sha256: v.split for v in back}
    assert split_digest(there) == split_digest(back)
    assert split_digest(there) != split_digest(judge(many, TargetConfig(seed=1)))


def test_four_in_five_are_for_training() -> None:
    share = np.mean([choose_split(f"{i:064x}", 0.8, 0) == "train" for i in range(4000)])
    assert share == pytest.approx(0.8, abs=0.02)


def test_the_table_is_written_whole(tmp_path: Path, pictures: list[Picture]) -> None:
    write_verdicts(judge(pictures, TargetConfig()), tmp_path / "verdicts.parquet")
    rows = pq.read_table(tmp_path / "verdicts.parquet").to_pylist()
    assert [row["name"] for row in rows] == [picture.name for picture in pictures]
    assert [path.name for path in tmp_path.iterdir()] == ["verdicts.parquet"]


@pytest.mark.parametrize("bad", [{"min_colourfulness": -1}, {"train_share": 0}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        TargetConfig(**bad)


def test_what_the_data_says_of_its_split_goes_before_the_hash() -> None:
    many = [Picture(f"a{i}", encoded(1, i), split="test") for i in range(5)]
    assert {v.split for v in judge(many, TargetConfig())} == {"test"}


def test_sepia_is_found_however_strong_it_is() -> None:
    rng = np.random.default_rng(0)
    small = rng.uniform(0.1, 0.9, (6, 8, 1)).astype(np.float32)
    gray = cv2.resize(small, (64, 48), interpolation=cv2.INTER_CUBIC)[..., None].clip(0, 1)
    sepia = (gray * np.float32([120, 180, 250])).astype(np.uint8)  # blue, green, red
    data = cv2.imencode(".png", sepia)[1].tobytes()
    (verdict,) = judge([Picture("sepia", data)], TargetConfig())
    assert verdict.colourfulness > 20
    assert verdict.reason == "one tone"
    (kept,) = judge([Picture("sepia", data)], TargetConfig(min_colourfulness=0))
    assert kept.kept
