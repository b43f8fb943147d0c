"""docs/cluster.md, run as it stands against a real Ray head on loopback, with tokens. Slow."""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from processes import blocks, colour_photographs, free_port, script, soft_pictures

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"
PICTURES = 400
BOARD = ROOT / "infra" / "grafana" / "archive-colorizer.json"


@pytest.mark.slow
def test_the_walk(tmp_path: Path) -> None:
    soft_pictures(tmp_path / "scans", PICTURES, 900, 700)
    colour_photographs(tmp_path / "photos", 40)
    colour_photographs(tmp_path / "others", 8)
    parts = blocks(PAGE)
    assert len(parts) == 9
    text = "\n".join(parts)
    ids = re.findall(r"--submission-id (\S+)", text)
    assert len(ids) == len(set(ids)) == 3  # Ray refuses an id that it knows
    assert "ray job delete" not in text
    for port in ("6399", "8299", "8399", "8499", "5000"):
        text = text.replace(port, str(free_port()))
    env = os.environ | {"RAY_TMPDIR": "/tmp",  # noqa: S108 (sockets need short names)
                        "XDG_CACHE_HOME": str(tmp_path / "cache")}  # fmt: skip
    env.pop("RAY_ADDRESS", None)
    with script(text, tmp_path, env) as said:
        pass
    assert "ray_archive_colorizer" in said
    assert "palaces version 1 is champion" in said
    now = ds.dataset(tmp_path / "colour" / "manifest").to_table().to_pylist()
    past = ds.dataset(tmp_path / "colour" / "history").to_table().to_pylist()
    for rows, model in ((now, "models:/palaces/1"), (past, "builtin:default")):
        assert len(rows) == len({row["source_uri"] for row in rows}) == PICTURES
        assert {row["status"] for row in rows} == {"ok"}
        assert {row["steps"][0]["model_ref"] for row in rows} == {model}
    assert "exit code 2" in (tmp_path / "status.txt").read_text()
    assert not (tmp_path / "colour" / "job.lock").exists()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    asked = " ".join(t["expr"] for panel in board["panels"] for t in panel["targets"])
    own = set(re.findall(r"ray_(archive_colorizer_\w+?)(?:_total|_bucket)?[\[{]", asked))
    source = (ROOT / "archive_colorizer" / "pipeline" / "engines" / "metrics.py").read_text()
    assert own == set(re.findall(r'"(archive_colorizer_\w+)"', source))
    rays = set(re.findall(r"ray_(data_\w+)", asked))
    package = find_spec("ray")  # not imported: it would read then whether it asks for a token
    assert package
    assert package.origin
    stats = (Path(package.origin).parent / "data" / "_internal" / "stats.py").read_text()
    assert rays
    assert all(f'"{name}"' in stats for name in rays)
