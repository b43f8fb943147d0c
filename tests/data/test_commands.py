"""`data inspect | filter | pairs`, by the command line."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from landscapes import landscape

from archive_colorizer.cli.main import main
from archive_colorizer.data.library import DataConfig, Library, gather
from archive_colorizer.data.sources import pictures


def test_inspect_says_what_is_there(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "inspect", str(photos), "--csv", str(tmp_path / "all.csv")]) == 0
    out = capsys.readouterr().out
    assert "21 pictures, 20 kept" in out
    assert "grey.png: grey (0.0)" in out
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 22


def test_filter_writes_shards_that_train_reads(photos: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*.png")}
    assert main(["data", "filter", str(photos), str(tmp_path / "kept")]) == 0
    assert {path: path.read_bytes() for path in photos.rglob("*.png")} == before
    kept = list(pictures(str(tmp_path / "kept")))
    assert len(kept) == 20
    assert {picture.split for picture in kept} == {"train", "test"}
    gathered = gather(DataConfig(data=str(tmp_path / "kept")), tmp_path / "data")
    assert len(Library(gathered.train)) == sum(p.split == "train" for p in kept)
    rows = pq.read_table(tmp_path / "kept" / "verdicts.table").to_pylist()
    assert [row["reason"] for row in rows if not row["kept"]] == ["grey"]


@pytest.mark.parametrize("style", ["grey", "old", "monet", "comic"])
def test_pairs_are_made_alike_each_time(photos: Path, tmp_path: Path, style: str) -> None:
    command = ["data", "pairs", str(photos), "--style", style, "--size", "48", "--limit", "3"]
    for name in ("one", "two"):
        assert main([*command[:3], str(tmp_path / name), *command[3:]]) == 0
    names = sorted(path.name for path in (tmp_path / "one" / "source").iterdir())
    assert len(names) == 3
    for side in ("source", "target"):
        for name in names:
            first, second = (tmp_path / n / side / name for n in ("one", "two"))
            assert first.read_bytes() == second.read_bytes()
    source, target = (
        cv2.imread(str(tmp_path / "one" / s / names[0])) for s in ("source", "target")
    )
    assert source.shape == target.shape == (48, 48, 3)
    assert not np.array_equal(source, target)
    assert (np.ptp(source, axis=2).max() == 0) == (style in {"grey", "old"})


def test_a_folder_that_is_in_use_is_refused(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for what in ("filter", "pairs"):
        assert main(["data", what, str(photos), str(photos)]) == 2
        assert "is not empty" in capsys.readouterr().err


def test_nothing_kept_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "grey").mkdir()
    flat = landscape(0).mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "grey" / "a.png"), flat)
    assert main(["data", "filter", str(tmp_path / "grey"), str(tmp_path / "kept")]) == 2
    assert "nothing is kept of 1 pictures" in capsys.readouterr().err
