"""docs/promote.md, run as it stands against a real MLflow server. Slow."""

import os
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from processes import blocks, colour_photographs, free_port, script, soft_pictures

from archive_colorizer.registry.mlflow_models import Registry
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.registry.versions import read_decisions, read_jobs

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "promote.md"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    colour_photographs(tmp_path / "photos", 40)
    colour_photographs(tmp_path / "others", 8)
    return soft_pictures(tmp_path / "scans", 3, 96, 80).parent


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
        versions = {n: registry.find_version(f"models:/palaces/{n}") for n in (1, 2, 3)}
        assert versions[1].aliases == ("champion",)
        assert versions[3].aliases == ("challenger",)
        assert [d.kind for d in read_decisions(versions[1])] == ["promoted", "rolled back"]
        assert len(read_jobs(versions[1])) == len(read_jobs(versions[2])) == 1
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
