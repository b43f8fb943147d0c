"""A file of this machine appears whole or not at all."""

from pathlib import Path

import pytest

from archive_colorizer.storage.atomic import atomic_path, write_atomic


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for data, kept in (("ä", "ä".encode()), (b"2", b"2")):
        write_atomic(path, data)
        assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_earlier_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, "1")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert [(one, one.read_text()) for one in tmp_path.iterdir()] == [(path, "1")]


def test_what_a_killed_writer_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with atomic_path(path) as temporary:
        temporary.write_text("whole", encoding="utf-8")
        left = temporary
    left.write_text("left by a killed process", encoding="utf-8")
    write_atomic(path, "again")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.json", "again")]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "a", b"")
