"""A model's folder as MLflow's own tools load it: an MLmodel file beside the weights.

`mlflow.pyfunc.load_model("models:/NAME@champion")` and `mlflow models serve` then take a table or
an array of encoded pictures, and give a table of coloured ones. What is loaded is this program, by
the module that MLmodel names; nothing is pickled.
"""

import base64
import io
import json
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from archive_colorizer.models.catalog import TASK_OF, Task
from archive_colorizer.weights.card import ModelCard

LOADER: Final = "archive_colorizer.api.served"
"""The module whose `_load_pyfunc` MLflow calls."""
EXAMPLE: Final = "input_example.json"
SERVED_EXAMPLE: Final = "serving_input_example.json"
REQUIREMENTS: Final = "requirements.txt"


def describe(folder: Path, card: ModelCard) -> list[Path]:
    """Write MLmodel, its environment and an example of its input into a model's folder.

    Args:
        folder: has the weights and card.json.
        card: the model's.

    Returns:
        The files; none for a model that does not colour.
    """
    if TASK_OF[card.family] is not Task.COLORIZE:
        return []
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    answer = Schema(
        [
            ColSpec("binary", "image", required=False),
            ColSpec("double", "doubt", required=False),
            ColSpec("string", "error", required=False),
        ]
    )
    # The input's one column has no name, so that tables with any name, lists and arrays are taken.
    signature = ModelSignature(
        Schema([ColSpec("binary")]), answer, ParamSchema([ParamSpec("vividness", "double", None)])
    )
    model = Model(
        signature=signature,
        saved_input_example_info={
            "artifact_path": EXAMPLE, "type": "dataframe", "pandas_orient": "split",
            "serving_input_path": SERVED_EXAMPLE,
        },
        metadata={"card": card.name, "version": card.version, "data_rights": card.data_rights},
    )  # fmt: skip
    mlflow.pyfunc.add_to_model(model, loader_module=LOADER, data=".", python_env="python_env.yaml")
    requirements = f"archive-colorizer=={version('archive-colorizer')}"
    environment = {"python": model.flavors["python_function"]["python_version"],
                   "dependencies": [f"-r {REQUIREMENTS}"]}  # fmt: skip
    split = {"columns": ["image"], "data": [[_encode_example()]]}
    texts = {
        REQUIREMENTS: f"{requirements}\n",
        "python_env.yaml": json.dumps(environment),  # JSON is YAML
        EXAMPLE: json.dumps(split),
        SERVED_EXAMPLE: json.dumps({"dataframe_split": split}),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    model.save(str(folder / "MLmodel"))
    return [folder / name for name in ("MLmodel", *texts)]


def _encode_example() -> str:
    """A drawn grey picture as a PNG, base64."""
    sky = np.linspace(230, 150, 48)[:, None] + np.zeros((48, 64))
    sky[32:] = 90 + 20 * np.sin(np.arange(64) / 5)
    sink = io.BytesIO()
    Image.fromarray(sky.astype(np.uint8)).save(sink, "PNG")
    return base64.b64encode(sink.getvalue()).decode()
