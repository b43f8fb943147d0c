"""Saving, loading, and every way in which a file can be wrong."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.card import ModelCard, card_from_json
from archive_colorizer.weights.local import save_model
from archive_colorizer.weights.reference import WEIGHTS_NAME, builtin_names

TINY = {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8}
CARD = ModelCard(
    name="tiny",
    version="1",
    family="chroma_unet",
    config=TINY,
    data_rights="not_cleared",
    limits=("knows nothing",),
    figures={"psnr": 22.5},
)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return MODELS["chroma_unet"].build_from(TINY).eval()


@pytest.fixture
def folder(tmp_path: Path, network: nn.Module) -> Path:
    save_model(tmp_path / "model", network, CARD)
    return tmp_path / "model"


def test_what_is_saved_comes_back(folder: Path, network: nn.Module) -> None:
    model = resolve(str(folder))
    assert model.card == CARD
    loaded = load(model)
    assert not loaded.training
    for name, value in network.state_dict().items():
        assert torch.allclose(loaded.state_dict()[name].float(), value.float(), atol=1e-3), name


def test_weights_are_stored_in_half_precision_unless_told(folder: Path, network: nn.Module) -> None:
    whole = save_model(folder.parent / "whole", network, CARD, half=False)
    half_bytes = (folder / WEIGHTS_NAME).stat().st_size
    assert half_bytes < 0.7 * Path(whole.path).stat().st_size


def test_the_hash_is_of_the_weights_file_and_the_same_by_any_reference(folder: Path) -> None:
    by_folder, by_file = resolve(str(folder)), resolve(str(folder / WEIGHTS_NAME))
    assert by_folder.weights_sha256 == by_file.weights_sha256
    assert len(by_folder.weights_sha256) == 64
    assert by_folder.weights_sha256 in (folder / "card.md").read_text()


def test_one_file_is_enough(folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / "renamed.safetensors"
    shutil.copy(folder / WEIGHTS_NAME, lone)
    assert resolve(str(lone)).card == CARD
    load(resolve(str(lone)))


def test_who_may_read_the_card_may_read_the_weights(folder: Path) -> None:
    modes = {path.stat().st_mode for path in folder.iterdir()}
    assert len(modes) == 1


def test_nothing_temporary_is_left(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {WEIGHTS_NAME, "card.json", "card.md"}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def not_safetensors(path: Path) -> None:
    path.write_bytes(b"\x80\x02}q\x00." * 100)


def without_card(path: Path) -> None:
    rewrite_header(path, lambda header: header.pop("__metadata__"))


def one_tensor_renamed(path: Path) -> None:
    def rename(header: dict) -> None:
        header["stern.0.weight"] = header.pop("stem.0.weight")

    rewrite_header(path, rename)


def rewrite_header(path: Path, change: Callable[[dict], object]) -> None:
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut, "is cut"),
        (cut_in_the_header, "is cut"),
        (empty, "is cut"),
        (not_safetensors, "is cut or not a safetensors"),
        (without_card, "no model card"),
        (one_tensor_renamed, r"does not fit chroma_unet.*stem\.0\.weight"),
        (Path.unlink, "no model there"),
    ],
)
def test_a_harmed_file_is_refused_in_one_line(
    folder: Path, harm: Callable[[Path], None], words: str
) -> None:
    harm(folder / WEIGHTS_NAME)
    with pytest.raises(ModelReferenceError, match=words) as caught:
        load(resolve(str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "dream"}, "unknown model family 'dream'"),
        ({"config": {"depth": 9}}, "does not fit"),
        ({"config": TINY | {"head": 16}}, "does not fit"),
        ({"family": "pix2pix", "config": {"kernel": 1}}, "kernel=1"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    tmp_path: Path, network: nn.Module, change: dict, words: str
) -> None:
    save_model(tmp_path, network, replace(CARD, **change))
    with pytest.raises(ModelReferenceError, match=words):
        load(resolve(str(tmp_path)))


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("builtin:nonsense", "no such shipped model"),
        ("builtin:../default", "no such shipped model"),
        ("nowhere/at/all", "no model there"),
    ],
)
def test_a_reference_that_names_nothing_is_refused(ref: str, words: str) -> None:
    with pytest.raises(ModelReferenceError, match=words):
        resolve(ref)


def test_pickled_checkpoints_are_never_opened(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "model.pt")
    with pytest.raises(ModelReferenceError, match="never pickled"):
        resolve(str(tmp_path / "model.pt"))


def test_a_card_survives_json_and_refuses_what_it_does_not_know() -> None:
    assert card_from_json(CARD.to_json(), "here") == CARD
    for text, words in (
        ("{", "not a model card"),
        ("[1]", "here"),
        (json.dumps({"name": "x", "colour": "red"}), "unknown keys"),
        (json.dumps({"name": "x", "data_rights": "maybe"}), "data_rights"),
        (json.dumps({"name": "x"}), "not a model card"),
    ):
        with pytest.raises(ModelReferenceError, match=words):
            card_from_json(text, "here")


def test_the_default_is_shipped_small_and_can_be_loaded() -> None:
    assert "default" in builtin_names()
    model = resolve("builtin:default")
    assert Path(model.path).stat().st_size < 20_000_000
    assert model.card.data_rights == "not_cleared"
    gray = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.isfinite(load(model).predict(gray).ab_b2hw).all()


def test_resolving_loads_no_torch() -> None:
    code = (
        "import sys; from archive_colorizer.registry.resolve import resolve;"
        "resolve('builtin:default'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
