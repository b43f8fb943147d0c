"""A node that goes away, and pictures that kill their workers: real Ray, real processes. Slow."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import command, soft_pictures

from archive_colorizer.provenance.verify import verify
from archive_colorizer.storage import open_store

pytestmark = pytest.mark.slow
Rows = Callable[[str | Path], list[dict[str, Any]]]
POISON = '''
import importlib.abc, importlib.util, os, sys

class Poison(importlib.abc.MetaPathFinder):
    """Kills the process that opens a picture with the word in it."""

    def find_spec(self, name, path, target=None):
        if name != "archive_colorizer.pipeline.read":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        kept = spec.loader.exec_module

        def exec_module(module):
            kept(module)
            real = module.read_header

            def read_header(source, **more):
                if b"POISON" in source.read():
                    os._exit(139)
                source.seek(0)
                return real(source, **more)

            module.read_header = read_header

        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Poison())
'''


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return soft_pictures(tmp_path / "archive", 60, 900, 700)


def check(output: Path, found: list[dict[str, Any]], failed: set[str]) -> None:
    assert len(found) == len({row["source_uri"] for row in found}) == 60
    names = {row["source_uri"].rpartition("/")[2] for row in found if row["status"] == "failed"}
    assert names == failed
    assert verify(open_store(str(output))).findings == ()
    assert not (output / ".tmp").exists()
    assert not (output / "job.lock").exists()


def test_pictures_that_kill_their_workers_fail_alone(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    for name in ("010.jpg", "011.jpg", "045.jpg"):
        with (archive / name).open("ab") as file:
            file.write(b"POISON")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(POISON)
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    output = tmp_path / "out"
    done = subprocess.run(
        command(archive, output, tiny_model), capture_output=True, text=True, env=env, timeout=500
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "57 coloured, 0 skipped, 3 failed" in done.stdout
    found = rows(output)
    check(output, found, {"010.jpg", "011.jpg", "045.jpg"})
    (words,) = {row["error_message"].partition(": ")[2] for row in found if row["error_message"]}
    assert words == "a worker died while it had this picture, and again alone"


@pytest.fixture
def three_nodes(ray_token: None) -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True,
                      head_node_args={"num_cpus": 1, "include_dashboard": False})  # fmt: skip
    yield cluster
    cluster.shutdown()


def test_a_node_that_goes_away_costs_no_picture(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows, three_nodes: Any
) -> None:
    nodes = [three_nodes.add_node(num_cpus=1) for _ in range(2)]
    three_nodes.wait_for_nodes()
    output = tmp_path / "out"
    words = command(archive, output, tiny_model, "--address", three_nodes.address)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    gone = threading.Event()
    try:
        end_s = time.monotonic() + 200
        while len(list(output.glob("*.jpg"))) < 5:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end_s
            time.sleep(0.05)
        three_nodes.remove_node(nodes[0], allow_graceful=False)
        gone.set()
        said, errors = process.communicate(timeout=400)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said + errors
    assert gone.is_set()
    check(output, rows(output), set())
