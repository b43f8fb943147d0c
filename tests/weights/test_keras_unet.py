"""U-Net generators that Keras programs wrote: TensorFlow's pix2pix tutorial, functional ones."""

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.registry.resolve import load, resolve

WIDTHS = (4, 8, 16, 16)
NETWORKS = """
import sys
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
W = (4, 8, 16, 16)


def conv(x, width, edge, bias, norm, training=None, up=False):
    kind = layers.Conv2DTranspose if up else layers.Conv2D
    x = kind(width, edge, strides=2, padding="same", use_bias=bias)(x)
    return layers.BatchNormalization()(x, training=training) if norm else x


def block(width, edge, norm, up=False):
    kind = layers.Conv2DTranspose if up else layers.Conv2D
    parts = [kind(width, edge, strides=2, padding="same", use_bias=False)]
    parts += [layers.BatchNormalization()] if norm else []
    parts += [layers.Dropout(0.5), layers.ReLU()] if up else [layers.LeakyReLU()]
    return keras.Sequential(parts)


def tutorial(edge, inputs):
    x = first = layers.Input((None, None, inputs))
    skips = []
    for i, width in enumerate(W):
        x = block(width, edge, i > 0)(x)
        skips.append(x)
    for width, skip in zip(W[-2::-1], skips[-2::-1]):
        x = layers.Concatenate()([block(width, edge, True, up=True)(x), skip])
    last = layers.Conv2DTranspose(3, edge, strides=2, padding="same", activation="tanh")
    return keras.Model(first, last(x))


def functional(edge, inputs):
    x = first = layers.Input((None, None, inputs))
    skips = []
    for i, width in enumerate(W[:-1]):
        x = layers.LeakyReLU(0.2)(conv(x, width, edge, True, i > 0, True))
        skips.append(x)
    x = layers.Activation("relu")(conv(x, W[-1], edge, True, False))
    for width, skip in zip(W[-2::-1], skips[::-1]):
        x = conv(x, width, edge, True, True, True, up=True)
        x = layers.Dropout(0.0)(x, training=True)  # else its pictures would be of chance
        x = layers.Activation("relu")(layers.Concatenate()([x, skip]))
    last = layers.Conv2DTranspose(3, edge, strides=2, padding="same")
    return keras.Model(first, layers.Activation("tanh")(last(x)))


for name, make, edge, inputs in (("tutorial", tutorial, 4, 3), ("functional", functional, 4, 3),
                                 ("odd", tutorial, 5, 1)):
    model = make(edge, inputs)
    for weight in model.weights:
        if "seed" not in weight.path:
            values = random.normal(0, 0.2, weight.shape)
            positive = "variance" in weight.path or "gamma" in weight.path
            weight.assign(np.abs(values) + 0.5 if positive else values)
    model.save(f"{sys.argv[1]}/{name}.h5")
    model.save_weights(f"{sys.argv[1]}/{name}.weights.h5")
    pixels = random.random((1, 32, 48, inputs), np.float32) * 2 - 1
    made = model(pixels).detach().numpy()
    np.savez(f"{sys.argv[1]}/{name}.npz", given=pixels, made=made)
"""


def layer(file: h5py.Group, name: str, **values: np.ndarray) -> None:
    group = file.create_group(name)
    group.attrs["weight_names"] = np.array([f"{name}/{part}:0".encode() for part in values])
    for part, value in values.items():
        group[f"{name}/{part}:0"] = value.astype(np.float32)
    file.attrs["layer_names"] = np.array([*file.attrs.get("layer_names", []), name], "S")


