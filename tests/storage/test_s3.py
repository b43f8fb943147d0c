"""The S3 store against a real object store, and moto's server for what that cannot do."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.storage import DEFAULT_S3, S3Settings, open_store, open_uri, s3

pytestmark = pytest.mark.s3
KEYS = ("plain.jpg", "a folder/with spaces & signs+%.jpg", "한국어/사진.jpg", "quote'\"#?.tif",
        "é/" + "n" * 890 + ".png")  # fmt: skip


def test_what_is_written_is_read_and_listed(bucket: str) -> None:
    store = open_store(f"s3://{bucket}/some/place")
    assert store.uri == f"s3://{bucket}/some/place/"
    for number, key in enumerate(KEYS):
        store.write_atomic(key, b"x" * (number + 1))
    found = {entry.key: entry for entry in store.list()}
    assert set(found) == set(KEYS)
    for number, key in enumerate(KEYS):
        assert found[key].size_bytes == number + 1
        assert found[key].etag
        assert found[key].uri == store.uri_of(key)
        assert store.key_of(found[key].uri) == key
        with open_uri(found[key].uri, DEFAULT_S3) as file:
            assert file.read() == b"x" * (number + 1)
    assert [e.key for e in store.list("한국어")] == ["한국어/사진.jpg"]
    assert store.exists("plain.jpg")
    store.delete("plain.jpg")
    store.delete("plain.jpg")
    assert not store.exists("plain.jpg")
    store.delete_tree("a folder")
    assert len(list(store.list())) == len(KEYS) - 2
    with pytest.raises(FileNotFoundError, match="no such object"):
        store.read("plain.jpg")


def test_a_name_is_not_a_prefix_of_another(bucket: str) -> None:
    open_store(f"s3://{bucket}/place").write_atomic("a", b"1")
    open_store(f"s3://{bucket}/places").write_atomic("b", b"2")
    assert [e.key for e in open_store(f"s3://{bucket}/place").list()] == ["a"]


def test_listings_have_pages(bucket: str) -> None:
    store = open_store(f"s3://{bucket}")
    threads = [
        threading.Thread(
            target=lambda start: [store.write_atomic(f"k/{n:05d}", b"") for n in
                                  range(start, start + 151)],
            args=(start,),
        )
        for start in range(0, 1057, 151)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [entry.key for entry in store.list("k")]
    assert len(keys) == len(set(keys)) == 1057
    assert keys == sorted(keys)


def test_a_large_file_goes_in_parts_and_nothing_is_seen_before_its_end(bucket: str) -> None:
    store = open_store(f"s3://{bucket}")
    data = os.urandom(70 << 20)
    with store.staged("large.tif", "t", replace=True) as file:
        file.write(data)
        assert not store.exists("large.tif")
    assert store.read("large.tif") == data
    with pytest.raises(TypeError), store.staged("broken.tif", "t", replace=True) as file:
        file.write([data, "and then the writer fails"])
    assert not store.exists("broken.tif")
    with pytest.raises(FileExistsError), store.staged("large.tif", "t", replace=False) as file:
        file.write(b"other")
    assert store.read("large.tif") == data
    assert [e.key for e in store.list()] == ["large.tif"]


def test_a_head_is_fetched_without_the_rest(bucket: str) -> None:
    store = open_store(f"s3://{bucket}/p")
    store.write_atomic("x", b"abc")
    store.write_atomic("empty", b"")
    assert (store.read_head("x", 2), store.read_head("x", 9)) == (b"ab", b"abc")
    assert store.read_head("empty", 9) == b""
    with pytest.raises(FileNotFoundError):
        store.read_head("y", 9)


def test_a_head_whose_body_breaks_off_is_fetched_again(
    faulty: Any, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    monkeypatch.setattr(s3.time, "sleep", lambda _: None)
    store = open_store(f"s3://{bucket}", S3Settings(endpoint=faulty.url))
    store.write_atomic("x", b"0123456789")
    faulty.faults.extend(["slow_down", "cut", "cut"])
    assert store.read_head("x", 8) == b"01234567"
    assert [fault for _, _, fault in faulty.played] == ["slow_down", "cut", "cut"]


def test_create_is_refused_where_something_is(bucket: str) -> None:
    store = open_store(f"s3://{bucket}")
    assert store.create("lock", b"1")
    assert not store.create("lock", b"2")
    assert store.read("lock") == b"1"


@pytest.mark.parametrize(
    ("env", "name", "text"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret-here"}, "", "the secret key is wrong"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "", "may not|not known|wrong"),
        ({"AWS_ACCESS_KEY_ID": "test:reader", "AWS_SECRET_ACCESS_KEY": "reading"}, "",
         "these credentials may not do that"),
        ({}, "absent-bucket", "no such bucket"),
    ],
)  # fmt: skip
def test_what_the_store_refuses_is_one_clear_line(
    bucket: str, tmp_path: Path, env: dict[str, str], name: str, text: str
) -> None:
    import re

    place = f"s3://{name or bucket}/x"
    command = [sys.executable, "-m", "archive_colorizer", "colorize", place, str(tmp_path)]
    for words in (command, [*command[:4], __file__, place]):
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ | env)
        assert done.returncode == 2, done.stderr
        (line,) = [one for one in done.stderr.splitlines() if "archive-colorizer:" in one]
        assert re.search(text, line), line
        assert "Traceback" not in done.stderr
        assert "wrong-secret-here" not in done.stderr + done.stdout


RACER = """
import sys, time
from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.storage import open_store
sys.stdin.readline()
try:
    with Lock(open_store(sys.argv[1])) as lock:
        time.sleep(7)
        lock.check()
        print("held")
