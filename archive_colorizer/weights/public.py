"""Import of public checkpoints: the tensors' names tell the layout, only tensors are unpickled, and
the result is an ordinary model folder.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor

from archive_colorizer.errors import ConfigError, LocationError, ModelReferenceError
from archive_colorizer.models import cyclegan, ddcolor, pix2pix, rdn, rrdb
from archive_colorizer.models.table import MODELS
from archive_colorizer.weights import keras_unet, ncnn_rrdb
from archive_colorizer.weights.card import ModelCard, Rights
from archive_colorizer.weights.keras import is_hdf5, read_keras
from archive_colorizer.weights.local import save_model
from archive_colorizer.weights.ncnn import is_ncnn, read_ncnn
from archive_colorizer.weights.reference import ResolvedModel
from archive_colorizer.weights.state import read_state
from archive_colorizer.weights.tfjs import is_tfjs

State = Mapping[str, Tensor]
Converted = tuple[dict[str, object], dict[str, Tensor]]
Purpose = Literal["colorize", "translate"]


@dataclass(frozen=True, slots=True)
class Layout:
    """A public layout of a state dict."""

    name: str
    family: str
    marks: tuple[str, ...]
    """Names of tensors that all must be there."""
    convert: Callable[[State], Converted]
    """Settings of the family and our tensors; raises ValueError where something does not fit."""


def _keep_tensors(width_of: str) -> Callable[[State], Converted]:
    return lambda state: ({"width": state[width_of].shape[0]}, dict(state))


LAYOUTS: Final = (
    Layout("pix2pix U-Net (pytorch-CycleGAN-and-pix2pix)", "pix2pix",
           ("model.model.0.weight", "model.model.1.model.1.weight"), pix2pix.from_public),
    Layout("CycleGAN generator (pytorch-CycleGAN-and-pix2pix)", "cyclegan",
           ("model.1.weight", "model.10.conv_block.1.weight"), cyclegan.from_public),
    Layout("SIGGRAPH17 (Zhang et al.)", "siggraph17",
           ("model1.0.weight", "model8up.0.weight", "model_out.0.weight"),
           _keep_tensors("model1.0.weight")),
    Layout("ECCV16 (Zhang et al.)", "eccv16",
           ("model1.0.weight", "model8.6.weight", "model_out.weight"),
           _keep_tensors("model1.0.weight")),
    Layout("ESRGAN (BasicSR, Real-ESRGAN)", "rrdb",
           ("conv_first.weight", "body.0.rdb1.conv1.weight"), rrdb.from_public),
    Layout("ESRGAN (first release)", "rrdb",
           ("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"), rrdb.from_public),
    Layout("ESRGAN (BSRGAN)", "rrdb",
           ("conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight"), rrdb.from_public),
    Layout("DDColor", "ddcolor", ddcolor.MARKS, ddcolor.from_public),
    Layout("RDN (sfe1, rdbs)", "rdn", ("sfe1.weight",), rdn.from_public),
    Layout("RDN (EDSR-PyTorch)", "rdn", ("SFENet1.weight",), rdn.from_public),
    Layout("RDN (Keras release)", "rdn", ("F_m1.weight",), rdn.from_public),
    Layout("RRDN (Keras release, UpscalerJS)", "rrdb", ("Pre_blocks_conv.weight",), rrdb.from_rrdn),
)  # fmt: skip
"""Known layouts, in the order in which they are tried."""
UPSCALERJS: Final = Layout("RDN (UpscalerJS)", "rdn", ("F_m1.weight",), rdn.from_bytes)
"""The Keras release's, taught on 0 to 255; only the kind of file tells it."""
TRANSLATORS: Final = {"pix2pix": "pix2pix_translate", "keras_unet": "keras_unet_translate"}
"""Family -> the same network's that translates, where it takes and gives three channels."""
ELSEWHERE: Final = {
    "shared.weight": "a BigGAN: name it in `train biggan_inversion --set recipe.generator=FILE`",
    "features.0.weight": "VGG or AlexNet: name it where a perceptual loss or LPIPS asks for it",
}
"""Name of a tensor of another kind of file -> what that file is."""


