"""docs/cluster.md, run as it stands against a real Ray head on loopback, with tokens. Slow."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pyarrow.dataset as ds
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"
BOARD = ROOT / "infra" / "grafana" / "archive-colorizer.json"


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def end_tree(pid: int) -> None:
    """End a process and everything that it started, by their ids."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for child in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_the_walk(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        pixels = rng.integers(0, 255, (200, 260)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "scans" / f"{number:02d}.png")
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    text = "\n".join(blocks)
    for port in ("6399", "8299", "8399"):
        text = text.replace(port, free_port())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "RAY_TMPDIR": "/tmp"}  # noqa: S108 (sockets need short names)
    env.pop("RAY_ADDRESS", None)
    with (tmp_path / "walk.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=tmp_path, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(timeout=600)
        finally:
            end_tree(process.pid)
    said = (tmp_path / "walk.log").read_text(errors="replace")
    assert code == 0, said[-8000:]
    assert re.search(r'ray_archive_colorizer_pictures_total\{.*status="ok".*\} [1-9]', said), said
    rows = ds.dataset(tmp_path / "colour" / "manifest").to_table().to_pylist()
    assert len(rows) == 30
    assert {row["status"] for row in rows} == {"ok"}
    assert "exit code 2" in (tmp_path / "status.txt").read_text()
    assert not (tmp_path / "colour" / "job.lock").exists()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    asked = " ".join(t["expr"] for panel in board["panels"] for t in panel["targets"])
    own = set(re.findall(r"ray_(archive_colorizer_\w+?)(?:_total|_bucket)?[\[{]", asked))
    source = (ROOT / "archive_colorizer" / "registry" / "metrics_export.py").read_text()
    assert own == set(re.findall(r'"(archive_colorizer_\w+)"', source))
