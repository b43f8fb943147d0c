"""The pictures that are compared: found, drawn and brought to one size."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.data.layouts import Listed, decode_picture, list_pictures, square
from archive_colorizer.data.places import open_place
from archive_colorizer.errors import LocationError
from archive_colorizer.evaluation.config import EvaluationConfig


@dataclass(frozen=True, slots=True)
class Pair:
    """What goes in and what should come out, (H, W, 3) sRGB; of one size but for enlarging."""

    name: str
    source_hw3: NDArray[np.uint8]
    truth_hw3: NDArray[np.uint8]


def find(config: EvaluationConfig) -> tuple[Listed, ...]:
    """The pictures of DATA that are compared, in the order in which they were drawn.

    Raises:
        LocationError: DATA is missing, has no picture, or is not laid out as said.
    """
    place = open_place(config.data, config.s3, config.sensitive)
    found = list_pictures(place, config.layout)
    if not found:
        raise LocationError(f"{config.data}: no picture and no Parquet shard in it")
    found.sort(key=lambda item: _draw(config.seed, item.name))
    return tuple(found[: config.limit or None])


def open_pair(listed: Listed, config: EvaluationConfig) -> Pair:
    """Decode a picture and bring it to the square that is compared.

    Raises:
        OSError: it is not a picture, or cut (Pillow's own error).
    """
    truth = decode_picture(listed.truth)
    if config.layout == "side-by-side":
        half = truth.width // 2
        source = truth.crop((0, 0, half, truth.height))
        truth = truth.crop((truth.width - half, 0, truth.width, truth.height))
    else:
        source = decode_picture(listed.source) if listed.source is not None else truth
    if source.size != truth.size:
        raise OSError(f"source is {source.size}, truth is {truth.size}")
    return Pair(listed.name, square(source, config.size), square(truth, config.size))


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256, hex, of names and pixels: two reports with the same one compared the same."""
    total = hashlib.sha256()
    for pair in pairs:
        total.update(pair.name.encode("utf-8", "surrogateescape") + b"\0")
        total.update(pair.source_hw3.tobytes() + pair.truth_hw3.tobytes())
    return total.hexdigest()


def _draw(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogateescape")).digest()
