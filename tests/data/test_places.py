"""DATA in an object store or named by an inventory gives what the same folder gives here."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landscapes import landscape

from archive_colorizer.cli.main import main
from archive_colorizer.data.library import DataConfig, Library, encode, gather
from archive_colorizer.data.local_copies import training_folder
from archive_colorizer.data.places import hash_listing, open_place
from archive_colorizer.data.sources import Picture, pictures
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.storage import open_store, s3, s3_ranges


def write_inventory(
    photos: Path, columns: str = "uri", tails: dict[str, str] | None = None
) -> Path:
    """An inventory beside the photographs: one row a picture, with more cells for some."""
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    blank = "," * columns.count(",")
    rows = [f"{name}{(tails or {}).get(name, blank)}" for name in names]
    (photos / "list.csv").write_text("\n".join([columns, *rows]) + "\n")
    return photos / "list.csv"


def upload(folder: Path, bucket: str, prefix: str) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            boto3.client("s3").upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{prefix}"


def png(seed: int) -> bytes:
    return encode(landscape(seed), lossless=True)


def test_an_inventory_gives_what_its_folder_gives(photos: Path) -> None:
    listed = list(pictures(str(write_inventory(photos))))
    assert listed == list(pictures(str(photos)))


def test_a_sensitive_row_is_never_opened_and_one_without_its_file_is_said(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tails = {"01.png": ", Restricted", "02.png": ",secret"}
    table = write_inventory(photos, "uri,sensitivity", tails)
    (photos / "04.png").unlink()
    found = {p.name: p for p in pictures(str(table))}
    assert found["01.png"] == Picture(
        "01.png", b"", problem="its sensitivity is Restricted: not opened"
    )
    assert found["02.png"].target
    assert main(["data", "inspect", str(table), "--sensitive", "secret"]) == 0
    said = capsys.readouterr().out
    assert "21 pictures, 18 kept" in said
    assert "  02.png: its sensitivity is secret: not opened" in said
    assert "  04.png: No such file or directory" in said
    gathered = gather(DataConfig(data=str(table)), tmp_path / "data")
    rows = pq.read_table(tmp_path / "data" / "verdicts.parquet").to_pylist()
    details = {row["name"]: row["detail"] for row in rows if row["reason"] == "unreadable"}
    assert details == {
        "01.png": "its sensitivity is Restricted: not opened", "04.png": "No such file or directory"
    }  # fmt: skip
    assert "04.png: No such file or directory" in gathered.report


def test_rows_that_cannot_be_understood_are_said_and_stop_no_other(photos: Path) -> None:
    table = write_inventory(photos, "uri,md5", {"05.png": ",nonsense"})
    with table.open("a") as file:
        file.write(" ,\n")
    problems = {p.name: p.problem for p in pictures(str(table)) if p.problem}
    assert len(problems) == 2
    assert "'nonsense' is not a MD5" in problems["05.png"]
    assert "row 23: the uri is empty" in problems["list.csv#row-23"]


def test_a_picture_that_has_not_the_checksum_of_its_row_is_left_out(photos: Path) -> None:
    right = hashlib.md5((photos / "04.png").read_bytes(), usedforsecurity=False).hexdigest()
    table = write_inventory(photos, "uri,MD5", {"04.png": f",{right}", "05.png": f",{right}"})
    problems = {p.name: p.problem for p in pictures(str(table)) if p.problem}
    assert list(problems) == ["05.png"]
    assert problems["05.png"].endswith(f"the inventory says {right}")


def test_a_parquet_file_is_an_inventory_by_its_column_uri(photos: Path) -> None:
    names = [path.relative_to(photos).as_posix() for path in sorted(photos.rglob("*.png"))]
    pq.write_table(pa.table({"uri": names}), photos / "list.parquet")
    place = open_place(str(photos / "list.parquet"))
    assert [p.name for p in pictures(place)] == [p.name for p in pictures(place)]
    assert len(list(pictures(place))) == 21
    pq.write_table(pa.table({"image": [png(1)], "uri": ["x"]}), photos / "list.parquet")
    assert [p.target for p in pictures(str(photos / "list.parquet"))] == [png(1)]


def test_an_inventory_without_uri_or_without_rows_is_one_line(photos: Path) -> None:
    (photos / "list.csv").write_text("path\nx\n")
    with pytest.raises(ConfigError, match="an inventory needs a column 'uri'"):
        open_place(str(photos / "list.csv"))
    (photos / "list.csv").write_text("uri\n")
    with pytest.raises(LocationError, match=r"list\.csv: the inventory names no pictures"):
        open_place(str(photos / "list.csv"))
    with pytest.raises(LocationError, match=r"absent\.csv: does not exist"):
        open_place(str(photos / "absent.csv"))


def test_a_folder_is_a_folder_whatever_its_name(photos: Path) -> None:
    wanted = list(pictures(str(photos)))
    renamed = photos.rename(photos.with_suffix(".csv"))
    assert list(pictures(str(renamed))) == wanted


def test_pairs_may_be_named_by_an_inventory(tmp_path: Path) -> None:
    for side, seed in (("source", 1), ("target", 2)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "x.png").write_bytes(png(seed))
    table = write_inventory(tmp_path)
    assert list(pictures(str(table))) == [Picture("x", png(2), png(1))]


def put_photos(folder: Path) -> None:
    put(folder, {name: len(name) for name in ("b.png", "a b/사진 #1.png", "a/deep.png", "n.txt")})


def put_pairs(folder: Path) -> None:
    put(folder, {f"{side}/{n}.png": n + len(side) for side in ("grey", "colour") for n in range(3)})


def put_unpaired(folder: Path) -> None:
    put(folder, {f"{part}/x.png": len(part) for part in ("trainA", "trainB", "testB")})


def put_domains(folder: Path) -> None:
    put(folder, {"spring/x.png": 1, "autumn/x.png": 2})


def put(folder: Path, files: dict[str, int]) -> None:
    for name, seed in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(png(seed))


def put_shards(folder: Path) -> None:
    table = {"image": [png(i) for i in range(250)], "name": [str(i) for i in range(250)]}
    for number in range(2):
        pq.write_table(pa.table(table), folder / f"{number}.parquet", row_group_size=50)


def put_lab(folder: Path) -> None:
    lab = np.stack([rgb_to_lab(landscape(seed)) for seed in range(3)])
    np.save(folder / "L.npy", lab[..., :1])
    np.save(folder / "ab.npy", lab[..., 1:])


@pytest.mark.s3
@pytest.mark.parametrize(
    ("make", "more"),
    [
        (put_photos, ()),
        (put_pairs, ()),
        (put_unpaired, ()),
        (put_domains, ("auto", ("spring", "autumn"))),
        (put_shards, ()),
        (put_lab, ()),
    ],
)
def test_every_layout_is_the_same_in_a_store(
    make: Callable[[Path], None],
    more: tuple[Any, ...],
    tmp_path: Path,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    make(tmp_path / "here")
    there = upload(tmp_path / "here", bucket, "deep/data")
    monkeypatch.setattr(s3, "SPOOL_BYTES", 1000)  # arrays go through a temporary file
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    wanted = list(pictures(str(tmp_path / "here"), *more))
    assert wanted
    assert list(pictures(there, *more)) == wanted
    assert list(pictures(f"{there}/", *more)) == wanted
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.s3
def test_of_a_shard_the_parts_are_fetched_that_are_read(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).bytes
    table = pa.table({"image": [noise(20_000) for _ in range(500)], "name": ["x"] * 500})
    pq.write_table(table, tmp_path / "big.parquet", row_group_size=100, compression="none")
    key = upload(tmp_path, bucket, "in") + "/big.parquet"
    fetched = []
    kept = s3_ranges._Ranges.readinto

    def counting(self: object, buffer: object) -> int:
        fetched.append(kept(self, buffer))
        return fetched[-1]

    monkeypatch.setattr(s3_ranges._Ranges, "readinto", counting)
    size = (tmp_path / "big.parquet").stat().st_size
    first = next(iter(pictures(key)))
    assert first.target == table["image"][0].as_py()
    assert 0 < sum(fetched) < size / 2


@pytest.mark.s3
def test_what_is_not_there_is_one_line(
    bucket: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, said in [
        (f"s3://{bucket}/nothing", "does not exist: no object's key begins so"),
        (f"s3://{bucket}-x/nothing", "there is no such bucket (NoSuchBucket)"),
        (f"s3://{bucket}/list.csv", "cannot read the inventory: [Errno 2] there is no such"),
        (f"s3://{bucket}/a.parquet", "there is no such object"),
    ]:
        assert main(["data", "inspect", data]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith(f"archive-colorizer: {data}: "), line
        assert said in line
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    s3.client.cache_clear()
    assert main(["data", "inspect", f"s3://{bucket}/in"]) == 2
    assert "the secret key is wrong" in capsys.readouterr().err
    s3.client.cache_clear()


@pytest.mark.s3
def test_an_inventory_in_a_store_names_objects(photos: Path, bucket: str) -> None:
    place = upload(photos, bucket, "in")
    lines = [
        "uri,sensitivity", "05.png,", f"{place}/more/00.png,", "gone.png,", "07.png,closed",
    ]  # fmt: skip
    open_store(place).write_atomic("list.csv", "\n".join(lines).encode())
    found = {p.name: p for p in pictures(f"{place}/list.csv")}
    assert found["05.png"].target == (photos / "05.png").read_bytes()
    assert found["more/00.png"].target == (photos / "more" / "00.png").read_bytes()
    assert "there is no such object" in found["gone.png"].problem
    assert found["07.png"].problem == "its sensitivity is closed: not opened"


@pytest.mark.s3
def test_pictures_are_gathered_into_a_store_and_found_there_by_another_machine(
    photos: Path, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run = upload(photos, bucket, "in"), f"s3://{bucket}/run/data"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    first = gather(DataConfig(data=data), run)
    here = gather(DataConfig(data=str(photos)), tmp_path / "data")
    assert first.train == f"{run}/train.arrow"
    assert first.split_sha256 == here.split_sha256
    keys = {entry.key for entry in open_store(run).list()}
    assert keys == {"data.json", "train.arrow", "test.arrow", "verdicts.parquet"}
    assert [path.suffix for path in training_folder().rglob("*.arrow")] == [".arrow"] * 2

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    monkeypatch.setattr("archive_colorizer.data.library._Gatherer", None)
    assert gather(DataConfig(data=data), run) == first
    there, mine = Library(first.train), Library(here.train)
    assert [item.name for item in there] == [item.name for item in mine]
    assert np.array_equal(there[3].target, mine[3].target)
    assert len(list(training_folder().rglob("*.arrow"))) == 1


@pytest.mark.s3
def test_a_newer_library_takes_the_older_ones_place_here(
    photos: Path, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data, run = upload(photos, bucket, "in"), f"s3://{bucket}/run/data"
    before = hash_listing(open_place(data))
    first = Library(gather(DataConfig(data=data), run).train)
    open_store(data).write_atomic("new.png", png(77))
    assert hash_listing(open_place(data)) != before
    gathered = gather(DataConfig(data=data), run)
    both = len(Library(gathered.train)) + len(Library(gathered.test))
    assert both == 21
    assert first[0].target.shape == (40, 48, 3)  # still mapped
    assert len(list(training_folder().rglob("*.arrow"))) == 2


@pytest.mark.s3
def test_data_commands_read_and_write_a_store(
    photos: Path, bucket: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data, out = upload(photos, bucket, "in"), f"s3://{bucket}/out"
    assert main(["data", "inspect", data, "--csv", f"{out}/all.csv"]) == 0
    assert "21 pictures, 20 kept" in capsys.readouterr().out
    assert len(open_store(out).read("all.csv").splitlines()) == 22
    assert main(["data", "filter", data, f"{out}/kept/"]) == 0
    assert len(list(pictures(f"{out}/kept"))) == 20
    assert open_store(out).exists("kept/verdicts.table")
    capsys.readouterr()
    assert main(["data", "filter", data, f"{out}/kept"]) == 2
    assert f"{out}/kept: is not empty" in capsys.readouterr().err
    assert main(["data", "pairs", data, f"{out}/pairs", "--size", "32", "--limit", "3"]) == 0
    assert main(["data", "pairs", str(photos), str(tmp_path / "p"), "--size", "32",
                 "--limit", "3"]) == 0  # fmt: skip
    assert list(pictures(f"{out}/pairs")) == list(pictures(str(tmp_path / "p")))


@pytest.mark.s3
def test_an_endpoint_may_be_named(
    photos: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    data = upload(photos, bucket, "in")
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3.client.cache_clear()
    assert main(["data", "inspect", data, "--s3-endpoint", endpoint]) == 0
    s3.client.cache_clear()
