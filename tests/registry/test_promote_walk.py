"""docs/promote.md, run as it stands against a real MLflow server. Slow."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow.dataset as ds
import pytest

from archive_colorizer.registry.models import Registry, decisions, jobs
from archive_colorizer.weights.reference import resolve

from .conftest import free_port

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


@contextlib.contextmanager
def script(text: str, place: Path, env: dict[str, str]) -> Iterator[str]:
    """Run a script in a process group of its own, which ends with it."""
    with (place / "walk.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=place, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        code = process.wait(timeout=900)
        said = (place / "walk.log").read_text(errors="replace")
        assert code == 0, said[-6000:]
        yield said
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_the_walk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    text = "\n".join(blocks).replace("5000", str(free_port()))
    before_end, _, _ = text.partition('kill "$SERVER"')
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "XDG_CACHE_HOME": str(place / "cache"),
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
