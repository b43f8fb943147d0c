"""Folders as a store: names, listing, and publication that is whole or not at all."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.errors import LocationError
from archive_colorizer.storage import DEFAULT_S3, open_store, open_uri
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.storage.location import TEMPORARIES, path_of_uri, uri_of_path

NAME_BYTES = st.binary(min_size=1, max_size=40).filter(
    lambda raw: not set(raw) & {0, ord("/")} and raw not in {b".", b".."}
)


class BurntError(Exception):
    """Raised in the middle of a write."""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "place")


def files_of(store: LocalStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if not path.is_dir()]


@given(NAME_BYTES)
def test_any_name_survives_the_way_through_a_uri(raw: bytes) -> None:
    path = b"/archive/" + raw
    uri = uri_of_path(os.fsdecode(path))
    assert uri.isascii()
    assert os.fsencode(path_of_uri(uri)) == path


def test_a_name_that_is_not_utf8_is_listed_and_opened_by_its_uri(store: LocalStore) -> None:
    store.root.mkdir()
    raw = b"Stra\xdfe 100%.jpg"
    Path(os.fsdecode(os.fsencode(store.root) + b"/" + raw)).write_bytes(b"x")
    (entry,) = store.list()
    assert os.fsencode(entry.key) == raw
    assert entry.uri == store.uri + "Stra%DFe%20100%25.jpg" == store.uri_of(entry.key)
    with open_uri(entry.uri, DEFAULT_S3) as file:
        assert file.read() == b"x"
    assert store.read(entry.key) == b"x"


def test_a_listing_is_deep_and_in_a_stable_order_with_size_and_time(store: LocalStore) -> None:
    for key in ("b/2", "a", "b/c/3", "B"):
        store.write_atomic(key, key.encode())
    store.delete_tree(TEMPORARIES)
    entries = list(store.list())
    assert [entry.key for entry in entries] == ["B", "a", "b/2", "b/c/3"]
    assert [entry.key for entry in store.list("b")] == ["b/2", "b/c/3"]
    assert [entry.key for entry in store.list("b/")] == ["b/2", "b/c/3"]
    stat = (store.root / "b/c/3").stat()
    assert (entries[3].size_bytes, entries[3].mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def test_a_folder_that_is_not_there_lists_nothing(store: LocalStore) -> None:
    assert list(store.list()) == list(store.list("nowhere")) == []


def test_links_to_folders_are_followed_but_not_round_in_circles(store: LocalStore) -> None:
    (store.root / "a/b").mkdir(parents=True)
    (store.root / "a/one").write_bytes(b"1")
    (store.root / "a/b/up").symlink_to(store.root / "a")
    (store.root / "root").symlink_to(store.root)
    (store.root / "twin").symlink_to("a")
    assert [entry.key for entry in store.list()] == ["a/one", "twin/one"]


def test_a_link_to_nothing_and_a_link_to_itself_are_listed_as_empty(store: LocalStore) -> None:
    store.root.mkdir()
    (store.root / "gone.jpg").symlink_to("nowhere")
    (store.root / "self.jpg").symlink_to("self.jpg")
    assert [(e.key, e.size_bytes) for e in store.list()] == [("gone.jpg", 0), ("self.jpg", 0)]


def test_sockets_and_pipes_are_not_listed(store: LocalStore) -> None:
    store.root.mkdir()
    os.mkfifo(store.root / "pipe.jpg")
    assert list(store.list()) == []


def test_a_staged_file_is_seen_only_when_it_is_whole(store: LocalStore) -> None:
    with store.staged("deep/er/x", "run", replace=False) as file:
        file.write(b"half")
        assert not store.exists("deep/er/x")
        assert [path.parent.parent.name for path in files_of(store)] == [TEMPORARIES]
    assert store.read("deep/er/x") == b"half"
    assert files_of(store) == [store.root / "deep/er/x"]


@pytest.mark.parametrize("replace", [False, True])
def test_an_error_inside_the_block_leaves_nothing(store: LocalStore, replace: bool) -> None:
    def write() -> None:
        with store.staged("x", "run", replace=replace) as file:
            file.write(b"half")
            raise BurntError

    with pytest.raises(BurntError):
        write()
    assert files_of(store) == []


def test_an_error_while_replacing_leaves_the_earlier_file(store: LocalStore) -> None:
    store.write_atomic("x", b"old")

    def write() -> None:
        with store.staged("x", "run", replace=True) as file:
            file.write(b"new")
            raise BurntError

    with pytest.raises(BurntError):
        write()
    assert store.read("x") == b"old"


def test_an_existing_file_is_replaced_only_when_asked(store: LocalStore) -> None:
    assert store.create("x", b"first")
    assert not store.create("x", b"second")

    def write() -> None:
        with store.staged("x", "run", replace=False) as file:
            file.write(b"third")

    with pytest.raises(FileExistsError):
        write()
    assert store.read("x") == b"first"
    assert files_of(store) == [store.root / "x"]
    store.write_atomic("x", b"fourth")
    assert store.read("x") == b"fourth"


def test_a_link_to_nothing_is_in_the_way_too(store: LocalStore) -> None:
    store.root.mkdir()
    (store.root / "x").symlink_to("nowhere")
    assert store.exists("x")
    assert not store.create("x", b"new")
    assert (store.root / "x").is_symlink()
    assert not (store.root / "nowhere").exists()


def test_without_hard_links_an_existing_file_is_still_refused(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    assert store.create("x", b"first")
    assert not store.create("x", b"second")
    assert store.read("x") == b"first"
    assert files_of(store) == [store.root / "x"]


def test_of_many_creators_at_once_exactly_one_wins(store: LocalStore) -> None:
    won: list[int] = []
    start = threading.Barrier(8)

    def run(number: int) -> None:
        start.wait()
        if store.create("x", b"%d" % number):
            won.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read("x")] == [b"%d" % number for number in won]


@pytest.mark.parametrize(("size", "head"), [(2, b"ab"), (3, b"abc"), (9, b"abc")])
def test_a_head_has_the_first_bytes_and_no_more(store: LocalStore, size: int, head: bytes) -> None:
    store.write_atomic("x", b"abc")
    assert store.read_head("x", size) == head
    with pytest.raises(FileNotFoundError):
        store.read_head("y", size)


def test_deleting_what_is_not_there_is_no_error(store: LocalStore) -> None:
    store.delete("x")
    store.delete_tree("y")
    store.write_atomic("y/x", b"")
    store.delete_tree("y")
    assert not store.exists("y/x")


def test_a_location_is_a_folder_or_a_file_uri(tmp_path: Path) -> None:
    folder = tmp_path / "a b%"
    assert open_store(str(folder)).uri == open_store(uri_of_path(folder)).uri
    assert open_store(str(folder)).uri.endswith("/a%20b%25/")


@pytest.mark.parametrize("location", ["gs://bucket/x", "https://host/x"])
def test_other_schemes_are_refused_in_one_line(location: str) -> None:
    with pytest.raises(LocationError, match=location) as caught:
        open_store(location)
    assert "\n" not in str(caught.value)
    with pytest.raises(OSError, match=location):
        open_uri(location, DEFAULT_S3)


def test_opening_a_file_that_is_not_there_is_an_os_error(store: LocalStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.open("x")
    with pytest.raises(FileNotFoundError):
        open_uri(store.uri_of("x"), DEFAULT_S3)


def test_the_names_of_a_folder_are_flushed_with_those_of_the_folders_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []

    def note(handle: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink()))

    store = LocalStore(tmp_path / "out")
    store.write_atomic("a/b/c", b"x")
    monkeypatch.setattr(os, "fsync", note)
    store.flush_folder("a/b")
    root = str(tmp_path / "out")
    assert flushed == [f"{root}/a/b", f"{root}/a", root]
    with pytest.raises(FileNotFoundError):
        store.flush_folder("none")
