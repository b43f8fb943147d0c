"""Whole jobs on a real Ray, killed and starved. Slow: `make test-slow`."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from processes import command, soft_pictures, wait_for_pictures

from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

pytestmark = pytest.mark.slow
Rows = Callable[[str | Path], list[dict[str, Any]]]
PICTURES = 150


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough masters for a job that can be interrupted."""
    return soft_pictures(tmp_path_factory.mktemp("archive") / "all", PICTURES, 1200, 900)


STARTED: list[subprocess.Popen[str]] = []


def start(words: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
        process.communicate()


def derivatives(output: Path) -> list[Path]:
    return list(output.glob("*.colorized.jpg"))


def workers_of(process: subprocess.Popen[str]) -> Iterator[psutil.Process]:
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "MapWorker" in " ".join(child.cmdline()) or "StageWorker" in child.name():
                yield child
        except psutil.NoSuchProcess:
            continue


def check_complete(output: Path, rows: Rows, pictures: int = PICTURES) -> None:
    found = rows(output)
    assert len(found) == pictures
    assert len({row["source_uri"] for row in found}) == pictures
    assert {row["status"] for row in found} == {"ok"}
    assert len(derivatives(output)) == pictures
    assert verify(open_store(str(output))).findings == ()
    assert not (output / ".tmp").exists()


def test_the_driver_is_killed_at_several_moments_and_the_next_run_completes_the_job(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    output = tmp_path / "out"
    words = command(archive, output, tiny_model, "--mark", "corner")
    for moment in (1, 40, 90):
        process = start(words)
        wait_for_pictures(moment, output, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in derivatives(output):
            Image.open(path).load()  # whole, wherever it was stopped
        named = rows(output) if (output / "manifest").exists() else []
        assert all((output / row["marked_key"]).is_file() for row in named)
    process = start(words)
    said, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    assert "0 failed" in said
    check_complete(output, rows)
    assert len(derivatives(output / "marked")) == PICTURES


def test_a_killed_worker_is_replaced_within_the_same_run(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    output = tmp_path / "out"
    process = start(command(archive, output, tiny_model))
    wait_for_pictures(10, output, process)
    victims = list(workers_of(process))
    assert victims, "no worker was found"
    victims[0].kill()
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    check_complete(output, rows)


def test_a_second_live_run_is_refused(archive: Path, tmp_path: Path, tiny_model: str) -> None:
    output = tmp_path / "out"
    first = start(command(archive, output, tiny_model))
    wait_for_pictures(1, output, first)
    second = start(command(archive, output, tiny_model))
    _, errors = second.communicate(timeout=100)
    assert second.returncode == 2
    assert f"process {first.pid}" in errors
    first.communicate(timeout=400)
    assert first.returncode == 0


@pytest.fixture
def cluster_with_a_pretend_gpu(ray_token: None) -> Iterator[str]:
    """Address of a running cluster in which a custom resource plays the GPU's part."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "resources": {"pretend_gpu": 1}, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster.address
    cluster.shutdown()


@pytest.mark.parametrize("asked", [(), ("--upscale", "2")])
def test_the_staged_plan_on_a_running_cluster_gives_the_same_pictures_as_the_fused_one(
    masters: Path, tmp_path: Path, tiny_model: str, rows: Rows, cluster_with_a_pretend_gpu: str,
    asked: tuple[str, ...],
) -> None:  # fmt: skip
    config = tmp_path / "staged.toml"
    config.write_text('[run]\ngpu_resource = "pretend_gpu"\n')
    asked = (*asked, "--watermark", "off")  # its number is the run's
    more = ["--config", str(config), "--address", cluster_with_a_pretend_gpu]
    found = []
    for name, words in (("fused", []), ("staged", more)):
        process = start(command(masters, tmp_path / name, tiny_model, *words, *asked))
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        found.append({
            row["source_uri"]: (row["colourfulness"], row["flags"])
            for row in rows(tmp_path / name)
        })  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0]) == 5
    assert all(("enlarged" in flags) == ("--upscale" in asked) for _, flags in found[0].values())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_gives_write_error_rows_and_room_completes_the_job(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(mount)],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"cannot mount a tmpfs: {tried.stderr.strip()}")
    try:
        output = mount / "out"
        words = command(archive, output, tiny_model, "--quality", "100")
        process = start(words)
        _, errors = process.communicate(timeout=400)
        assert process.returncode == 3, errors
        found = rows(output)
        assert len(found) == PICTURES
        failed = [row for row in found if row["status"] == "failed"]
        assert failed
        assert {row["error_class"] for row in failed} == {"write_error"}
        assert "No space left" in failed[0]["error_message"]
        assert verify(open_store(str(output))).findings == ()
        subprocess.run(["mount", "-o", "remount,size=300m", str(mount)], check=True)
        again = start([*words, "--retry-failed"])
        _, errors = again.communicate(timeout=400)
        assert again.returncode == 0, errors
        check_complete(output, rows)
    finally:
        subprocess.run(["umount", str(mount)], check=False)


def test_a_stopped_job_leaves_nothing_temporary_and_goes_on_later(
    archive: Path, tmp_path: Path, tiny_model: str, rows: Rows
) -> None:
    output = tmp_path / "out"
    process = start(command(archive, output, tiny_model))
    wait_for_pictures(5, output, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "goes on later" in errors
    assert not (output / ".tmp").exists()
    assert not (output / "job.lock").exists()
    process = start(command(archive, output, tiny_model))
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    check_complete(output, rows)
