"""Training on a real Ray: as without it, with two workers, with a worker killed. Slow."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from processes import colour_photographs
from safetensors.torch import load_file

from archive_colorizer.training.journal import losses, validations

pytestmark = pytest.mark.slow
TINY = ["--set", "model.widths=[8,16,16,16,16]", "--set", "model.head=16", "--no-mlflow",
        "--set", "feed.crop_px=64", "--batch-size", "8", "--lr", "3e-3",
        "--set", "loop.warmup_steps=5", "--set", "loop.epoch_steps=50"]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_photographs(tmp_path_factory.mktemp("photos") / "all", 60)


def command(photos: Path, run: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "archive_colorizer", "train", "chroma_unet", str(photos)]
    return [*words, "--output", str(run), *TINY, *more]


def done(words: list[str]) -> None:
    result = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr


def curve(run: Path) -> list[float]:
    return [line["losses"]["chroma/cross_entropy"] for line in losses(run)]


@pytest.fixture(scope="module")
def alone(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one Ray worker."""
    run = tmp_path_factory.mktemp("alone")
    done(command(photos, run, "--steps", "60"))
    return run


def test_ray_gives_what_the_plain_loop_gives(photos: Path, alone: Path, tmp_path: Path) -> None:
    done(command(photos, tmp_path / "local", "--steps", "60", "--engine", "local"))
    assert curve(alone)[:3] == pytest.approx(curve(tmp_path / "local")[:3], rel=1e-3)
    assert curve(alone)[-1] == pytest.approx(curve(tmp_path / "local")[-1], rel=0.1)


def test_two_workers_fall_like_one(photos: Path, alone: Path, tmp_path: Path) -> None:
    run = tmp_path / "two"
    done(command(photos, run, "--steps", "60", "--workers", "2"))
    one, two = np.array(curve(alone)), np.array(curve(run))
    assert len(two) == 60
    assert two[0] == pytest.approx(one[0], rel=0.02)
    assert two[-10:].mean() < 0.8 * two[:3].mean()
    assert two[-10:].mean() == pytest.approx(one[-10:].mean(), rel=0.25)
    looks = [look["figures"]["chroma/cross_entropy"] for look in validations(run)]
    assert looks[-1] < looks[0]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_workers_refuse_is_one_line(photos: Path, tmp_path: Path, workers: str) -> None:
    words = command(photos, tmp_path / "run", "--steps", "2", "--workers", workers,
                    "--set", "feed.crop_px=66")  # fmt: skip
    result = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 2, result.stdout + result.stderr
    said = result.stderr.strip().splitlines()[-1]
    assert said.startswith("archive-colorizer: feed.crop_px=66 (RESOL): must be a multiple of")


def workers_of(process: subprocess.Popen[str]) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "RayTrainWorker" in " ".join(child.cmdline()):
                    yield child


def test_a_killed_workers_run_finishes(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "killed"
    words = command(photos, run, "--steps", "200", "--set", "loop.checkpoint_minutes=0.02")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, text=True)
    try:
        end = time.monotonic() + 240
        while not (run / "last.pt").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        (worker,) = workers_of(process)
        worker.send_signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # the log says more than it does
            process.wait(timeout=400)
        assert process.poll() == 0, (tmp_path / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert [line["step"] for line in losses(run)] == list(range(1, 201))
    weights = load_file(run / "model" / "model.safetensors")
    assert all(
        torch.isfinite(value).all() for value in weights.values() if value.is_floating_point()
    )
    assert list(run.rglob("*.tmp")) == []