def functional_file(
    path: Path, changed: dict[str, tuple[int, ...]] | None = None, without: tuple[str, ...] = ()
) -> Path:
    """Weights as `save_weights` of Keras 2 leaves them, ten levels of names out of alphabet."""
    random, changed = np.random.default_rng(0), changed or {}
    inner = len(WIDTHS) - 1
    with h5py.File(path, "w") as file:
        plan = [("conv2d", (a, b), 0 < i < inner)
                for i, (a, b) in enumerate(pairwise((3, *WIDTHS)))]  # fmt: skip
        plan += [("conv2d_transpose", channels, True) for channels in ((16, 16), (32, 8), (16, 4))]
        plan += [("conv2d_transpose", (8, 3), False)]
        numbers: dict[str, int] = {"conv2d": 7, "conv2d_transpose": 7, "batch_normalization": 7}
        for kind, (a, b), normed in plan:
            numbers[kind] += 1
            name = f"{kind}_{numbers[kind]}"
            shape = changed.get(name, (4, 4, a, b) if kind == "conv2d" else (4, 4, b, a))
            layer(file, name, kernel=random.normal(0, 0.1, shape), bias=random.normal(0, 0.1, b))
            if normed:
                numbers["batch_normalization"] += 1
                norm = f"batch_normalization_{numbers['batch_normalization']}"
                if norm not in without:
                    layer(file, norm, gamma=np.ones(b), beta=np.zeros(b),
                          moving_mean=np.zeros(b), moving_variance=np.ones(b))  # fmt: skip
    return path


def import_model(path: Path, folder: Path, *more: str) -> torch.nn.Module:
    assert main(["models", "import", str(path), "--output", str(folder), *more]) == 0
    return load(resolve(str(folder)))


def test_a_file_of_weights_is_imported_and_colours(tmp_path: Path, rows: Any) -> None:
    module = import_model(functional_file(tmp_path / "model_010.h5"), tmp_path / "model")
    card = resolve(str(tmp_path / "model")).card
    assert card.family == "keras_unet"
    assert card.config == {"in_channels": 3, "widths": list(WIDTHS), "kernel": 4, "slope": 0.2,
                           "layout": "functional", "statistics": "picture",
                           "norm_eps": 0.001}  # fmt: skip
    with h5py.File(tmp_path / "model_010.h5") as file:
        theirs = file["conv2d_transpose_10/conv2d_transpose_10/kernel:0"][()]
    assert torch.equal(module.up[2].conv.weight, torch.from_numpy(theirs).permute(3, 2, 0, 1))
    scans = tmp_path / "scans"
    scans.mkdir()
    Image.fromarray(np.arange(70 * 90, dtype=np.uint8).reshape(70, 90)).save(scans / "one.png")
    words = ["colorize", str(scans), str(tmp_path / "out"), "--engine", "local", "--proxy-px", "64"]
    assert main([*words, "--model", str(tmp_path / "model")]) == 0
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["steps"][0]["op"]) == ("ok", "keras_unet")


def test_it_may_translate(tmp_path: Path) -> None:
    path = functional_file(tmp_path / "comic.h5")
    module = import_model(path, tmp_path / "model", "--task", "translate")
    assert resolve(str(tmp_path / "model")).card.family == "keras_unet_translate"
    with torch.inference_mode():
        made = module.translate(torch.rand(1, 3, 30, 50))
    assert made.shape == (1, 3, 30, 50)
    assert 0 <= made.min() < made.max() <= 1


def test_a_picture_is_the_same_in_any_batch(tmp_path: Path) -> None:
    module = import_model(functional_file(tmp_path / "model.h5"), tmp_path / "model")
    pictures = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(module(pictures)[1:2], module(pictures[1:2]))


