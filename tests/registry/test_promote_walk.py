"""docs/promote.md, run as it stands against a real MLflow server. Slow."""

import os
from pathlib import Path

import cv2
import numpy as np
import pyarrow.dataset as ds
import pytest
from processes import blocks, free_port, script

from archive_colorizer.registry.models import Registry, decisions, jobs
from archive_colorizer.weights.reference import resolve

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "promote.md"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """photos/ and others/: skies over fields and a red house; scans/: the same in grey."""
    for folder, count in (("photos", 40), ("others", 8), ("scans", 3)):
        (tmp_path / folder).mkdir()
        for seed in range(count):
            rng = np.random.default_rng([seed, count])
            line = int(rng.integers(20, 60))
            rgb = np.empty((80, 96, 3), np.float32)
            rgb[:line], rgb[line:] = (90, 140, 240), (50, 130, 30)
            rgb[30:50, 20:60] = (200, 90, 60)
            rgb += rng.normal(0, 6, rgb.shape)
            bgr = rgb.clip(0, 255)[..., ::-1].astype(np.uint8)
            picture = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) if folder == "scans" else bgr
            cv2.imwrite(str(tmp_path / folder / f"{seed:02d}.png"), picture)
    return tmp_path


def test_the_walk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = blocks(PAGE)
    assert len(parts) == 6
    text = "\n".join(parts).replace("5000", str(free_port()))
    before_end, _, _ = text.partition('kill "$SERVER"')
    env = os.environ | {"XDG_CACHE_HOME": str(place / "cache"),
                        "XDG_DATA_HOME": str(place / "data")}  # fmt: skip
    with script(before_end, place, env) as said:
        assert "palaces version 1 is champion" in said
        assert "palaces version 2 is champion in place of version 1" in said
        assert "palaces version 3 was refused by psnr_mean" in said
        assert "version 1 is champion again, in place of version 2" in said
        monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        uri = next(w for w in text.split() if w.startswith("MLFLOW_TRACKING_URI=")).split("=")[1]
        registry = Registry(uri)
        versions = {n: registry.version(f"models:/palaces/{n}") for n in (1, 2, 3)}
        assert versions[1].aliases == ("champion",)
        assert versions[3].aliases == ("challenger",)
        assert [d.kind for d in decisions(versions[1])] == ["promoted", "rolled back"]
        assert len(jobs(versions[1])) == len(jobs(versions[2])) == 1
        now = ds.dataset(place / "colour" / "manifest").to_table().to_pylist()
        past = ds.dataset(place / "colour" / "history").to_table().to_pylist()
    digests = {n: resolve(str(place / "runs" / n / "model")).weights_sha256
               for n in ("short", "long")}  # fmt: skip
    for rows, number, name in ((now, "1", "short"), (past, "2", "long")):
        steps = [row["steps"][0] for row in rows]
        assert [step["model_ref"] for step in steps] == [f"models:/palaces/{number}"] * 3
        assert {step["weights_sha256"] for step in steps} == {digests[name]}
        assert {step["weights_rights"] for step in steps} == {"cleared"}
    assert digests["long"] in said