except LockedError:
    print("refused")
"""


def test_of_several_processes_that_race_for_the_lease_one_holds_it(bucket: str) -> None:
    place = f"s3://{bucket}/out"
    for _ in range(2):
        racers = [
            subprocess.Popen([sys.executable, "-c", RACER, place], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
            for _ in range(5)
        ]  # fmt: skip
        time.sleep(2)
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go\n")
            racer.stdin.flush()
        said = [racer.communicate(timeout=120)[0].strip() for racer in racers]
        assert said.count("held") <= 1, said
        assert set(said) <= {"held", "refused"}, said
    with Lock(open_store(place)), pytest.raises(LockedError, match="another run holds it"):
        Lock(open_store(place)).__enter__()


def test_a_store_that_asks_for_less_is_asked_again(faulty: Any, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", S3Settings(endpoint=faulty.url))
    faulty.faults.extend(["slow_down", "error", "reset"])
    store.write_atomic("k", b"0123456789")
    assert [fault for _, _, fault in faulty.played] == ["slow_down", "error", "reset"]
    faulty.faults.extend(["reset", "slow_down"])
    assert [e.key for e in store.list()] == ["k"]
    faulty.faults.extend(["slow_down"])
    assert store.read("k") == b"0123456789"


def test_a_body_that_breaks_off_goes_on_where_it_stopped(
    faulty: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3.time, "sleep", lambda _: None)
    store = open_store(f"s3://{bucket}", S3Settings(endpoint=faulty.url))
    data = os.urandom(3 << 20)
    store.write_atomic("k", data)
    faulty.faults.extend(["cut", "cut", "cut"])
    assert store.read("k") == data
    assert [fault for _, _, fault in faulty.played] == ["cut"] * 3
    faulty.faults.extend(["cut"] * s3.BODY_ATTEMPTS)
    with pytest.raises(OSError, match=r"does not answer|bytes came"):
        store.read("k")


@pytest.mark.slow
def test_a_store_that_is_down_for_a_while_is_waited_for(object_store: Any, bucket: str) -> None:
    store = open_store(f"s3://{bucket}")
    store.write_atomic("a", b"1")
    object_store.stop()
    back = threading.Timer(20, object_store.start)
    back.start()
    try:
        assert store.read("a") == b"1"
    finally:
        back.join()


def test_boto3_sees_what_we_wrote(bucket: str) -> None:
    open_store(f"s3://{bucket}/p").write_atomic("k", b"1")
    answer = boto3.client("s3").get_object(Bucket=bucket, Key="p/k")
    with answer["Body"] as body:
        assert body.read() == b"1"
