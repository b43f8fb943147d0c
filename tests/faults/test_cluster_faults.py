"""What happens to clusters: real Ray, several nodes, real processes. Slow."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import command, soft_pictures, wait_for_pictures

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

pytestmark = pytest.mark.slow
Rows = Callable[[str | Path], list[dict[str, Any]]]
POISON = '''
import importlib.abc, importlib.util, os, sys

class Poison(importlib.abc.MetaPathFinder):
    """Kills the process that opens a picture with the word in it."""

    def find_spec(self, name, path, target=None):
        if name != "archive_colorizer.pipeline.steps.read":
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
def a_head(ray_token: None) -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True,
                      head_node_args={"num_cpus": 1, "include_dashboard": False})  # fmt: skip
    yield cluster
    cluster.shutdown()


def test_a_node_that_goes_away_costs_no_picture(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows, a_head: Any
) -> None:
    nodes = [a_head.add_node(num_cpus=1) for _ in range(2)]
    a_head.wait_for_nodes()
    output = tmp_path / "out"
    words = command(archive, output, tiny_model, "--address", a_head.address)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    gone = threading.Event()
    try:
        wait_for_pictures(5, output, process)
        a_head.remove_node(nodes[0], allow_graceful=False)
        gone.set()
        said, errors = process.communicate(timeout=400)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said + errors
    assert gone.is_set()
    check(output, rows(output), set())


def on_host(name: str, words: list[str]) -> list[str]:
    """A command on what it takes for another machine: a host name of its own."""
    return ["unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh", *words]


@pytest.mark.skipif(os.geteuid() != 0, reason="another host name needs root")
def test_a_killed_driver_is_followed_by_one_on_another_machine(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows, a_head: Any
) -> None:
    a_head.add_node(num_cpus=1)
    a_head.wait_for_nodes()
    output = tmp_path / "out"
    words = command(archive, output, tiny_model, "--address", a_head.address)
    first = subprocess.Popen(on_host("node-a", words), stderr=subprocess.PIPE, text=True)
    try:
        wait_for_pictures(5, output, first)
    finally:
        first.kill()
        first.communicate()
    refused = subprocess.run(
        on_host("node-b", words), capture_output=True, text=True, timeout=300, check=False
    )
    assert refused.returncode == 2, "its lease has not run out yet"
    assert "node-a" in refused.stderr
    end_s = time.monotonic() + 100
    while (done := subprocess.run(on_host("node-b", words), capture_output=True, text=True,
                                  timeout=400, check=False)).returncode == 2:  # fmt: skip
        assert time.monotonic() < end_s, done.stderr
        time.sleep(5)
    assert done.returncode == 0, done.stdout + done.stderr
    check(output, rows(output), set())


@pytest.mark.s3
def test_nodes_without_credentials_end_a_job_with_one_line(
    archive: Path, tiny_model: str, a_head: Any, bucket: str
) -> None:
    """The cluster is there before its nodes would know the store's user."""
    a_head.add_node(num_cpus=1, env_vars={"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]})
    a_head.wait_for_nodes()
    words = command(archive, f"s3://{bucket}/out", tiny_model, "--address", a_head.address)
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert f"s3://{bucket}/out/: cannot be reached from a worker: no credentials" in said
    assert "Traceback" not in done.stderr


@pytest.mark.s3
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_node_whose_disk_is_full_fails_its_pictures_and_they_can_be_tried_again(
    archive: Path, tmp_path: Path, tiny_model: str, bucket: str, a_head: Any
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)]
    tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"cannot mount a tmpfs: {tried.stderr.strip()}")
    try:
        (full / "filler").write_bytes(bytes(60 << 10))
        starved = a_head.add_node(num_cpus=1, env_vars={"TMPDIR": str(full)})
        a_head.wait_for_nodes()
        output = f"s3://{bucket}/out"
        words = command(archive, output, tiny_model, "--address", a_head.address)
        done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 3, done.stdout + done.stderr
        store = open_store(output)
        found = manifest.read(store).to_pylist()
        assert len(found) == len({row["source_uri"] for row in found}) == 60
        failed = [row for row in found if row["status"] == "failed"]
        assert {row["error_class"] for row in failed} == {"write_error"}
        assert "No space left" in failed[0]["error_message"]
        assert verify(store).findings == ()
        a_head.remove_node(starved)
        again = [*words, "--retry-failed"]
        done = subprocess.run(again, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert set(manifest.read(store)["status"].to_pylist()) == {"ok"}
        assert verify(store).findings == ()
    finally:
        subprocess.run(["umount", "-l", str(full)], check=False)
