"""`colorize` and `Manifest`: a job and its rows, from Python."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import archive_colorizer as ac
from archive_colorizer.errors import ConfigError, LocationError


def colorize(source: Any, output: Any, model: str, **settings: Any) -> ac.JobReport:
    return ac.colorize(source, output, model=model, proxy_px=64, engine="local", **settings)


def test_a_job_and_its_manifest(masters: Path, tmp_path: Path, tiny_model: str) -> None:
    out = tmp_path / "out"
    report = colorize(masters, out, tiny_model, exclude=["a/b/*"], format="png")
    assert isinstance(report, ac.JobReport)
    assert (report.listed, report.ok, report.is_clean) == (4, 4, True)
    assert len(list(out.rglob("*.colorized.png"))) == 4
    assert colorize(masters, out, tiny_model, exclude=["a/b/*"]).already == 4
    manifest = ac.Manifest.open(out)
    assert manifest.to_arrow().num_rows == 4
    frame = manifest.to_pandas(["status", "width", "started_at"])
    assert list(frame.columns) == ["status", "width", "started_at"]
    assert set(frame.status) == {"ok"}
    assert frame.started_at.dt.tz is not None
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"modle": "x"}, "colorize(): unknown setting 'modle': did you mean 'model'?"),
        ({"format": "gif"}, "colorize()"),
        ({"batch_size": "many"}, "colorize()"),
        ({"max_megapixels": 0}, "colorize()"),
    ],
)
def test_a_wrong_setting_is_one_line_and_nothing_is_done(
    settings: dict[str, Any], said: str, masters: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        ac.colorize(masters, tmp_path / "out", **settings)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert next(iter(settings)) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_no_setting_stands_in_two_sections() -> None:
    from archive_colorizer.api.settings import OF_A_JOB

    names = [name for keys in OF_A_JOB.values() for name in keys]
    assert len(names) == len(set(names))
    assert {"model", "format", "engine", "include", "hints"} <= set(names)


def test_where_no_manifest_is(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="no manifest there"):
        ac.Manifest.open(tmp_path)
    with pytest.raises(LocationError, match="no manifest there"):
        ac.Manifest.open(tmp_path / "nowhere")


@pytest.mark.s3
def test_a_job_on_an_object_store(masters: Path, bucket: str, tiny_model: str) -> None:
    out = f"s3://{bucket}/out"
    assert colorize(masters, out, tiny_model).ok == 5
    assert len(ac.Manifest.open(out).to_pandas()) == 5
    key = ac.Manifest.open(out).to_arrow(["derivative_key"])["derivative_key"][0].as_py()
    picture = ac.Colorizer.load(tiny_model, proxy_px=64, on_colour="recolor")(f"{out}/{key}")
    assert picture.picture.size == (160, 120)
    with pytest.raises(LocationError, match="no manifest there"):
        ac.Manifest.open(f"s3://{bucket}/nothing")
