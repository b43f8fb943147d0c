"""A preemption storm: one of four local nodes is lost every minute, and replaced, while a job runs.

    python benchmarks/preemption_storm.py [--seconds 600] [--every-s 60] [--pictures N]

Nodes are real Ray nodes of one core each, killed without a warning as a spot machine is. Ends with
an error unless the job ran through the whole storm, every picture has one row that says ok and one
derivative, `verify` finds nothing, and no worker is left behind. The record in benchmarks/results/
is written by a storm of ten minutes or more.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, Final

import psutil
from common import save, write_archive

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

NODES: Final = 4
MEGAPIXELS: Final = 0.1
PICTURES_PER_S: Final = 20
"""More than two shared cores do under a storm, so that the job outlasts it."""
RECORDED_S: Final = 600
"""Shorter storms leave the record in benchmarks/results/ as it is."""
MARK: Final = "ARCHIVE_COLORIZER_STORM"
"""Environment variable that every process of the storm has."""
ENDS_WITHIN_S: Final = 60.0
"""Time that workers have to go once their job or node has gone."""


class Storm:
    """A cluster of nodes that are lost and replaced.

    Args:
        seed: of the choice which node is lost.
    """

    def __init__(self, seed: int) -> None:
        from ray.cluster_utils import Cluster

        self._choice = random.Random(seed)  # noqa: S311 (no secret)
        self.cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0, "include_dashboard": False, "object_store_memory": 200 << 20,
            },
        )  # fmt: skip
        self._nodes = [self._add() for _ in range(NODES)]
        self.cluster.wait_for_nodes()
        self.losses = 0

    def _add(self) -> Any:  # noqa: ANN401 (Ray's node)
        return self.cluster.add_node(num_cpus=1, object_store_memory=100 << 20)

    def strike(self) -> None:
        """Kill one of the nodes, by chance, and start another in its place."""
        lost = self._nodes.pop(self._choice.randrange(NODES))
        self.cluster.remove_node(lost, allow_graceful=False)
        self.losses += 1
        self._nodes.append(self._add())


def list_leaked_workers(mark: str) -> list[str]:
    """List workers of this storm that have outlived their job, or their node, in words."""
    found = []
    for process in psutil.process_iter():
        try:
            words, home = " ".join(process.cmdline()), process.environ().get(MARK)
            parent = process.parent()
            orphan = parent is None or parent.name() != "raylet"
        except psutil.Error:
            continue
        ours = orphan or "StageWorker" in words  # Ray Data's own actors and idle workers stay
        if home == mark and words.startswith("ray::") and ours:
            found.append(f"{words.strip()}{' without a node' if orphan else ''}")
    return found


def wait_for_workers_to_go(mark: str) -> list[str]:
    """List what is left of the workers once they have had time to go."""
    end_s = time.monotonic() + ENDS_WITHIN_S
    while (left := list_leaked_workers(mark)) and time.monotonic() < end_s:
        time.sleep(1)
    return left


def wait_for_first(output: Path, job: "subprocess.Popen[bytes]") -> None:
    """Wait until the job delivers, so that the storm meets it at work."""
    while job.poll() is None and not any(output.glob("*.colorized.*")):
        time.sleep(0.2)


def ride(storm: Storm, job: "subprocess.Popen[bytes]", seconds: float, every_s: float) -> int:
    """Let the storm rage while the job runs; gives how many nodes it lost by then."""
    start_s = time.monotonic()
    for number in range(1, int(seconds / every_s) + 1):
        while job.poll() is None and time.monotonic() < start_s + number * every_s:
            time.sleep(0.2)
        if job.poll() is not None:
            break
        storm.strike()
        print(f"{time.monotonic() - start_s:5.0f} s: node {storm.losses} is lost and replaced")
    return storm.losses


def examine(output: Path) -> dict[str, Any]:
    """Read what the job has left."""
    store = open_store(str(output))
    rows = manifest.read(store, ["source_uri", "status", "derivative_key"], every=True)
    counts = Counter(rows["source_uri"].to_pylist())
    return {
        "rows": rows.num_rows,
        "pictures_with_a_row": len(counts),
        "statuses": dict(Counter(rows["status"].to_pylist())),
        "derivatives_named": len(set(rows["derivative_key"].to_pylist())),
        "derivative_files": sum(1 for _ in output.glob("*.colorized.*")),
        "made_twice": manifest.read(store, ["row_id"], manifest.HISTORY).num_rows,
        "findings_of_verify": [str(found) for found in verify(store).findings],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=RECORDED_S)
    parser.add_argument("--every-s", type=float, default=60.0)
    parser.add_argument("--pictures", type=int, default=0)
    given = parser.parse_args()
    pictures = given.pictures or round(given.seconds * PICTURES_PER_S)
    os.environ[MARK] = mark = uuid.uuid4().hex
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex * 2,
                   "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip
    load_before = psutil.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "in", Path(scratch) / "out"
        write_archive(source, pictures, MEGAPIXELS)
        storm = Storm(seed=0)
        words = ["archive_colorizer", "colorize", str(source), str(output), "--proxy-px", "128",
                 "--address", storm.cluster.address]  # fmt: skip
        start_s = time.monotonic()
        job = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE)
        try:
            wait_for_first(output, job)
            losses = ride(storm, job, given.seconds, given.every_s)
            outlasted = job.poll() is None
            said = job.communicate()[0].decode()
            seconds = time.monotonic() - start_s
            left = wait_for_workers_to_go(mark)
            found = examine(output)
        finally:
            job.kill()
            job.wait()
            storm.cluster.shutdown()
    figures = {
        "what": f"{pictures:,} grey JPEGs of {MEGAPIXELS} MP, builtin:default, proxy 128; one of "
        f"{NODES} nodes of a core each lost every {given.every_s:g} s for {given.seconds:g} s, and "
        "replaced; all on one machine",
        "exit_code": job.returncode, "nodes_lost": losses, "job_outlasted_the_storm": outlasted,
        **found, "workers_left": left, "seconds": round(seconds),
        "pictures_per_s": round(pictures / seconds, 1),
        "load": [round(load, 1) for load in (load_before, *psutil.getloadavg())],
    }  # fmt: skip
    print(said, json.dumps(figures), sep="\n")
    whole = {
        "exit_code": 0, "nodes_lost": int(given.seconds / given.every_s),
        "job_outlasted_the_storm": True, "rows": pictures, "pictures_with_a_row": pictures,
        "statuses": {"ok": pictures}, "derivatives_named": pictures, "derivative_files": pictures,
        "findings_of_verify": [], "workers_left": [],
    }  # fmt: skip
    if given.seconds >= RECORDED_S:
        save("preemption_storm", figures)
    wrong = {name: figures[name] for name, value in whole.items() if figures[name] != value}
    if wrong:
        sys.exit(f"the storm has cost something: {wrong}")


if __name__ == "__main__":
    main()
