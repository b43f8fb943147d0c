"""The ML engineer's hour: from Python, with MLflow's own tools, and a training that tells."""

import io
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from again import grey, weights
from PIL import Image
from typed import typed

import archive_colorizer as ac

pytestmark = pytest.mark.slow  # together they take a quarter of a minute

ROOT = Path(__file__).parents[2]
SMALL = ["--set", "feed.crop_px=32", "--batch-size", "4", "--engine", "local", "--no-mlflow"]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for number in range(3):
        grey(tmp_path / "scans" / f"{number}.jpg", 60 + 20 * number)
    return tmp_path / "scans"


def test_python_colours_a_picture_a_folder_and_reads_the_rows(
    scans: Path, tmp_path: Path, tiny_model: str
) -> None:
    colorizer = ac.Colorizer.load(tiny_model, proxy_px=64)
    result = colorizer(scans / "0.jpg", hints=[(4, 4, "#804020")], vividness=0.5)
    assert result.picture.size == (80, 60)
    assert result.chroma.shape[2] == 2
    assert 0 <= result.doubt.min() <= result.doubt.max() <= 1
    array = colorizer(np.full((40, 50), 90, np.uint8))
    assert array.to_array(16).dtype == np.uint16
    assert colorizer(Image.new("L", (50, 40), 90)).picture.size == (50, 40)
    report = ac.colorize(scans, tmp_path / "out", model=tiny_model, proxy_px=64, mark="corner")
    assert (report.ok, report.is_clean) == (3, True)
    manifest = ac.Manifest.open(tmp_path / "out")
    assert manifest.to_arrow().num_rows == 3
    frame = manifest.to_pandas(["status", "marked_key"])
    assert set(frame["status"]) == {"ok"}
    assert frame["marked_key"].str.startswith("marked/").all()


def test_the_import_is_light() -> None:
    code = "import archive_colorizer, sys; print(*sorted(m for m in sys.modules if '.' not in m))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "ray", "mlflow", "cv2", "pandas"} & set(said.stdout.split())


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("colorize s3://masters/ out", "s3"),
        ("models list", "train"),
        ("evaluate {scans} --model builtin:default", "metrics"),
        ("colorize {scans} out --mark strip --mark-text ko", "marks"),
    ],
)
def test_what_is_not_installed_is_one_line_with_the_command(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, extra: str
) -> None:
    from archive_colorizer.imaging.mark import find_font

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archive_colorizer.extras.find_spec", lambda name: None)
    find_font.cache_clear()
    said = typed(*words.format(scans=scans).split())
    find_font.cache_clear()
    assert said.code == 2
    assert said.err.strip().splitlines()[-1].endswith(f"'archive-colorizer[{extra}]'")


def test_the_base_needs_none_of_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    heavy = ("mlflow", "matplotlib", "boto3", "h5py", "pylopdf-fonts-ko", "openpyxl")
    assert not [one for one in project["dependencies"] if one.startswith(heavy)]


def test_how_many_may_fail_is_said(scans: Path, tmp_path: Path, tiny_model: str) -> None:
    (scans / "cut.jpg").write_bytes((scans / "0.jpg").read_bytes()[:200])
    words = ["colorize", scans, tmp_path / "out", "--model", tiny_model, "--proxy-px", "64"]
    for allowed, code in (("0", 3), ("1", 0), ("20%", 3), ("50%", 0)):
        said = typed(*words, "--max-failed", allowed)
        assert (said.code, "1 picture failed" in said.out) == (code, True)


def test_grey_pictures_are_no_truth(scans: Path, tiny_model: str, tmp_path: Path) -> None:
    said = typed("evaluate", scans, "--model", tiny_model, "--output", tmp_path / "e")
    assert "all of its 3 pictures are grey, so there is no truth" in said.line


def test_a_training_that_gains_nothing_says_so(photos: Path, tmp_path: Path) -> None:
    first = weights(tmp_path / "first", seed=3)
    said = typed("train", "chroma_unet", photos, "--init", first, "--steps", "2", *SMALL,
                 "--set", "loop.lr=1e-12", "--output", tmp_path / "run")  # fmt: skip
    assert said.code == 3
    assert f"no gain over --init {first}" in said.out
    assert "2 steps; held-out" in said.out


@pytest.mark.slow
def test_models_are_promoted_rolled_back_and_loaded_by_mlflow(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    policy = tmp_path / "policy.yaml"
    policy.write_text("gates: [{metric: lightness_error, better: lower, at_most: 100}]\n")
    promote = ("models", "promote", "town", "--on", photos, "--size", "64")
    for number in (1, 2):
        model = weights(tmp_path / str(number), seed=number)
        assert typed("models", "register", model, "town").code == 0
        if number == 1:
            few = typed(*promote)
            assert few.code == 3
            assert "refused by min_pictures, min_px" in few.out
        said = typed(*promote, "--policy", policy)
        assert f"town version {number} is champion" in said.out
    assert typed("models", "rollback", "town").code == 0
    import mlflow
    import mlflow.pyfunc

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    champion = mlflow.MlflowClient().get_model_version_by_alias("town", "champion")
    assert str(champion.version) == "1"
    assert "chroma_unet" in champion.description
    sink = io.BytesIO()
    Image.new("L", (60, 40), 90).save(sink, "PNG")
    made = mlflow.pyfunc.load_model("models:/town@champion").predict(
        pd.DataFrame({"scan": [sink.getvalue()]})
    )
    assert Image.open(io.BytesIO(made["image"][0])).size == (60, 40)
