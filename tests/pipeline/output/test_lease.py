import itertools
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output import lease as lock_module
from archive_colorizer.pipeline.output.lease import KEY, Fence, Lease, Lock, read_lease
from archive_colorizer.storage.local import LocalStore

HOLD = """
import sys, time
from pathlib import Path
from archive_colorizer.errors import LockedError
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.storage.local import LocalStore
try:
    with Lock(LocalStore(Path(sys.argv[1]))):
        start = time.time()
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
        print(start, time.time(), flush=True)
except LockedError:
    print("refused", flush=True)
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def far_lease(heartbeat: float) -> Lease:
    return Lease("someone", "another-host", "boot", 1, "1", heartbeat, heartbeat)


def test_the_lease_is_there_while_it_is_held_and_gone_after(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with Lock(store) as held:
        lease = read_lease(store)
        assert lease is not None
        assert lease.owner == held.owner
        held.check()
    assert read_lease(store) is None


def test_a_second_run_is_refused_with_who_holds_it(tmp_path: Path) -> None:
    with Lock(LocalStore(tmp_path)), pytest.raises(LockedError, match=r"process \d+ on .*, since"):
        Lock(LocalStore(tmp_path)).__enter__()


def test_a_killed_holder_is_followed_at_once(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    with Lock(LocalStore(tmp_path)):
        pass


@pytest.mark.parametrize(("age_s", "free"), [(5, False), (600, True)])
def test_a_lease_of_another_host_lives_by_its_heartbeat(
    tmp_path: Path, age_s: float, free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.1)
    store = LocalStore(tmp_path)
    store.write_atomic(KEY, json.dumps(asdict(far_lease(time.time() - age_s))).encode())
    if free:
        with Lock(store):
            pass
    else:
        with pytest.raises(LockedError, match="another-host"):
            Lock(store).__enter__()


def test_a_holder_that_lost_its_lease_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.05)
    store = LocalStore(tmp_path)
    with Lock(store) as held:
        store.write_atomic(KEY, json.dumps(asdict(far_lease(time.time()))).encode())
        time.sleep(0.5)
        with pytest.raises(LockedError):
            held.check()
    assert read_lease(store) == replace(read_lease(store), host="another-host")


def test_workers_are_fenced_off_when_another_run_holds_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "FENCE_S", 0.0)
    store = LocalStore(tmp_path)
    with Lock(store) as held:
        fence = Fence(store, held.owner)
        fence.check()
        with pytest.raises(LockedError):
            Fence(store, "somebody else").check()
    with pytest.raises(LockedError):
        fence.check()


@pytest.mark.slow
def test_of_racing_processes_one_at_a_time_holds_it(tmp_path: Path) -> None:
    (tmp_path / KEY).write_bytes(
        json.dumps(asdict(far_lease(time.time() - 600))).encode()
    )  # all of them find a dead lease
    processes = [holder(tmp_path, 1.5) for _ in range(8)]
    said = [process.communicate(timeout=60)[0].split("\n") for process in processes]
    spans = sorted(
        tuple(float(word) for word in lines[1].split()) for lines in said if lines[0] == "held"
    )
    assert spans
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert start >= end