def import_checkpoint(
    path: Path,
    folder: Path,
    *,
    name: str = "",
    purpose: Purpose = "colorize",
    back: Path | None = None,
    data_rights: Rights = "unknown",
) -> tuple[ResolvedModel, Layout]:
    """Make a model folder of a public checkpoint.

    Args:
        path: .pth, .safetensors, Keras' .h5 and .hdf5, ncnn's .param, or TensorFlow.js' model.json.
        folder: for weights and card.
        name: of the model; empty takes the file's.
        purpose: what a U-Net of three channels does; the file does not say.
        back: the other direction's generator, for CycleGAN.
        data_rights: of the pictures that it was trained on.

    Returns:
        The model, and the layout that was recognised.

    Raises:
        LocationError: a file is missing, cut, holds other things than tensors, or the folder holds
            a model.
        ModelReferenceError: no known layout, or tensors that do not fit it.
        ConfigError: a way back for a model that has none.
    """
    if folder.exists() and any(folder.iterdir()):
        raise LocationError(f"{folder}: is there already and not empty")
    layout, config, state = _convert(path)
    if back is not None:
        if layout.family != "cyclegan":
            raise ConfigError(f"{path}: a {layout.family} has no other direction")
        other, other_config, other_state = _convert(back)
        if other.family != "cyclegan" or other_config != config:
            raise ModelReferenceError(f"{back}: is not the other direction of {path}")
        config = config | {"one_way": False}
        theirs = {k.replace("forth.", "back.", 1): v for k, v in other_state.items()}
        state = {**state, **theirs}
    family = layout.family
    channels = (config.get("in_channels"), config.get("out_channels", 3))
    if purpose == "translate" and channels == (3, 3):
        family = TRANSLATORS.get(family, family)
    module = _build_module(path, family, config, state)
    files = [path] + ([back] if back else [])
    card = ModelCard(
        name=name or path.stem,
        version=time.strftime("%Y.%m.%d", time.gmtime()),
        family=family,
        config=asdict(MODELS[family].config(**config)),
        summary=f"Imported from {' and '.join(file.name for file in files)}: {layout.name}.",
        trained_on="Not known to this program: ask where the file is from.",
        data_rights=data_rights,
        training="; ".join(f"SHA-256 of {file.name}: {_hash_file(file)}" for file in files) + ".",
        command=f"archive-colorizer models import {path.name}",
        limits=("Colours are estimates, not records.", "Rights and licence are the source's."),
        licence="as the source says",
    )
    return save_model(folder, module, card, half=False), layout


def _convert(path: Path) -> tuple[Layout, dict[str, Any], dict[str, Tensor]]:
    state = read_state(path)
    layout = _find_layout(path, state)
    if layout is None:
        for mark, text in ELSEWHERE.items():
            if mark in state:
                raise ModelReferenceError(f"{path}: this is {text}")
        raise ModelReferenceError(
            f"{path}: no known layout ({len(state)} tensors, first {next(iter(state))!r}); known "
            f"are {', '.join(one.name for one in (*LAYOUTS, UPSCALERJS))}, ESRGAN (ncnn)"
        )
    try:
        config, tensors = layout.convert(state)
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise ModelReferenceError(f"{path}: looks like {layout.name}, but {error}") from error
    return layout, config, tensors


def _find_layout(path: Path, state: State) -> Layout | None:
    """The layout that the tensors' names tell; a Keras file may still be a U-Net of any names."""
    if is_ncnn(path):
        return Layout("ESRGAN (ncnn)", "rrdb", (), lambda _: ncnn_rrdb.convert(read_ncnn(path)))
    if is_tfjs(path) and all(mark in state for mark in UPSCALERJS.marks):
        return UPSCALERJS
    known = next((one for one in LAYOUTS if all(mark in state for mark in one.marks)), None)
    if known is None and is_hdf5(path):
        return Layout("a pix2pix U-Net (Keras)", "keras_unet", (),
                      lambda _: keras_unet.convert(read_keras(path)))  # fmt: skip
    return known


def _build_module(
    path: Path, family: str, config: Mapping[str, object], state: Mapping[str, Tensor]
) -> torch.nn.Module:
    spec = MODELS[family]
    try:
        module = spec.build_from(config)
        counters = {k: v for k, v in module.state_dict().items() if k.endswith("batches_tracked")}
        module.load_state_dict({**counters, **state})
    except (TypeError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())[:200]
        raise ModelReferenceError(f"{path}: does not fit {family}: {text}") from error
    for tensor in module.state_dict().values():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ModelReferenceError(f"{path}: has weights that are not finite")
    return module.eval()


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
