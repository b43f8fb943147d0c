"""TensorFlow.js' models: RDN and RRDN against a run of the file's own graph, and broken files.

TensorFlow.js is not to be had in Python. So the graph in the JSON is followed layer by layer, with
arrays as TensorFlow lays them, which knows nothing of our networks.
"""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from skimage import data

from archive_colorizer.cli.main import main
from archive_colorizer.inference.enlarger import Enlarger
from archive_colorizer.inference.runner import open_runner
from archive_colorizer.metrics.luma import psnr_y, reduced, resized
from archive_colorizer.registry.resolve import load, resolve

Array = NDArray[np.float32]
BUILD = Path(__file__).parents[2] / "build" / "published"


def run_graph(path: Path, x_hwc: Array) -> Array:
    """What the graph of a model.json gives, in float32."""
    model = json.loads(path.read_text())
    (group,) = model["weightsManifest"]
    flat = np.frombuffer(b"".join((path.parent / n).read_bytes() for n in group["paths"]), "<f4")
    weights, at = {}, 0
    for entry in group["weights"]:
        size = int(np.prod(entry["shape"]))
        weights[entry["name"]] = flat[at : at + size].reshape(entry["shape"])
        at += size
    found: dict[str, Array] = {}
    for layer in model["modelTopology"]["model_config"]["config"]["layers"]:
        nodes = layer["inbound_nodes"]
        given = [found[name] for name, *_ in nodes[0]] if nodes else [x_hwc]
        found[layer["name"]] = apply(layer, given, weights)
    return found[layer["name"]]


