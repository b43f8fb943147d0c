"""Registered models, loaded and served by MLflow's own tools."""

import base64
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from processes import free_port

from archive_colorizer.registry.mlflow_models import Registry


def encoded(seed: int = 0, kind: str = "JPEG") -> bytes:
    y, x = np.mgrid[:60, :80]
    gray = (100 + 60 * np.sin(x / 9 + seed) + 20 * (y > 30)).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(gray).save(sink, kind)
    return sink.getvalue()


@pytest.fixture
def store(tmp_path: Path, tiny_model: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with a registered model, `tiny`."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    Registry(uri).register(tiny_model, "tiny")
    return uri


def test_pyfunc_colours_tables_and_arrays(store: str) -> None:
    import mlflow.pyfunc

    mlflow.set_tracking_uri(store)
    model = mlflow.pyfunc.load_model("models:/tiny@challenger")
    pictures = [encoded(0), encoded(1, "TIFF"), b"no picture"]
    table = model.predict(pd.DataFrame({"scan": pictures}))
    assert list(table.columns) == ["image", "doubt", "error"]
    for made in table["image"][:2]:
        picture = Image.open(io.BytesIO(made))
        assert (picture.size, picture.mode, picture.format) == ((80, 60), "RGB", "PNG")
    assert table["error"].isna().tolist() == [True, True, False]
    assert "not a picture" in table["error"][2]
    assert table["doubt"][0] >= 0
    again = model.predict(np.array(pictures, object))
    assert again["image"][0] == table["image"][0]


def test_the_example_is_one(store: str) -> None:
    import mlflow.pyfunc

    mlflow.set_tracking_uri(store)
    model = mlflow.pyfunc.load_model("models:/tiny@challenger")
    made = model.predict(model.input_example)
    assert made["error"].isna().all()
    assert model.metadata.signature.params.to_dict()[0]["name"] == "vividness"


def test_the_version_has_the_card_as_its_description(store: str) -> None:
    from mlflow import MlflowClient

    text = MlflowClient(store).get_model_version("tiny", "1").description
    assert "chroma_unet" in text
    assert len(text) <= 5000


@pytest.mark.slow
def test_mlflow_serves_it(store: str, tmp_path: Path) -> None:
    port = free_port()
    words = ["models", "serve", "-m", "models:/tiny@challenger", "--env-manager", "local",
             "--port", str(port), "--host", "127.0.0.1"]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        served = subprocess.Popen([sys.executable, "-m", "mlflow", *words], stdout=log, stderr=log,
                                  env=env)  # fmt: skip
    try:
        body = json.dumps({
            "dataframe_split": {"columns": ["image"],
                                "data": [[base64.b64encode(encoded()).decode()]]},
        }).encode()  # fmt: skip
        address = f"http://127.0.0.1:{port}/invocations"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        for _ in range(180):
            try:
                with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                    (row,) = json.load(response)["predictions"]
                break
            except OSError:
                assert served.poll() is None, (tmp_path / "log").read_text()
                time.sleep(1)
        picture = Image.open(io.BytesIO(base64.b64decode(row["image"])))
        assert (picture.size, row["error"]) == ((80, 60), None)
    finally:
        served.terminate()
        served.wait(30)


def test_a_training_run_names_its_data_and_has_a_servable_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from processes import colour_photographs

    from archive_colorizer.training.config import compose
    from archive_colorizer.training.run import train

    photos = colour_photographs(tmp_path / "photos", 12)
    uri = f"sqlite:///{tmp_path}/runs.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    layers = [("test", {
        "data": {"data": str(photos)}, "feed": {"crop_px": 32, "batch_size": 4},
        "model": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
        "loop": {"steps": 2}, "run": {"engine": "local", "device": "cpu"},
    })]  # fmt: skip
    report = train(compose("chroma_unet", str(tmp_path / "run"), layers))
    import mlflow.pyfunc
    from mlflow import MlflowClient

    assert f"record: mlflow ui --backend-store-uri {uri}" in report.text()
    client = MlflowClient(uri)
    (experiment,) = client.search_experiments(filter_string="name = 'archive-colorizer'")
    (run,) = client.search_runs([experiment.experiment_id])
    (used,) = run.inputs.dataset_inputs
    assert json.loads(used.dataset.source) == {"uri": str(photos)}
    assert len(used.dataset.digest) == 36
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert model.predict([encoded()])["error"].isna().all()
