"""Model references: what the user writes, and the files that it names.

    builtin:NAME            shipped with the package
    FOLDER                  a checkpoint folder with model.safetensors
    FILE.safetensors        the weights, with the card in their metadata
    models:/NAME@ALIAS      a version of MLflow's registry; models:/NAME/3 names its number
    runs:/ID                what a training run left in MLflow

Resolving reads no tensor and loads no torch, so a driver may do it.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.registry.resolve import fetch, is_reference
from archive_colorizer.weights.card import ModelCard, card_from_json

if TYPE_CHECKING:
    from torch import nn

BUILTIN: Final = Path(__file__).parent / "builtin"
WEIGHTS_NAME: Final = "model.safetensors"
MAX_HEADER_BYTES: Final = 100_000_000
"""The format's own limit."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A reference that was resolved once, at the start of a job."""

    ref: str
    """An alias is replaced by the version's number."""
    path: str
    """Of the .safetensors file."""
    card: ModelCard
    weights_sha256: str
    version: str = ""
    """Of the registry; empty for a model that is not from one."""
    registry: str = ""
    """Where MLflow is; may hold a password, so it is never written down."""


def resolve(ref: str, tracking_uri: str = "") -> ResolvedModel:
    """Find the weights and the card that a reference names.

    Args:
        ref: as above.
        tracking_uri: of MLflow; empty takes `MLFLOW_TRACKING_URI` or this user's own.

    Raises:
        ModelReferenceError: it names nothing, or a file that is not a model of ours.
    """
    if is_reference(ref):
        return _registered(ref, tracking_uri)
    path = _path_of(ref)
    card = card_from_json(_metadata(path, ref).get("card", ""), f"{ref}: {path.name}")
    return ResolvedModel(ref, str(path), card, _sha256(path))


def _registered(ref: str, uri: str) -> ResolvedModel:
    found = fetch(ref, uri)
    card = card_from_json(_metadata(found.path, ref).get("card", ""), f"{ref}: {found.path.name}")
    sha256 = _sha256(found.path)
    if found.sha256 not in ("", sha256):
        raise ModelReferenceError(
            f"{ref}: the weights have SHA-256 {sha256}, registered was {found.sha256}"
        )
    return ResolvedModel(found.ref, str(found.path), card, sha256, found.version, found.uri)


def builtin_names() -> tuple[str, ...]:
    """Names of the shipped models."""
    return tuple(sorted(path.parent.name for path in BUILTIN.glob(f"*/{WEIGHTS_NAME}")))


def load(model: ResolvedModel) -> "nn.Module":
    """The network, float32, in evaluation mode.

    A registry's model is fetched where this machine does not have it yet.

    Raises:
        ModelReferenceError: an unknown family, or weights that do not fit it.
    """
    from archive_colorizer.weights.local import load_module

    path = Path(model.path)
    if model.registry and not path.is_file():
        path = Path(_registered(model.ref, model.registry).path)
    return load_module(path, model.card)


def _path_of(ref: str) -> Path:
    if ref.startswith("builtin:"):
        path = BUILTIN / ref.removeprefix("builtin:") / WEIGHTS_NAME
        if ref.removeprefix("builtin:") not in builtin_names():
            raise ModelReferenceError(
                f"{ref}: no such shipped model (there are: {', '.join(builtin_names())})"
            )
        return path
    path = Path(ref)
    if path.is_dir():
        path = path / WEIGHTS_NAME
    if not path.is_file():
        raise ModelReferenceError(f"{ref}: no model there ({path} does not exist)")
    if path.suffix != ".safetensors":
        raise ModelReferenceError(f"{ref}: only .safetensors files are loaded, never pickled ones")
    return path


def _metadata(path: Path, ref: str) -> dict[str, str]:
    """The metadata of a safetensors file: 8 bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
        if path.stat().st_size != 8 + length + end:
            raise ValueError(f"{path.stat().st_size} bytes where {8 + length + end} belong")
        metadata = header.get("__metadata__", {})
    except OSError as error:
        raise ModelReferenceError(f"{ref}: cannot read {path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelReferenceError(
            f"{ref}: {path.name} is cut or not a safetensors file: {error}"
        ) from error
    if "card" not in metadata:
        raise ModelReferenceError(f"{ref}: {path.name} has no model card in its metadata")
    return dict(metadata)


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_of_version(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _sha256_of_version(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
