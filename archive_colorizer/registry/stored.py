"""Models in an object store: s3://BUCKET/PREFIX, as a training run leaves one, or a file's key."""

import hashlib
from pathlib import Path

from archive_colorizer.errors import LocationError, ModelReferenceError
from archive_colorizer.registry.cache import find_weights, put_weights
from archive_colorizer.storage import S3Settings, find_entry, open_store, parse_location
from archive_colorizer.weights.reference import (
    WEIGHTS_NAME,
    ResolvedModel,
    hash_weights,
    read_card,
)


def fetch_stored(ref: str, s3: S3Settings) -> ResolvedModel:
    """Bring a model's weights to this machine, unless this version of them is here.

    Raises:
        ModelReferenceError: no weights are there, or they are not a model of ours.
        LocationError: the store does not answer, or the weights cannot be kept here.
    """
    place = parse_location(ref)
    if place.suffix != Path(WEIGHTS_NAME).suffix:
        place = parse_location(f"{place.uri.rstrip('/')}/{WEIGHTS_NAME}")
    try:
        entry = find_entry(place, s3)
        if entry is None:
            raise ModelReferenceError(f"{ref}: no model there ({place.uri} does not exist)")
        said = f"{place.uri}:{entry.etag}:{entry.size_bytes}"
        name = f"object-{hashlib.sha256(said.encode()).hexdigest()}"

        def fetch(folder: Path) -> Path:
            open_store(place.parent, s3).get_file(place.name, folder / WEIGHTS_NAME)
            return folder / WEIGHTS_NAME

        path = find_weights(name) or put_weights(name, fetch)
    except OSError as error:
        raise LocationError(
            f"{ref}: the weights cannot be brought here: {error.strerror or error}"
        ) from error
    card, sha256 = read_card(path, ref), hash_weights(path)
    return ResolvedModel(ref, str(path), card, sha256, kept=place.uri, s3=s3)
