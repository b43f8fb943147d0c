"""Lease: at most one live run on an OUTPUT, by a file with a random owner and a heartbeat.

Right on stores with and without a conditional put: the taker writes its own name, waits, and reads
again; of several takers only the last writer finds its own name. A lease is dead at once when its
process is known to be gone (same host, same boot), else when its heartbeat is old.

Clocks of two hosts may differ: a heartbeat that is old or lies in the future is watched, and dead
is what stands still. So is a lease that cannot be understood.
"""

import json
import math
import os
import socket
import threading
import time
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from archive_colorizer.errors import LockedError
from archive_colorizer.progress import LOG
from archive_colorizer.storage import Store

KEY: Final = "job.lock"
HEARTBEAT_S: Final = 5.0
STALE_S: Final = 60.0
"""A heartbeat of that age is old; one in the future must stand still for so long."""
BEATS_MISSED: Final = 3
"""An old lease is watched for so many beats: its host's clock may be late."""
FENCE_S: Final = 0.2
SETTLE_S: Final = 0.5
"""Time that a taker waits before it reads its own name again; longer on slower stores."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The content of job.lock."""

    owner: str
    host: str
    boot: str
    pid: int
    process_start: str
    """The kernel's start time of the process: a pid may be used again."""
    since: float
    """Seconds since the epoch."""
    heartbeat: float

    @property
    def is_of_here(self) -> bool:
        """Whether its process would be one of this kernel."""
        return (self.host, self.boot) == (socket.gethostname(), _read_boot_id())

    def is_dead(self, now: float) -> bool:
        """Tell whether nobody can be holding it any more, as far as the clocks agree."""
        if self.is_of_here:
            return process_start(self.pid) != self.process_start
        return now - self.heartbeat > STALE_S


class Lock:
    """The right to write OUTPUT, for the length of a `with` block."""

    def __init__(self, store: Store) -> None:
        self._store = store
        now = time.time()
        self._lease = Lease(
            owner=uuid.uuid4().hex,
            host=socket.gethostname(),
            boot=_read_boot_id(),
            pid=os.getpid(),
            process_start=process_start(os.getpid()),
            since=now,
            heartbeat=now,
        )
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="job-lock", daemon=True)

    def __enter__(self) -> Self:
        """Take the lease.

        Raises:
            LockedError: another live run holds it, or it cannot be read.
        """
        try:
            for _ in range(3):
                if self._take():
                    self._thread.start()
                    return self
            raise self._make_refusal(read_lease(self._store))
        except OSError as error:
            reason = error.strerror or error
            raise LockedError(
                f"{self._store.uri_of(KEY)}: cannot be read or written: {reason}; "
                "if no run is alive, delete it"
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lease back, if it is still ours."""
        self._stop.set()
        self._thread.join()
        lease = read_lease(self._store)
        if lease and lease.owner == self._lease.owner:
            self._store.delete(KEY)

    @property
    def owner(self) -> str:
        """The random name of this holder."""
        return self._lease.owner

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises:
            LockedError: another run has it: this one slept so long that it was taken for dead.
        """
        if self._lost.is_set():
            raise self._make_refusal(read_lease(self._store))

    def _take(self) -> bool:
        held = _read_raw(self._store)
        if held is not None:
            if not self._is_dead(held):
                raise self._make_refusal(_parse(held))
            if _read_raw(self._store) == held:  # that one alone: another taker may be quicker
                self._store.delete(KEY)
        try:
            if not self._store.create(KEY, _serialise(self._lease)):
                return False
        except FileNotFoundError:  # another run's start swept the temporaries under our feet
            return False
        time.sleep(SETTLE_S + 2 * self._store.latency_s)
        lease = read_lease(self._store)
        return lease is not None and lease.owner == self._lease.owner

    def _is_dead(self, held: bytes) -> bool:
        lease, now = _parse(held), time.time()
        if lease is None:
            return self._stands_still(held, STALE_S, "it cannot be understood")
        if lease.is_of_here:
            return lease.is_dead(now)
        if now + HEARTBEAT_S < lease.heartbeat:
            return self._stands_still(held, STALE_S, "its heartbeat lies in the future")
        return lease.is_dead(now) and self._stands_still(
            held, BEATS_MISSED * HEARTBEAT_S, f"it is of another machine ({lease.host}), and old"
        )

    def _stands_still(self, held: bytes, seconds: float, why: str) -> bool:
        """Watch a lease whose time says nothing; a beat or its end is the answer before."""
        LOG.info("%s: %s; seeing whether it moves (%.0f s)", self._store.uri_of(KEY), why, seconds)
        end_s = time.monotonic() + seconds + 2 * self._store.latency_s
        while (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, HEARTBEAT_S / 5))
            seen = _read_raw(self._store)
            if seen != held:
                return seen is None
        return True

    def _make_refusal(self, held: Lease | None) -> LockedError:
        at = self._store.uri_of(KEY)
        if held is None:
            return LockedError(
                f"{self._store.uri}: another run took it at this moment: try again; "
                f"if no run is alive, delete {at}"
            )
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(held.since))
        return LockedError(
            f"{self._store.uri}: another run holds it: process {held.pid} on {held.host}, "
            f"since {since}; if that run is dead, delete {at}"
        )

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                lease = read_lease(self._store)
                if lease is None or lease.owner != self._lease.owner:
                    self._lost.set()
                    return
                beaten = replace(self._lease, heartbeat=time.time())
                self._store.write_atomic(KEY, _serialise(beaten))
            except OSError:  # a full disk, a store that is away: try again at the next beat
                continue


class Fence:
    """Keeps a worker whose run is over from writing into the OUTPUT of the next one.

    When a driver dies its workers live on for some seconds.
    """

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner
        self._checked_s = float("-inf")

    def check(self) -> None:
        """Make sure, at most every FENCE_S seconds, that the run that sent us still holds OUTPUT.

        Raises:
            LockedError: it does not.
        """
        if time.monotonic() - self._checked_s < FENCE_S + 2 * self._store.latency_s:
            return
        lease = read_lease(self._store)
        if lease is None or lease.owner != self._owner:
            raise LockedError(f"{self._store.uri}: the run of this worker is over")
        self._checked_s = time.monotonic()


class NoFence(Fence):
    """Stands where no other run makes the same files, and there is no lease."""

    def __init__(self) -> None:
        """Take nothing."""

    def check(self) -> None:
        """Let the write go on."""


def read_lease(store: Store) -> Lease | None:
    """Read the lease on a store; None where there is none that can be understood.

    Raises:
        OSError: it cannot be read.
    """
    held = _read_raw(store)
    return None if held is None else _parse(held)


def _read_raw(store: Store) -> bytes | None:
    try:
        return store.read(KEY)
    except FileNotFoundError:
        return None


def _parse(held: bytes) -> Lease | None:
    try:
        lease = Lease(**json.loads(held))
        time.localtime(lease.since)
        sound = isinstance(lease.pid, int) and math.isfinite(lease.heartbeat)
        texts = (lease.owner, lease.host, lease.boot, lease.process_start)
        return lease if sound and all(isinstance(text, str) for text in texts) else None
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return None


def process_start(pid: int) -> str:
    """Read the kernel's start time of a process; empty where none can be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _read_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


def _serialise(lease: Lease) -> bytes:
    return json.dumps(asdict(lease), indent=2).encode()
