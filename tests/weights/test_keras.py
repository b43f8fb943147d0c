"""Keras files: the noise-cancelling RDN of reference system D is published as one."""

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from archive_colorizer.cli.main import main
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.keras import read_keras

SHAPES = {"F_m1": (3, 3, 3, 64), "F_0": (3, 3, 64, 64), "GFF_1": (1, 1, 64, 64),
          "GFF_2": (3, 3, 64, 64), "UPN1": (5, 5, 64, 64), "UPN2": (3, 3, 64, 32),
          "UPN3": (3, 3, 32, 12), "SR": (3, 3, 12, 3), "F_1_1": (3, 3, 64, 8),
          "LFF_1": (1, 1, 72, 64)}  # fmt: skip
"""Layers of the smallest network of that kind; kernels as Keras has them."""
NETWORK = """
import sys
import keras
import numpy as np
from keras.layers import Activation, Add, Concatenate, Conv2D, Input, UpSampling2D

keras.utils.set_random_seed(0)
conv = lambda name, filters, edge: Conv2D(filters, edge, padding="same", name=name)
low = Input((None, None, 3))
first = conv("F_m1", 64, 3)(low)
x, found = conv("F_0", 64, 3)(first), []
for d in (1, 2):
    maps = x
    for c in (1, 2):
        maps = Concatenate()([maps, Activation("relu")(conv(f"F_{d}_{c}", 8, 3)(maps))])
    x = Add()([conv(f"LFF_{d}", 64, 1)(maps), x])
    found.append(x)
x = Add()([conv("GFF_2", 64, 3)(conv("GFF_1", 64, 1)(Concatenate()(found))), first])
for name, filters, edge in (("UPN1", 64, 5), ("UPN2", 32, 3)):
    x = Activation("relu")(conv(name, filters, edge)(x))
x = UpSampling2D(2)(conv("UPN3", 12, 3)(x))
model = keras.Model(low, conv("SR", 3, 3)(x))
model.compile("adam", "mae")
pixels = np.random.default_rng(0).random((1, 20, 24, 3), np.float32)
model.train_on_batch(pixels, np.zeros((1, 40, 48, 3)))
model.save(sys.argv[1] + "/rdn.h5")
np.savez(sys.argv[1] + "/picture.npz", low=pixels, high=model.predict(pixels, verbose=0))
"""


def written(path: Path, shapes: dict[str, tuple[int, ...]] = SHAPES) -> Path:
    """A file as `save_weights` of Keras 2 leaves it."""
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = list(shapes)
        for name, shape in shapes.items():
            group = file.create_group(f"{name}/{name}")
            group["kernel:0"] = random.normal(0, 0.05, shape).astype(np.float32)
            group["bias:0"] = np.zeros(shape[-1], np.float32)
    return path


def test_a_file_of_weights_is_imported_and_enlarges(tmp_path: Path) -> None:
    path = written(tmp_path / "rdn_ArtefactCancelling.hdf5")
    words = ["models", "import", str(path), "--output", str(tmp_path / "model")]
    assert main(words) == 0
    found = resolve(str(tmp_path / "model"))
    assert found.card.config == {"scale": 2, "blocks": 1, "convolutions": 1, "growth": 8,
                                 "features": 64, "upsampling": "nearest"}  # fmt: skip
    assert "Keras" in found.card.summary
    assert load(found).enlarge(torch.rand(1, 3, 10, 12)).shape == (1, 3, 20, 24)


def published(c: int, d: int) -> dict[str, tuple[int, ...]]:
    """Layers of the files that idealo's image-super-resolution published: G 64, G0 64, x2."""
    grown = {f"F_{i}_{j}": (3, 3, 64 * j, 64) for i in range(1, d + 1) for j in range(1, c + 1)}
    fused = {f"LFF_{i}": (1, 1, 64 * (c + 1), 64) for i in range(1, d + 1)}
    return SHAPES | grown | fused | {"GFF_1": (1, 1, 64 * d, 64)}


@pytest.mark.parametrize(
    ("name", "c", "d"),
    [("rdn-C3-D10-G64-G064-x2_PSNR_epoch134", 3, 10),
     ("rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219", 6, 20)],
)  # fmt: skip
def test_files_as_their_makers_published_them_are_imported(
    tmp_path: Path, name: str, c: int, d: int
) -> None:
    path = written(tmp_path / f"{name}.hdf5", published(c, d))
    assert main(["models", "import", str(path), "--output", str(tmp_path / "model")]) == 0
    found = resolve(str(tmp_path / "model"))
    assert found.card.config == {"scale": 2, "blocks": d, "convolutions": c, "growth": 64,
                                 "features": 64, "upsampling": "nearest"}  # fmt: skip
    state = read_keras(path).state()
    last = load(found).state_dict()[f"blocks.{d - 1}.convolutions.{c - 1}.weight"]
    assert torch.equal(last, state[f"F_{d}_{c}.weight"])


def test_what_is_no_such_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "dense.h5", {"dense": (4, 4)})
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["temperature"] = np.zeros(3)
    whole = written(tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    few = {k: v for k, v in SHAPES.items() if k != "UPN2"}
    written(tmp_path / "few.h5", few)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["F_m1"] = h5py.ExternalLink(str(tmp_path / "whole.h5"), "/F_m1")
    cases = {"dense.h5": "dense/dense/kernel:0 is float32 of shape (4, 4): not a convolution's",
             "other.h5": "no kernel or bias in it", "cut.h5": "not a Keras file of weights",
             "few.h5": "UPN2", "link.h5": "no kernel or bias in it"}  # fmt: skip
    for name, text in cases.items():
        words = ["models", "import", str(tmp_path / name), "--output", str(tmp_path / "model")]
        assert main(words) == 2, name
        said = capsys.readouterr().err
        assert text in said, (name, said)
        assert name in said
        assert len(said.strip().splitlines()) == 1, said
    assert not (tmp_path / "model").exists()


def test_without_the_library_it_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "rdn.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    words = ["models", "import", str(path), "--output", str(tmp_path / "model")]
    assert main(words) == 2
    assert "pip install 'archive-colorizer[keras]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_that_keras_saved_gives_keras_own_picture(
    tmp_path: Path, run_keras: Callable[[str, Path], None]
) -> None:
    run_keras(NETWORK, tmp_path)
    assert not any("optimizer" in name for name in read_keras(tmp_path / "rdn.h5").layers)
    words = ["models", "import", str(tmp_path / "rdn.h5"), "--output", str(tmp_path / "model")]
    assert main(words) == 0
    pictures = np.load(tmp_path / "picture.npz")
    low_b3hw = torch.from_numpy(pictures["low"]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        high_b3hw = load(resolve(str(tmp_path / "model")))(low_b3hw)
    torch.testing.assert_close(high_b3hw.permute(0, 2, 3, 1), torch.from_numpy(pictures["high"]))
