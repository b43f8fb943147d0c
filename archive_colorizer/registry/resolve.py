"""Model references: what the user writes, and the files that it names.

    builtin:NAME            shipped with the package
    FOLDER                  a checkpoint folder with model.safetensors
    FILE.safetensors        the weights, with the card in their metadata
    s3://BUCKET/PREFIX      either of them in an object store, as a training run leaves it
    models:/NAME@ALIAS      a version of MLflow's registry; models:/NAME/3 names its number
    runs:/ID                what a training run left in MLflow

Resolving reads no tensor and loads no torch, so a driver may do it; `load` loads torch.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from archive_colorizer.errors import ModelReferenceError
from archive_colorizer.registry.fetch import fetch, is_reference
from archive_colorizer.registry.kept import fetch_kept
from archive_colorizer.registry.stored import fetch_stored
from archive_colorizer.storage.location import S3_SCHEME
from archive_colorizer.storage.settings import DEFAULT_S3, S3Settings
from archive_colorizer.weights.reference import (
    ResolvedModel,
    hash_weights,
    read_card,
    resolve_local,
)

if TYPE_CHECKING:
    from torch import nn


def resolve(ref: str, tracking_uri: str = "", s3: S3Settings = DEFAULT_S3) -> ResolvedModel:
    """Find the weights and the card that a reference names.

    Args:
        ref: as above.
        tracking_uri: of MLflow; empty takes `MLFLOW_TRACKING_URI` or this user's own.
        s3: the way to object stores.

    Raises:
        ModelReferenceError: it names nothing, or a file that is not a model of ours.
        LocationError: MLflow or the object store cannot be reached.
    """
    if ref.startswith(S3_SCHEME):
        return fetch_stored(ref, s3)
    return _resolve_registered(ref, tracking_uri) if is_reference(ref) else resolve_local(ref)


def load(model: ResolvedModel) -> "nn.Module":
    """Build the network of a model: float32, in evaluation mode.

    A registry's model is fetched where this machine does not have it yet.

    Raises:
        ModelReferenceError: an unknown family, or weights that do not fit it.
        LocationError: MLflow cannot be reached.
    """
    from archive_colorizer.weights.local import load_module  # torch is slow to load

    path = Path(model.path)
    if not path.is_file() and model.kept:
        path = fetch_kept(model.kept, model.weights_sha256, model.s3)
    elif not path.is_file() and model.registry:
        path = Path(_resolve_registered(model.ref, model.registry).path)
    return load_module(path, model.card)


def _resolve_registered(ref: str, uri: str) -> ResolvedModel:
    found = fetch(ref, uri)
    card, sha256 = read_card(found.path, ref), hash_weights(found.path)
    if found.sha256 not in ("", sha256):
        raise ModelReferenceError(
            f"{ref}: the weights have SHA-256 {sha256}, registered was {found.sha256}"
        )
    return ResolvedModel(found.ref, str(found.path), card, sha256, found.version, found.uri)
