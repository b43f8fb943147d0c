"""Workspaces: a folder here, or a temporary one whose files are brought to a store."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.storage import S3Settings, open_store
from archive_colorizer.storage.workspace import Workspace


@pytest.fixture(autouse=True)
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_on_this_machine_it_is_the_folder_itself(tmp_path: Path, tmp: Path) -> None:
    with Workspace(str(tmp_path / "a" / "b")) as work:
        assert work.is_empty()
        work.check_writable()
        (work.here / "x").write_bytes(b"1")
        work.publish(drop=True)
        work.fetch("x")
        assert not work.is_empty()
    assert (tmp_path / "a" / "b" / "x").read_bytes() == b"1"
    assert list(tmp.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(LocationError, match="cannot write there"):
        Workspace(str(tmp_path / "file" / "b")).check_writable()


def test_a_temporary_folder_goes_with_its_process_even_if_that_was_killed(tmp: Path) -> None:
    said = "from archive_colorizer.storage.workspace import Workspace as W\n"
    said += "import sys, time\nw = W('s3://b/x')\nprint(w.here, flush=True)\ntime.sleep(600)"
    env = os.environ | {"TMPDIR": str(tmp), "AWS_DEFAULT_REGION": "us-east-1"}
    first, second = (
        subprocess.Popen([sys.executable, "-c", said], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        assert first.stdout is not None
        assert second.stdout is not None
        mine, other = (Path(one.stdout.readline().strip()) for one in (first, second))
        (mine / "last.pt").write_bytes(b"large")
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert mine.exists()
        with Workspace("s3://b/x") as work:
            assert not mine.exists()
            assert other.exists(), "its process is alive"
            assert work.here.exists()
        assert not work.here.exists()
    finally:
        for one in (first, second):
            one.kill()
            one.wait()
            assert one.stdout is not None
            one.stdout.close()


@pytest.mark.s3
def test_what_changed_is_brought_to_the_store_and_no_more(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"s3://{bucket}/run"
    sent: list[str] = []
    from archive_colorizer.storage.s3 import S3Store

    kept = S3Store.put_file

    def counting(self: S3Store, key: str, path: Path) -> None:
        sent.append(key)
        kept(self, key, path)

    monkeypatch.setattr(S3Store, "put_file", counting)
    with Workspace(place) as work:
        assert work.is_empty()
        work.check_writable()
        (work.here / "deep").mkdir()
        for name in ("a", "b", "deep/c", ".hidden"):
            (work.here / name).write_bytes(name.encode())
        work.publish(last=("a",))
        assert sent == ["b", "deep/c", "a"]
        work.publish()
        (work.here / "b").write_bytes(b"new")
        work.publish(only="a")
        assert sent == ["b", "deep/c", "a"]
        work.publish(drop=True)
        assert sent == ["b", "deep/c", "a", "b"]
        assert not (work.here / "b").exists()
        assert work.read_end("b", 2) == b"ew"
    with Workspace(place) as work:
        work.fetch("b", "absent", "deep/c")
        assert (work.here / "b").read_bytes() == b"new"
        assert not (work.here / "absent").exists()
        work.publish()
        assert sent == ["b", "deep/c", "a", "b"], "what was fetched is there"
        assert work.exists("deep/c")
        assert not work.is_empty()


@pytest.mark.s3
def test_a_store_that_refuses_is_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from archive_colorizer.storage import s3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test:reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "reading")
    s3.client.cache_clear()
    place = f"s3://{bucket}/run"
    with Workspace(place) as work:
        for call in (work.check_writable, work.is_empty, lambda: work.fetch("x")):
            with pytest.raises(LocationError, match=f"{place}: .*these credentials may not do"):
                call()
    s3.client.cache_clear()


@pytest.mark.s3
def test_the_store_is_a_file_system_of_pyarrow(bucket: str, tmp_path: Path) -> None:
    from pyarrow import fs

    from archive_colorizer.storage.arrow import object_file_system

    here = pickle.loads(pickle.dumps(object_file_system(S3Settings())))  # noqa: S301 (our own)
    assert here == object_file_system(S3Settings())
    assert here != object_file_system(S3Settings(anonymous=True))
    (tmp_path / "from" / "deep").mkdir(parents=True)
    (tmp_path / "from" / "a").write_bytes(bytes(range(256)) * 5000)
    (tmp_path / "from" / "deep" / "b").write_bytes(b"b")
    disk, root = fs.LocalFileSystem(), f"{bucket}/x"
    for source, target, one, other in [
        (disk, here, str(tmp_path / "from"), root), (here, disk, root, str(tmp_path / "to")),
    ]:  # fmt: skip
        fs.copy_files(one, other, source, target)
    assert (tmp_path / "to" / "a").read_bytes() == (tmp_path / "from" / "a").read_bytes()
    assert (tmp_path / "to" / "deep" / "b").read_bytes() == b"b"
    found = {info.path: info.type for info in here.get_file_info(fs.FileSelector(root))}
    assert found == {f"{root}/a": fs.FileType.File, f"{root}/deep": fs.FileType.Directory}
    kinds = [here.get_file_info(f"{root}/{name}").type for name in ("a", "deep", "absent")]
    assert kinds == [fs.FileType.File, fs.FileType.Directory, fs.FileType.NotFound]
    with pytest.raises(FileNotFoundError):
        here.get_file_info(fs.FileSelector(f"{bucket}/absent"))
    here.move(f"{root}/a", f"{root}/c")
    here.delete_dir(f"{root}/deep")
    assert [entry.key for entry in open_store(f"s3://{bucket}").list()] == ["x/c"]
