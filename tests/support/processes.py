"""What tests with real processes share: free ports, the command, drawn masters, a page's script."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image


def free_port() -> int:
    """A port on loopback that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def command(source: object, output: object, model: str, *more: str) -> list[str]:
    """A quick `colorize` on Ray, or on the engine that `more` names, as words."""
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(source), str(output)]
    quick = ["--model", model, "--proxy-px", "64", "--batch-size", "4", "--engine", "ray"]
    return [*words, *quick, *more]


def soft_pictures(folder: Path, count: int, width: int, height: int) -> Path:
    """Grey JPEG masters 000.jpg, 001.jpg, ..., quick to decode."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        low = rng.integers(0, 255, (12, 16)).astype(np.uint8)
        image = Image.fromarray(low).resize((width, height), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:03d}.jpg", quality=90)
    return folder


def colour_photographs(folder: Path, count: int) -> Path:
    """Blue skies over green fields, with a red house; 96x80 PNG."""
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng([seed, count])
        line = int(rng.integers(20, 60))
        rgb = np.empty((80, 96, 3), np.float32)
        rgb[:line], rgb[line:] = (90, 140, 240), (50, 130, 30)
        rgb[30:50, 20:60] = (200, 90, 60)
        rgb += rng.normal(0, 6, rgb.shape)
        Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(folder / f"{seed:02d}.png")
    return folder


def wait_until(done: Callable[[], bool], process: subprocess.Popen[str], seconds: float) -> None:
    """Wait for something that a running process brings about; its end before that is a failure."""
    end_s = time.monotonic() + seconds
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end_s, f"not within {seconds:.0f} seconds"
        time.sleep(0.05)


def wait_for_pictures(count: int, output: Path, process: subprocess.Popen[str]) -> None:
    """Wait for derivatives at the top of a folder."""
    wait_until(lambda: len(list(output.glob("*.colorized.*"))) >= count, process, 240)


def end_tree(pid: int) -> None:
    """End a process and everything that it started, by their ids."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for child in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)


def blocks(page: Path) -> list[str]:
    """The shell blocks of a page of the documentation, in their order."""
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@contextlib.contextmanager
def script(text: str, place: Path, env: dict[str, str]) -> Iterator[str]:
    """Run a shell script to its end with this environment's commands; gives what it said.

    What it started in the background runs on until the context is left.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (place / "walk.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=place, env=env | {"PATH": path}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        code = process.wait(timeout=900)
        said = (place / "walk.log").read_text(errors="replace")
        assert code == 0, said[-8000:]
        yield said
    finally:
        end_tree(process.pid)
        with contextlib.suppress(ProcessLookupError):  # what its end has left without a parent
            os.killpg(process.pid, signal.SIGKILL)
