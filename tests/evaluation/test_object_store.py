"""Evaluation and promotion where the pictures are: in an object store, named by an inventory."""

import json
from pathlib import Path

import boto3
import pytest

from archive_colorizer.cli.main import main
from archive_colorizer.registry.connection import default_uri
from archive_colorizer.storage import open_store

pytestmark = pytest.mark.s3


@pytest.fixture
def uploaded(photos: Path, bucket: str) -> str:
    for path in photos.rglob("*.png"):
        key = f"photos/{path.relative_to(photos).as_posix()}"
        boto3.client("s3").upload_file(str(path), bucket, key)
    return f"s3://{bucket}/photos"


def test_it_gives_the_figures_of_the_same_pictures_here(
    photos: Path, uploaded: str, bucket: str, tiny_model: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    quick = ["--model", tiny_model, "--size", "32", "--limit", "6"]
    assert main(["evaluate", str(photos), *quick, "--output", str(tmp_path / "here")]) == 0
    out = f"s3://{bucket}/reports/one"
    assert main(["evaluate", uploaded, *quick, "--output", out]) == 0
    store = open_store(out)
    assert {entry.key for entry in store.list()} == {"report.md", "report.json", "sheet.png"}
    there, here = json.loads(store.read("report.json")), json.loads(
        (tmp_path / "here" / "report.json").read_text()
    )  # fmt: skip
    assert there["pictures"] == here["pictures"]
    assert store.read("sheet.png") == (tmp_path / "here" / "sheet.png").read_bytes()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_inventory_names_the_pictures(
    uploaded: str, bucket: str, tiny_model: str, tmp_path: Path
) -> None:
    lines = ["uri,sensitivity", "box1/1.png,", "box0/2.png,", "gone.png,", "box0/4.png,closed"]
    open_store(uploaded).write_atomic("list.csv", "\n".join(lines).encode())
    out = tmp_path / "report"
    words = ["evaluate", f"{uploaded}/list.csv", "--model", tiny_model, "--size", "32"]
    assert main([*words, "--output", str(out)]) == 0
    found = json.loads((out / "report.json").read_text())
    assert len(found["pictures"][tiny_model]) == 2
    assert found["left_out"]["box0/4.png"] == "its sensitivity is closed: not opened"
    assert "there is no such object" in found["left_out"]["gone.png"]


def test_a_model_of_a_store_is_registered_and_promoted_on_pictures_of_a_store(
    uploaded: str, bucket: str, tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert default_uri().endswith("mlflow.db")
    model = f"s3://{bucket}/runs/mine/model"
    for path in Path(tiny_model).iterdir():
        boto3.client("s3").upload_file(str(path), bucket, f"runs/mine/model/{path.name}")
    assert main(["models", "register", model, "palaces"]) == 0
    (tmp_path / "policy.yaml").write_text(
        "gates: [{metric: lightness_error, better: lower, at_most: 50.0}]\n"
    )
    words = ["models", "promote", "palaces", "--on", uploaded, "--size", "32", "--limit", "4",
             "--policy", str(tmp_path / "policy.yaml"), "--output",
             f"s3://{bucket}/gates"]  # fmt: skip
    assert main(words) == 0
    assert "palaces version 1 is champion" in capsys.readouterr().out
    assert open_store(f"s3://{bucket}/gates").exists("report.md")
    assert main(["evaluate", uploaded, "--model", model, "--size", "32", "--limit", "2",
                 "--output", str(tmp_path / "e")]) == 0  # fmt: skip
