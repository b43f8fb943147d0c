"""A node with its disk is lost in the middle of training: the run goes on from its store. Slow."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import torch
from processes import colour_photographs
from safetensors.torch import load

from archive_colorizer.storage import open_store
from archive_colorizer.training.journal import losses, validations

pytestmark = [pytest.mark.slow, pytest.mark.s3, pytest.mark.timeout(1800)]
STEPS = 100


TINY = ["--no-mlflow", "--set", "model.widths=[4,8,8,8,8]", "--set", "model.head=8",
        "--set", "feed.crop_px=32", "--batch-size", "4",
        "--set", "loop.epoch_steps=25"]  # fmt: skip


@pytest.fixture
def a_head(ray_token: None, tmp_path: Path) -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    args = {"num_cpus": 1, "include_dashboard": False, "env_vars": own_disk(tmp_path / "head")}
    cluster = Cluster(initialize_head=True, head_node_args=args)
    yield cluster
    cluster.shutdown()


def own_disk(place: Path) -> dict[str, str]:
    """A machine's own temporary folder and cache, as no other one sees them."""
    for name in ("tmp", "cache", "home"):
        (place / name).mkdir(parents=True)
    return {
        "TMPDIR": str(place / "tmp"), "XDG_CACHE_HOME": str(place / "cache"),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def node_of_worker(nodes: dict[str, Any]) -> str:
    """The name of the node whose raylet started the training worker."""
    raylets = {
        info.process.pid: name
        for name, node in nodes.items()
        for info in node.all_processes["raylet"]
    }
    for process in psutil.process_iter(["cmdline", "ppid"]):
        if "RayTrainWorker" in " ".join(process.info["cmdline"] or []):
            name = raylets.get(process.info["ppid"])
            if name:
                return name
    return ""


def wait(done: Any, process: subprocess.Popen[str], log: Path, seconds: float) -> Any:
    end_s = time.monotonic() + seconds
    while not (found := done()):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end_s, log.read_text()
        time.sleep(0.1)
    return found


def test_a_lost_node_is_followed_by_another_from_the_last_checkpoint(
    tmp_path: Path, bucket: str, a_head: Any
) -> None:
    for path in colour_photographs(tmp_path / "photos", 60).iterdir():
        boto3.client("s3").upload_file(str(path), bucket, f"photos/{path.name}")
    disks = {name: tmp_path / name for name in ("one", "two")}
    nodes = {
        name: a_head.add_node(num_cpus=2, env_vars=own_disk(disk)) for name, disk in disks.items()
    }
    a_head.wait_for_nodes()
    run = f"s3://{bucket}/run"
    words = [sys.executable, "-m", "archive_colorizer", "train", "chroma_unet",
             f"s3://{bucket}/photos", "--output", run, "--address", a_head.address,
             "--steps", str(STEPS), "--set", "loop.checkpoint_minutes=0.02", *TINY]  # fmt: skip
    env = os.environ | own_disk(tmp_path / "driver")
    store, log = open_store(run), tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            words, stdout=file, stderr=file, env=env, cwd=tmp_path / "driver"
        )
    try:
        wait(lambda: store.exists("last.pt"), process, log, 600)
        lost = wait(lambda: node_of_worker(nodes), process, log, 20)
        a_head.remove_node(nodes[lost], allow_graceful=False)
        shutil.rmtree(disks[lost])
        seen = torch.load(store.open("last.pt"), weights_only=True)["step"]
        assert 0 < seen < STEPS
        process.wait(timeout=900)
        assert process.returncode == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    for name in ("losses.jsonl", "validation.jsonl"):
        (tmp_path / name).write_bytes(store.read(name))
    assert [line["step"] for line in losses(tmp_path)] == list(range(1, STEPS + 1))
    assert [line["step"] for line in validations(tmp_path)] == [0, 25, 50, 75, 100]
    weights = load(store.read("model/model.safetensors"))
    assert all(torch.isfinite(w).all() for w in weights.values() if w.is_floating_point())
    keys = {entry.key for entry in store.list()}
    assert "ray/train/.validate_storage_marker" in keys
    assert not any("tmp" in key for key in keys)
    other = next(disk for name, disk in disks.items() if name != lost)
    assert list((other / "cache").rglob("*.arrow")), "the other node made its own copy"
    assert not list((other / "tmp").glob("archive-colorizer-*"))
    assert not list((tmp_path / "driver").rglob("*.pt"))


def test_two_workers_share_a_run_in_a_store_and_go_on_with_it(tmp_path: Path, bucket: str) -> None:
    photos, run = colour_photographs(tmp_path / "photos", 30), f"s3://{bucket}/run"
    words = [sys.executable, "-m", "archive_colorizer", "train", "chroma_unet", str(photos),
             "--output", run, "--workers", "2", *TINY]  # fmt: skip
    for steps, more in (("10", []), ("20", ["--resume"])):
        done = subprocess.run(
            [*words, "--steps", steps, *more], capture_output=True, text=True, timeout=900,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / steps)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    store = open_store(run)
    (tmp_path / "losses.jsonl").write_bytes(store.read("losses.jsonl"))
    assert [line["step"] for line in losses(tmp_path)] == list(range(1, 21))
    assert torch.load(store.open("last.pt"), weights_only=True)["step"] == 20
