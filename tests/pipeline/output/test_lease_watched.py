"""Leases whose time says nothing: from the future, of a late clock, and nonsense."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output import lease as lock_module
from archive_colorizer.pipeline.output.lease import KEY, STALE_S, Lease, Lock, read_lease
from archive_colorizer.storage.local import LocalStore

NONSENSE = [
    b"", b"\0half", b"[]", b"{}", b'"x"', b"null", b"[" * 100_000,
    b'{"owner": "x", "host": "h", "boot": "b", "pid": 1, "process_start": "1", "since": 1e300, '
    b'"heartbeat": 1}',
    b'{"owner": "x", "host": "h", "boot": "b", "pid": 1, "process_start": "1", "since": 1, '
    b'"heartbeat": NaN}',
    b'{"owner": "x", "host": "h", "boot": "b", "pid": 1, "process_start": "1", "since": 1, '
    b'"heartbeat": "soon"}',
    b'{"owner": "x", "host": "h", "boot": "b", "pid": "one", "process_start": "1", "since": 1, '
    b'"heartbeat": 1}',
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    """With quick clocks: a beat is 0.1 s, and stale is what stands still for 1 s."""
    monkeypatch.setattr(lock_module, "SETTLE_S", 0.05)
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(lock_module, "STALE_S", 1.0)
    return LocalStore(tmp_path)


def far_lease(heartbeat: float) -> Lease:
    return Lease("someone", "another-host", "boot", 1, "1", time.time(), heartbeat)


def put(store: LocalStore, lease: Lease) -> None:
    store.write_atomic(KEY, json.dumps(asdict(lease)).encode())


@contextmanager
def beating(store: LocalStore, lease: Lease) -> Iterator[None]:
    """A living holder whose clock differs."""
    ahead_s, stop = lease.heartbeat - time.time(), threading.Event()

    def beat() -> None:
        while not stop.wait(0.05):
            put(store, replace(lease, heartbeat=time.time() + ahead_s))

    put(store, lease)
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("ahead_s", [10.0, 3600.0, 50 * 365 * 86400.0])
def test_a_lease_from_the_future_is_dead_after_it_stood_still(
    store: LocalStore, ahead_s: float
) -> None:
    put(store, far_lease(time.time() + ahead_s))
    start_s = time.monotonic()
    with Lock(store) as held:
        assert 1.0 <= time.monotonic() - start_s < 5
        lease = read_lease(store)
        assert lease is not None
        assert lease.owner == held.owner


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0], ids=["ahead", "late"])
def test_a_living_holder_whose_clock_differs_is_respected(
    store: LocalStore, ahead_s: float
) -> None:
    with beating(store, far_lease(time.time() + ahead_s)):
        start_s = time.monotonic()
        with pytest.raises(LockedError, match="another-host"), Lock(store):
            pass
        assert time.monotonic() - start_s < 0.9, "it need not be watched to the end"


def test_an_old_lease_of_another_machine_is_watched_for_some_beats(store: LocalStore) -> None:
    put(store, far_lease(time.time() - 10 * STALE_S))
    start_s = time.monotonic()
    with Lock(store):
        assert 0.3 <= time.monotonic() - start_s < 0.9


def test_a_lease_that_goes_while_it_is_watched_is_followed_at_once(store: LocalStore) -> None:
    put(store, far_lease(time.time() + 3600))
    timer = threading.Timer(0.2, store.delete, [KEY])
    timer.start()
    start_s = time.monotonic()
    with Lock(store):
        assert time.monotonic() - start_s < 0.9
    timer.join()


@pytest.mark.parametrize("content", NONSENSE)
def test_a_lease_that_cannot_be_understood_does_not_block_for_ever(
    store: LocalStore, content: bytes
) -> None:
    store.write_atomic(KEY, content)
    assert read_lease(store) is None
    with Lock(store) as held:
        held.check()


def test_one_that_changes_is_somebodys_and_the_refusal_says_how_to_free_output(
    store: LocalStore,
) -> None:
    """A newer program's lease may have fields that this one does not know."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.05):
            store.write_atomic(KEY, json.dumps({"new": True, "at": time.time()}).encode())

    store.write_atomic(KEY, b"{}")
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(LockedError, match="another run") as caught, Lock(store):
            pass
    finally:
        stop.set()
        thread.join()
    assert str(caught.value).endswith(f"delete {store.uri_of(KEY)}")


def test_the_refusal_says_how_to_free_output(store: LocalStore) -> None:
    with Lock(store), pytest.raises(LockedError) as caught, Lock(store):
        pass
    assert str(caught.value).endswith(f"; if that run is dead, delete {store.uri}job.lock")


def test_a_lease_that_may_not_be_read_is_one_line(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: str) -> Any:
        raise PermissionError(13, "Permission denied", key)

    monkeypatch.setattr(store, "read", refuse)
    words = "job.lock: cannot be read or written: Permission denied; if no run is alive, delete it"
    with pytest.raises(LockedError, match=words), Lock(store):
        pass
