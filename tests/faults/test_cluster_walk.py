"""docs/cluster.md, run as it stands against a real Ray head on loopback, with tokens. Slow."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from PIL import Image
from processes import blocks, free_port, script

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"
BOARD = ROOT / "infra" / "grafana" / "archive-colorizer.json"


@pytest.mark.slow
def test_the_walk(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        pixels = rng.integers(0, 255, (200, 260)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "scans" / f"{number:02d}.png")
    parts = blocks(PAGE)
    assert len(parts) == 6
    text = "\n".join(parts)
    for port in ("6399", "8299", "8399"):
        text = text.replace(port, str(free_port()))
    env = os.environ | {"RAY_TMPDIR": "/tmp"}  # noqa: S108 (sockets need short names)
    env.pop("RAY_ADDRESS", None)
    with script(text, tmp_path, env) as said:
        pass
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
