"""Memory that a picture frees is there for the next one."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
if sys.argv[1] == "ours":
    from archive_colorizer.allocator import Allocator
    allocator = Allocator()

def work():
    planes = [np.ones(size << 20, np.uint8) for size in (3, 1, 5, 40)]
    del planes

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
if sys.argv[1] == "ours":
    for _ in range(64):
        allocator.batch_done()
    kept = int(open("/proc/self/statm").read().split()[1]) * 4096
    print(kept >> 20)
"""


def run(whose: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, whose], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_freed_pages_are_kept_for_the_next_picture_and_given_back_in_the_end() -> None:
    (usual,) = run("glibc")
    ours, kept_mib = run("ours")
    assert ours < usual / 10
    assert kept_mib < 120
