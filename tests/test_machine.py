"""Ray's object store fits the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.machine import (
    MAX_BYTES,
    MIN_BYTES,
    Machine,
    measure_machine,
    size_object_store,
)

GIB = 1 << 30


@pytest.mark.parametrize(
    ("cpus", "memory_gib", "shared_gib", "wanted_gib"),
    [
        (2, 24, 24, 1.0),  # the cores decide
        (2, 4, 4, 0.8),  # a fifth of the memory
        (2, 1, 1, 0.5),  # never less than half a GiB
        (16, 64, 32, 8.0),
        (16, 64, 4, 3.6),  # nine tenths of shared memory
        (16, 64, 0.0625, 0.5),  # a container's default
        (64, 256, 128, 32.0),
        (64, 64, 32, 12.8),
    ],
)
def test_the_object_store_grows_with_the_machine(
    cpus: int, memory_gib: float, shared_gib: float, wanted_gib: float
) -> None:
    machine = Machine(cpus, int(memory_gib * GIB), int(shared_gib * GIB))
    assert size_object_store(machine) == pytest.approx(wanted_gib * GIB, rel=1e-6)


@given(cpus=st.integers(1, 1024), memory=st.integers(0, 1 << 45), shared=st.integers(0, 1 << 45))
def test_the_object_store_stays_within_rays_limits(cpus: int, memory: int, shared: int) -> None:
    size = size_object_store(Machine(cpus, memory, shared))
    assert MIN_BYTES <= size <= MAX_BYTES
    assert size_object_store(Machine(cpus + 1, memory, shared)) >= size


def test_this_machine_is_measured() -> None:
    machine = measure_machine()
    assert machine.cpus >= 1
    assert machine.memory_bytes > 64 << 20
    assert machine.shared_bytes >= 0