def apply(layer: dict[str, Any], given: list[Array], weights: dict[str, Array]) -> Array:
    x, config, name = given[0], layer["config"], layer["name"]
    match layer["class_name"]:
        case "InputLayer":
            return x
        case "Conv2D":
            return convolve(x, weights[f"{name}/kernel"], weights[f"{name}/bias"])
        case "Activation":
            assert config["activation"] == "relu"
            return np.maximum(x, 0)
        case "Concatenate":
            return np.concatenate(given, axis=2)
        case "Add":
            return given[0] + given[1]
        case "MultiplyBeta":
            return x * np.float32(0.2)
        case "UpSampling2D":
            assert config["interpolation"] == "nearest"
            return x.repeat(config["size"][0], axis=0).repeat(config["size"][1], axis=1)
        case other:
            assert other.startswith("PixelShuffle")
            scale = config["scale"]
            height, width, depth = x.shape
            blocks = x.reshape(height, width, scale, scale, depth // scale**2)
            return blocks.transpose(0, 2, 1, 3, 4).reshape(height * scale, width * scale, -1)


def convolve(x_hwc: Array, kernel_hwio: Array, bias: Array) -> Array:
    """'same' of an odd kernel at stride 1: zeros around."""
    kernel = torch.from_numpy(np.ascontiguousarray(kernel_hwio.transpose(3, 2, 0, 1)))
    x = torch.from_numpy(np.ascontiguousarray(x_hwc.transpose(2, 0, 1)))[None]
    edge = kernel.shape[-1] // 2
    return (
        F.conv2d(x, kernel, torch.from_numpy(bias.copy()), padding=edge)[0]
        .numpy()
        .transpose(1, 2, 0)
    )


class Writer:
    """Writes a model with random weights, as the converter does."""

    def __init__(self) -> None:
        self.layers: list[dict[str, Any]] = []
        self.weights: list[tuple[str, Array]] = []
        self.random = np.random.default_rng(0)

    def add(self, kind: str, name: str, inputs: list[str], **config: Any) -> str:
        nodes = [[[one, 0, 0, {}] for one in inputs]] if inputs else []
        self.layers.append(
            {"class_name": kind, "name": name, "inbound_nodes": nodes, "config": config}
        )
        return name

    def conv(self, name: str, x: str, shape: tuple[int, int, int]) -> str:
        edge, inputs, out = shape
        scale = 1 / np.sqrt(edge * edge * inputs)
        kernel = self.random.normal(0, scale, (edge, edge, inputs, out))
        self.weights += [(f"{name}/kernel", kernel.astype("<f4"))]
        self.weights += [(f"{name}/bias", self.random.normal(0, 0.1, out).astype("<f4"))]
        return self.add("Conv2D", name, [x])

    def save(self, folder: Path) -> Path:
        folder.mkdir()
        raw = b"".join(values.tobytes() for _, values in self.weights)
        (folder / "group1-shard1of2.bin").write_bytes(raw[:1001])
        (folder / "group1-shard2of2.bin").write_bytes(raw[1001:])
        entries = [{"name": name, "shape": list(values.shape), "dtype": "float32"}
                   for name, values in self.weights]  # fmt: skip
        model = {
            "format": "layers-model",
            "modelTopology": {"model_config": {"config": {"layers": self.layers}}},
            "weightsManifest": [
                {"paths": ["group1-shard1of2.bin", "group1-shard2of2.bin"], "weights": entries}
            ],
        }
        (folder / "model.json").write_text(json.dumps(model))
        return folder / "model.json"


def write_rdn(folder: Path, scale: int = 4) -> Path:
    w, width, growth, blocks = Writer(), 6, 3, 2
    first = w.conv("F_m1", w.add("InputLayer", "LR", []), (3, 3, width))
    x, ends = w.conv("F_0", first, (3, width, width)), []
    for i in range(1, blocks + 1):
        grown = w.conv(f"F_{i}_1", x, (3, width, growth))
        grown = w.add("Activation", f"F_{i}_1_Relu", [grown], activation="relu")
        both = w.add("Concatenate", f"RDB_Concat_{i}_1", [x, grown])
        fused = w.conv(f"LFF_{i}", both, (1, width + growth, width))
        x = w.add("Add", f"LRL_{i}", [fused, x])
        ends.append(x)
    x = w.conv("GFF_1", w.add("Concatenate", "LRLs_Concat", ends), (1, blocks * width, width))
    x = w.add("Add", "FDF", [w.conv("GFF_2", x, (3, width, width)), first])
    for name, shape in (("UPN1", (5, width, width)), ("UPN2", (3, width, 3))):
        x = w.add("Activation", f"{name}_Relu", [w.conv(name, x, shape)], activation="relu")
    x = w.conv("UPN3", x, (3, 3, 3 * scale**2))
    x = w.add("UpSampling2D", "UPsample", [x], size=[scale, scale], interpolation="nearest")
    w.conv("SR", x, (3, 3 * scale**2, 3))
    return w.save(folder)


def write_rrdn(folder: Path, scale: int = 2) -> Path:
    w, width, growth, blocks = Writer(), 6, 3, 2
    first = x = w.conv("Pre_blocks_conv", w.add("InputLayer", "LR_input", []), (3, 3, width))
    for t in range(1, blocks + 1):
        outer = x
        for d in (1, 2, 3):
            joined = x
            for c in range(1, 5):
                grown = w.conv(f"F_{t}_{d}_{c}", joined, (3, width + (c - 1) * growth, growth))
                grown = w.add("Activation", f"F_{t}_{d}_{c}_Relu", [grown], activation="relu")
                joined = w.add("Concatenate", f"RDB_Concat_{t}_{d}_{c}", [joined, grown])
            last = w.conv(f"LFF_{t}_{d}", joined, (3, width + 4 * growth, width))
            beta = w.add("MultiplyBeta", f"multiply_{t}_{d}", [last])
            x = w.add("Add", f"LRL_{t}_{d}", [x, beta])
        x = w.add("Add", f"RRDB_{t}_out", [outer, w.add("MultiplyBeta", f"multiply_{t}", [x])])
    x = w.add("Add", "GRL", [w.conv("post_blocks_conv", x, (3, width, width)), first])
    x = w.conv("PreShuffle", x, (3, width, 3 * scale**2))
    x = w.add(f"PixelShuffle{scale}x", "pixel_shuffle", [x], scale=scale)
    w.conv("SR", x, (3, 3, 3))
    return w.save(folder)


def imported(path: Path, folder: Path) -> Any:
    assert main(["models", "import", str(path), "--output", str(folder)]) == 0
    return load(resolve(str(folder)))


@torch.inference_mode()
def ours_and_theirs(network: Any, path: Path, rgb_hw3: Array, most: float) -> tuple[Array, Array]:
    """Both in [0, 1]; `most` is the value of white in the file's own range."""
    theirs = run_graph(path, rgb_hw3 * np.float32(most)) / most
    ours = network(torch.from_numpy(np.ascontiguousarray(rgb_hw3.transpose(2, 0, 1)))[None])
    return ours[0].numpy().transpose(1, 2, 0), theirs


@pytest.mark.parametrize(("write", "most", "scale"), [(write_rdn, 255, 4), (write_rrdn, 1, 2)])
def test_a_network_gives_what_the_files_graph_gives(
    tmp_path: Path, write: Any, most: float, scale: int
) -> None:
    path = write(tmp_path / "published")
    network = imported(path, tmp_path / "model")
    rgb = np.random.default_rng(1).random((9, 14, 3), dtype=np.float32)
    ours, theirs = ours_and_theirs(network, path, rgb, most)
    assert ours.shape == theirs.shape == (9 * scale, 14 * scale, 3)
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.ptp(ours) > 0.1


def test_what_does_not_fit_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.loads(write_rdn(tmp_path / "good").read_text())
    (group,) = good["weightsManifest"]
    first, *others = group["weights"]

    def changed(**what: Any) -> str:
        return json.dumps(good | {"weightsManifest": [group | what]})

    broken = {
        "text": ("{", "not a model of TensorFlow.js"),
        "list": ("[]", "not a model of TensorFlow.js"),
        "other JSON": ("{}", "not a model of TensorFlow.js"),
        "elsewhere": (changed(paths=["../../secret.bin"]), "is not a file beside it"),
        "missing": (changed(paths=["gone.bin"]), "No such file"),
        "cut": (changed(paths=group["paths"][:1]), "its weights end within"),
        "too long": (changed(weights=others), "bytes of weights where"),
        "quantised": (changed(weights=[first | {"quantization": {}}, *others]), "is quantised"),
        "other numbers": (changed(weights=[first | {"dtype": "float16"}, *others]), "not float32"),
        "unknown": (changed(weights=[first | {"name": "x/kernel"}, *others]), "no known layout"),
        "no block": (
            changed(weights=[e | {"name": e["name"].replace("F_1_1", "G")}
                             for e in group["weights"]]),
            "looks like RDN (UpscalerJS), but F_1_1.weight is missing",
        ),
    }  # fmt: skip
    path = tmp_path / "good" / "model.json"
    for name, (text, said) in broken.items():
        path.write_text(text)
        assert main(["models", "import", str(path), "--output", str(tmp_path / "m")]) == 2, name
        error = capsys.readouterr().err
        assert said in error, (name, error)
        assert len(error.strip().splitlines()) == 1, error
        assert "model.json" in error
    assert not (tmp_path / "m").exists()


def test_other_scales_than_ours_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_rdn(tmp_path / "published", scale=3)
    assert main(["models", "import", str(path), "--output", str(tmp_path / "m")]) == 2
    assert "scale=3: must be 1, 2 or 4" in capsys.readouterr().err


def fetched(size: str) -> Path:
    """model.json of the x4 network from npm's package."""
    BUILD.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", f"@upscalerjs/esrgan-{size}@1.0.0"]
    subprocess.run(command, cwd=BUILD, check=True, capture_output=True)
    package = BUILD / f"upscalerjs-esrgan-{size}-1.0.0.tgz"
    with tarfile.open(package) as archive:
        parts = [m for m in archive.getmembers() if m.name.startswith("package/models/x4/")]
        archive.extractall(BUILD / size, members=parts, filter="data")
    package.unlink()
    return BUILD / size / "package" / "models" / "x4" / "model.json"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "parameters", "most", "gain_db"),
    [("slim", 233_451, 255, 0.05), ("medium", 704_611, 255, 0.1), ("thick", 7_260_740, 1, 1.2)],
)
def test_the_published_ones_give_what_their_graphs_give(
    tmp_path: Path, size: str, parameters: int, most: float, gain_db: float
) -> None:
    path = fetched(size)
    network = imported(path, tmp_path / "model")
    assert sum(p.numel() for p in network.parameters()) == parameters
    truth = data.astronaut()[:160, 128:352]
    low = reduced(truth, 4)
    ours, theirs = ours_and_theirs(network, path, low.astype(np.float32) / 255, most)
    assert np.abs(ours - theirs).max() < 2e-4
    enlarger = Enlarger(
        open_runner(resolve(str(tmp_path / "model")), "exact", device=torch.device("cpu"))
    )
    bicubic = resized(low, truth.shape[1], truth.shape[0])
    assert psnr_y(enlarger(low), truth, 4) > psnr_y(bicubic, truth, 4) + gain_db
