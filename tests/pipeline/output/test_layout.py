"""OUTPUT's place, its own files, and what is tidied up."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging import encode, metadata
from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.pipeline.output import derivatives, disk_reserve, layout, manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.storage.location import uri_of_path

OURS = b'\xff\xd8 arcol:rowId="' + b"a" * 64 + b'" \xff\xd9'


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def rows(*values: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(SCHEMA.names) | value for value in values], SCHEMA)


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("in", "in", "may not be SOURCE"),
        ("in", "in/out", "inside SOURCE"),
        ("in/deep", "in", "around SOURCE"),
        ("in", "in/../in/x/..", "may not be SOURCE"),
        ("in", "link", "may not be SOURCE"),
        ("in", "link/out", "inside SOURCE"),
        ("link/deep", "in", "around SOURCE"),
        ("in/list.csv", "in", "around SOURCE"),
    ],
)
def test_masters_and_derivatives_may_not_meet(
    tmp_path: Path, source: str, place: str, words: str
) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("in")
    for spell in (str, uri_of_path):
        with pytest.raises(LocationError, match=words):
            layout.check_apart(spell(str(tmp_path / source)), spell(f"{tmp_path}/{place}"))


def test_places_that_only_look_alike_are_apart(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout.check_apart(str(tmp_path / "in"), str(tmp_path / "in2"))
    layout.check_apart(str(tmp_path / "in/list.csv"), str(tmp_path / "in/out"))


def test_no_picture_of_an_inventory_may_lie_in_output(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    far, near = (uri_of_path(tmp_path / name) for name in ("in/a.jpg", "link/a.jpg"))
    layout.check_masters_apart(pa.chunked_array([[far, far]]), str(tmp_path / "out"))
    with pytest.raises(LocationError, match="may not hold masters"):
        layout.check_masters_apart(pa.chunked_array([[far, near]]), str(tmp_path / "out"))


def test_masters_beside_the_root_are_not_taken_for_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layout.check_masters_apart(pa.chunked_array([["file:///a.jpg"]]), str(tmp_path))


def test_preparing_leaves_nothing_behind(store: LocalStore) -> None:
    layout.prepare(store)
    assert list(store.list()) == []


def test_an_output_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(LocationError, match="cannot be written") as caught:
        layout.prepare(LocalStore(tmp_path / "out"))
    assert "\n" not in str(caught.value)


def test_the_job_file_is_written_whole_and_read_back(store: LocalStore) -> None:
    assert layout.read_job(store) == {}
    layout.write_job(store, {"name": "Straße", "listed": 3})
    assert layout.read_job(store) == {"name": "Straße", "listed": 3}
    store.write_atomic(layout.JOB, b"{")
    with pytest.raises(LocationError, match=r"job\.json: cannot be read"):
        layout.read_job(store)


def test_a_start_removes_the_temporaries_of_a_dead_run(store: LocalStore) -> None:
    store.write_atomic(".tmp/dead/half", b"x")
    store.write_atomic("a.jpg", b"x")
    layout.recover(store)
    assert [entry.key for entry in store.list()] == ["a.jpg"]


def test_derivatives_that_only_history_names_are_deleted_if_they_are_ours(
    store: LocalStore,
) -> None:
    files = {"new.jpg": OURS, "old.jpg": OURS, "theirs.jpg": b"not ours", "waiting.jpg": OURS}
    for key, data in files.items():
        store.write_atomic(key, data)
    outside = store.root.parent / "master.jpg"
    outside.write_bytes(OURS)

    def row(source: str, uri: str | None, status: str = "ok") -> dict[str, Any]:
        row_id = f"{source}{uri}"
        return {
            "row_id": row_id, "source_uri": source, "page": 0, "status": status,
            "derivative_uri": uri,
        }  # fmt: skip

    new, old, theirs, waiting = map(store.uri_of, files)
    manifest.write_part(store, rows(row("s1", new), row("s2", None, "failed")))
    before = [
        row("s1", old), row("s1", new), row("s1", theirs), row("s1", uri_of_path(outside)),
        row("s1", store.uri_of("gone.jpg")), row("s1", None), row("s2", waiting),
    ]  # fmt: skip
    manifest.write_part(store, rows(*before), f"{manifest.HISTORY}/job")
    assert derivatives.remove_superseded(store) == 1
    left = {entry.key for entry in store.list() if not layout.is_own_file(entry.key)}
    assert left == {"new.jpg", "theirs.jpg", "waiting.jpg"}
    assert outside.exists()
    assert derivatives.remove_superseded(store) == 0


@pytest.mark.parametrize("image_format", ["jpeg", "png", "tiff"])
def test_a_large_derivative_is_known_by_its_head(
    store: LocalStore, image_format: encode.Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (1500, 1200, 3), np.uint8)
    sink = io.BytesIO()
    exif = b"Exif\0\0" + Image.Exif().tobytes().removeprefix(b"Exif\0\0") + bytes(60_000)
    tags = metadata.Tags(xmp=metadata.build_xmp({"rowId": "b" * 64}), exif=exif, dpi=(300, 300))
    encode.encode(WholePicture(rgb), sink, encode.Settings(image_format), tags)
    assert len(sink.getvalue()) > derivatives.HEAD_BYTES
    store.write_atomic("large", sink.getvalue())
    store.write_atomic("theirs", bytes(2 * derivatives.HEAD_BYTES) + OURS)
    monkeypatch.setattr(store, "open", None)  # which would hand the whole file over
    monkeypatch.setattr(
        store, "read_head", lambda key, size: store.path_of(key).read_bytes()[:size]
    )
    assert derivatives.read_labels(store, "large")["rowId"] == "b" * 64
    assert not derivatives.read_labels(store, "theirs")


def test_without_history_nothing_is_deleted(store: LocalStore) -> None:
    assert derivatives.remove_superseded(store) == 0


def test_a_key_comes_back_from_its_uri_whatever_its_bytes(store: LocalStore) -> None:
    key = os.fsdecode(b"a%/Stra\xdfe \xc3\xbc.jpg")
    assert store.key_of(store.uri_of(key)) == key


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("job.json", True), ("job.lock", True), ("manifest/part-1.parquet", True),
        ("history/j/part-1.parquet", True), (".tmp/x/y", True),
        ("manifest_/a.jpg", False), ("a/manifest/b.jpg", False), ("job.json.jpg", False),
    ],
)  # fmt: skip
def test_the_jobs_own_files_are_told_from_derivatives(key: str, own: bool) -> None:
    assert layout.is_own_file(key) is own


def test_room_is_kept_and_given_back_slice_by_slice(store: LocalStore) -> None:
    disk_reserve.keep(store)
    assert sum(entry.size_bytes for entry in store.list(disk_reserve.FOLDER)) == disk_reserve.BYTES
    for _ in range(disk_reserve.SLICES):
        assert disk_reserve.release(store)
    assert not disk_reserve.release(store)
    assert list(store.list()) == []


def test_no_room_is_one_clear_line(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_atomic", full)
    with pytest.raises(LocationError, match="no room for 8 MiB: No space left"):
        disk_reserve.keep(store)
