"""Saving and loading models: safetensors only, nothing is ever unpickled."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.models.table import MODELS
from archive_colorizer.storage.atomic import write_atomic
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.reference import WEIGHTS_NAME, ResolvedModel, resolve_local


def save_model(
    folder: Path, module: nn.Module, card: ModelCard, *, half: bool = True
) -> ResolvedModel:
    """Write model.safetensors, card.json and card.md into a folder.

    Args:
        folder: made when missing; files there are replaced one by one, each atomically.
        module: of the family that the card names.
        card: goes into the weights' metadata too, so that the one file is enough.
        half: store floating-point tensors in half precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in module.state_dict().items()
    }
    target = folder / WEIGHTS_NAME
    # Not save_file: the file that it makes is its owner's alone.
    write_atomic(target, save(state, metadata={"format": "pt", "card": card.to_json()}))
    model = resolve_local(str(target))
    write_atomic(folder / "card.json", card.to_json() + "\n")
    text = card.to_markdown(model.weights_sha256, target.stat().st_size)
    write_atomic(folder / "card.md", text)
    return model


def load_module(path: Path, card: ModelCard) -> nn.Module:
    """Build the network that the card describes and fill it with the file's tensors.

    Raises:
        ModelReferenceError: an unknown family or setting, or tensors that do not fit.
    """
    if card.family not in MODELS:
        raise ModelReferenceError(
            f"{path.name}: unknown model family {card.family!r} (known: {', '.join(MODELS)})"
        )
    try:
        module = MODELS[card.family].build_from(card.config)
        state = load_file(path)
        module.load_state_dict({name: _as_float(value) for name, value in state.items()})
    except OSError as error:  # on a node that does not see the folder, for example
        raise ModelReferenceError(f"{path}: cannot be read: {error}") from error
    except (SafetensorError, TypeError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())[:300]
        raise ModelReferenceError(f"{path.name}: does not fit {card.family}: {text}") from error
    return module.eval()


def size_multiple(model: ResolvedModel) -> int:
    """Look up what the sides of the network's input must be a multiple of, in pixels."""
    return MODELS[model.card.family].size_multiple


def _as_float(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value
