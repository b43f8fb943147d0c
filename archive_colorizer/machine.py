"""The machine that this process runs on, and how much of it Ray's object store may take."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
BYTES_PER_CPU: Final = 512 * MIB
"""Batches in flight for one core: those of an actor, and those that wait for it."""
SHARE_OF_MEMORY: Final = 0.2
SHARE_OF_SHARED: Final = 0.9
MIN_BYTES: Final = 512 * MIB
"""Ray needs 75 MiB; batches of large masters need more."""
MAX_BYTES: Final = 200 * 10**9
"""Ray's own limit for a node."""
SHARED: Final = Path("/dev/shm")  # noqa: S108 (it is measured only)
LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files in which a container's limit stands, of cgroups 2 and 1."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, or the part of it that a container may use."""

    cpus: int
    memory_bytes: int
    shared_bytes: int
    """Free bytes of shared memory; 0 where there is none."""


def measure_machine() -> Machine:
    """Measure the machine that this process runs on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in LIMITS:
        with suppress(OSError, ValueError):  # not in a container, or "max"
            memory = min(memory, int(Path(path).read_text(encoding="ascii")))
    shared = os.statvfs(SHARED) if SHARED.exists() else None
    return Machine(
        cpus=os.cpu_count() or 1,
        memory_bytes=memory,
        shared_bytes=shared.f_bavail * shared.f_frsize if shared else 0,
    )


def size_object_store(machine: Machine) -> int:
    """Choose the size of Ray's object store in bytes.

    It grows with the cores, whose batches it holds, to at most a fifth of the memory and to what
    shared memory has free. Where that is less than MIN_BYTES (a container's 64 MiB, for example)
    it is MIN_BYTES all the same: Ray then keeps it on disk, slowly, and says so.
    """
    most = min(
        machine.cpus * BYTES_PER_CPU,
        int(SHARE_OF_MEMORY * machine.memory_bytes),
        int(SHARE_OF_SHARED * machine.shared_bytes),
        MAX_BYTES,
    )
    return max(MIN_BYTES, most)
