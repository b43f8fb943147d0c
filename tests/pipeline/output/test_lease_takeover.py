"""When a lease is dead, who may take it over, and that of several takers one wins."""

import json
import os
import socket
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output import lease as lock_module
from archive_colorizer.pipeline.output.lease import (
    KEY,
    STALE_S,
    Lease,
    Lock,
    process_start,
    read_lease,
)
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.setattr(lock_module, "SETTLE_S", 0.1)
    return LocalStore(tmp_path)


@pytest.fixture
def mine(store: LocalStore) -> Lease:
    """A lease of this very process."""
    with Lock(store):
        lease = read_lease(store)
    assert lease is not None
    return lease


def put(store: LocalStore, lease: Lease) -> None:
    store.write_atomic(KEY, json.dumps(asdict(lease)).encode())


def test_a_lease_says_who_where_and_since_when(mine: Lease) -> None:
    assert (mine.host, mine.pid) == (socket.gethostname(), os.getpid())
    assert mine.process_start == process_start(os.getpid())
    assert abs(time.time() - mine.since) < 10


def test_a_refusal_names_the_process_and_the_host(store: LocalStore) -> None:
    words = f"process {os.getpid()} on {socket.gethostname()}, since"
    with Lock(store), pytest.raises(LockedError, match=words) as caught, Lock(store):
        pass
    assert "\n" not in str(caught.value)


def test_an_old_heartbeat_of_a_living_process_here_is_respected(
    store: LocalStore, mine: Lease
) -> None:
    put(store, replace(mine, heartbeat=time.time() - 10 * STALE_S))
    with pytest.raises(LockedError), Lock(store):
        pass


@pytest.mark.parametrize("change", [{"process_start": "1"}, {"pid": 2**22 + 1}])
def test_a_process_that_is_gone_is_followed_at_once_even_if_its_number_is_used_again(
    store: LocalStore, mine: Lease, change: dict
) -> None:
    put(store, replace(mine, owner="dead", **change))
    with Lock(store) as held:
        lease = read_lease(store)
        assert lease is not None
        assert lease.owner == held.owner


@pytest.mark.parametrize(("age_s", "dead"), [(0.0, False), (STALE_S + 1, True)])
def test_after_a_restart_of_the_machine_the_heartbeat_decides(
    mine: Lease, age_s: float, dead: bool
) -> None:
    now = time.time()
    assert replace(mine, boot="earlier", heartbeat=now - age_s).is_dead(now) is dead


def test_the_heartbeat_goes_on(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.02)
    with Lock(store) as held:
        first = read_lease(store)
        time.sleep(0.3)
        later = read_lease(store)
        held.check()
    assert first is not None
    assert later is not None
    assert later.heartbeat > first.heartbeat
    assert replace(later, heartbeat=first.heartbeat) == first


def test_the_lease_is_given_back_after_an_error_too(store: LocalStore) -> None:
    with pytest.raises(ZeroDivisionError), Lock(store):
        raise ZeroDivisionError
    assert not store.exists(KEY)


def test_another_runs_lease_is_not_given_back(store: LocalStore, mine: Lease) -> None:
    with Lock(store):
        put(store, replace(mine, owner="another"))
    lease = read_lease(store)
    assert lease is not None
    assert lease.owner == "another"


@pytest.mark.parametrize("found", ["nothing", "a dead lease"])
def test_of_eight_takers_at_once_exactly_one_wins(
    store: LocalStore, mine: Lease, found: str
) -> None:
    if found == "a dead lease":
        put(store, replace(mine, owner="dead", process_start="1"))
    start, end = threading.Barrier(8), threading.Barrier(8)
    won: list[str] = []

    def run() -> None:
        start.wait()
        try:
            with Lock(store) as held:
                won.append(held.owner)
                end.wait(20)
        except LockedError:
            end.wait(20)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert not store.exists(KEY)


def test_a_process_that_is_not_there_has_no_start() -> None:
    assert process_start(2**22 + 1) == ""
