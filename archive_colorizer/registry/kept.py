"""Copies of a job's weights in its OUTPUT: OUTPUT/models/SHA256/model.safetensors.

They let a later run go on with the same weights, whatever the program ships or an alias names then.
"""

import shutil
from pathlib import Path
from typing import Final

from archive_colorizer.errors import LocationError, ModelReferenceError
from archive_colorizer.registry.cache import find_weights, put_weights
from archive_colorizer.storage import S3Settings, Store, open_uri
from archive_colorizer.storage.location import FILE_SCHEME, path_of_uri
from archive_colorizer.weights.reference import (
    WEIGHTS_NAME,
    ResolvedModel,
    hash_weights,
    read_card,
)

FOLDER: Final = "models"


def key_of(sha256: str) -> str:
    """Give the place of some weights below OUTPUT."""
    return f"{FOLDER}/{sha256}/{WEIGHTS_NAME}"


def keep(store: Store, model: ResolvedModel) -> None:
    """Copy a model's weights into OUTPUT, where they are not there yet.

    Raises:
        LocationError: they cannot be written.
    """
    key = key_of(model.weights_sha256)
    try:
        if store.exists(key):
            return
        with (
            Path(model.path).open("rb") as source,
            store.staged(key, "models", replace=True) as sink,
        ):
            shutil.copyfileobj(source, sink, 1 << 20)
    except OSError as error:
        raise LocationError(
            f"{store.uri_of(key)}: the weights cannot be kept: {error.strerror or error} "
            "(--keep-model off does without)"
        ) from error


def find_kept(
    store: Store, sha256: str, ref: str, version: str, s3: S3Settings
) -> ResolvedModel | None:
    """Find the copy of some weights in OUTPUT; None where there is none.

    Args:
        store: OUTPUT.
        sha256: of the weights.
        ref: model reference that named them.
        version: in the registry, or empty.
        s3: the way to the store.

    Raises:
        ModelReferenceError: the copy has other bytes.
        LocationError: it cannot be read.
    """
    key = key_of(sha256)
    if not store.exists(key):
        return None
    path = fetch_kept(store.uri_of(key), sha256, s3)
    return ResolvedModel(
        ref, str(path), read_card(path, ref), sha256, version, kept=store.uri_of(key), s3=s3
    )


def fetch_kept(uri: str, sha256: str, s3: S3Settings) -> Path:
    """Bring a kept copy to this machine, where it is in an object store.

    Raises:
        ModelReferenceError: it has other bytes.
        LocationError: it cannot be read or stored.
    """
    if uri.startswith(FILE_SCHEME):
        path = path_of_uri(uri)
        _check(path, sha256, uri)
        return path
    if cached := find_weights(sha256):
        return cached

    def fetch(folder: Path) -> Path:
        target = folder / WEIGHTS_NAME
        with open_uri(uri, s3) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        _check(target, sha256, uri)
        return target

    try:
        return put_weights(sha256, fetch)
    except OSError as error:
        raise LocationError(
            f"{uri}: the weights cannot be brought here: {error.strerror or error}"
        ) from error


def _check(path: Path, sha256: str, uri: str) -> None:
    try:
        found = hash_weights(path)
    except OSError as error:
        raise LocationError(f"{uri}: cannot be read: {error.strerror or error}") from error
    if found != sha256:
        raise ModelReferenceError(f"{uri}: the weights that OUTPUT kept have SHA-256 {found}")