def test_what_does_not_fit_names_its_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    functional_file(tmp_path / "shape.h5", {"conv2d_transpose_9": (4, 4, 8, 16)})
    functional_file(tmp_path / "planes.h5", {"conv2d_8": (4, 4, 4, 4)})
    functional_file(
        tmp_path / "few.h5", without=("batch_normalization_9", "batch_normalization_10")
    )
    with h5py.File(functional_file(tmp_path / "beta.h5"), "a") as file:
        del file["batch_normalization_9/batch_normalization_9/beta:0"]
    with h5py.File(functional_file(tmp_path / "odd.h5"), "a") as file:
        del file["conv2d_9"]
    with h5py.File(functional_file(tmp_path / "words.h5"), "a") as file:
        file.attrs["model_config"] = '{"config": {"layers": [{"config": "no layer"}]}}'
    with h5py.File(functional_file(tmp_path / "json.h5"), "a") as file:
        file.attrs["model_config"] = "{"
    cases = {
        "words.h5": "its description of the model is none of Keras'",
        "json.h5": "not a Keras file of weights",
        "shape.h5": "conv2d_transpose_9: kernel (4, 4, 8, 16), should be (4, 4, 8, 32)",
        "planes.h5": "conv2d_8: kernel (4, 4, 4, 4), should be (4, 4, 4, 4) of a Conv2D of 1 or 3",
        "few.h5": "it has 3 norms for 8 convolutions, should be 6 (tutorial) or 5 (functional)",
        "beta.h5": "batch_normalization_9: beta is missing, should be (16,)",
        "odd.h5": "it has 7 convolutions",
    }
    for name, text in cases.items():
        words = ["models", "import", str(tmp_path / name), "--output", str(tmp_path / "model")]
        assert main(words) == 2, name
        said = capsys.readouterr().err
        assert text in said, (name, said)
        assert name in said
        assert len(said.strip().splitlines()) == 1, said
    assert not (tmp_path / "model").exists()


def without_model(whole: Path, path: Path) -> Path:
    """The weights of a whole model as Keras 2's `save_weights` has them."""
    with h5py.File(whole) as file, h5py.File(path, "w") as made:
        for name in file["model_weights"]:
            file.copy(f"model_weights/{name}", made)
        made.attrs["layer_names"] = file["model_weights"].attrs["layer_names"]
    return path


def changed_model(whole: Path, path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same file, its description of the model changed."""
    shutil.copy(whole, path)
    with h5py.File(path, "a") as file:
        model = json.loads(file.attrs["model_config"])
        change(model)
        file.attrs["model_config"] = json.dumps(model)
    return path


def set_everywhere(part: Any, kind: str, key: str, value: object, *, inbound: bool = False) -> None:
    """Set a setting of every layer of a kind."""
    if isinstance(part, dict):
        if part.get("class_name") == kind:
            part["config"][key] = value
            if inbound:
                part["inbound_nodes"][0]["args"][0].reverse()
        for inner in part.values():
            set_everywhere(inner, kind, key, value, inbound=inbound)
    elif isinstance(part, list):
        for inner in part:
            set_everywhere(inner, kind, key, value, inbound=inbound)


@pytest.mark.slow
def test_models_that_keras_saved_give_keras_own_pictures(
    tmp_path: Path, run_keras: Callable[[str, Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run_keras(NETWORKS, tmp_path)
    for name in ("tutorial", "functional", "odd"):
        whole = tmp_path / f"{name}.h5"
        old = without_model(whole, tmp_path / f"{name}-keras2.h5")
        pictures = np.load(tmp_path / f"{name}.npz")
        given = torch.from_numpy(pictures["given"]).permute(0, 3, 1, 2)
        for path in (whole, old, tmp_path / f"{name}.weights.h5"):
            module = import_model(path, tmp_path / f"{path.name}-model")
            with torch.inference_mode():
                made = module(given).permute(0, 2, 3, 1)
            torch.testing.assert_close(made, torch.from_numpy(pictures["made"]))
    changes: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
        "pads.h5": (lambda m: set_everywhere(m, "Conv2D", "padding", "valid"),
                    "conv2d: padding is valid, should be same"),
        "order.h5": (lambda m: set_everywhere(m, "Concatenate", "axis", -1, inbound=True),
                     "concatenate: puts the skip first, should be last"),
        "kind.h5": (lambda m: m["config"]["layers"][1]["config"]["layers"][-1].update(
                        class_name="ELU"),
                    "sequential: is ELU where the layout 'tutorial' has LeakyReLU"),
        "slope.h5": (lambda m: m["config"]["layers"][1]["config"]["layers"][-1]["config"].update(
                         negative_slope=0.1), "negative_slope is 0.3, should be 0.1"),
    }  # fmt: skip
    capsys.readouterr()
    for name, (change, text) in changes.items():
        path = changed_model(tmp_path / "tutorial.h5", tmp_path / name, change)
        words = ["models", "import", str(path), "--output", str(tmp_path / "refused")]
        assert main(words) == 2, name
        assert text in capsys.readouterr().err, name
