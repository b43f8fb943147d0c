"""How pictures lie on disk: a folder, shards, pairs, Lab arrays; listed, not yet decoded."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageOps

from archive_colorizer.data.places import (
    Place,
    find_pictures,
    find_shards,
    map_array,
    name_below,
)
from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.colour import lab_to_rgb

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
PAIR_FOLDERS: Final = (
    ("source", "target"), ("input", "target"), ("A", "B"), ("grey", "colour"), ("gray", "color"),
    ("grey", "color"), ("gray", "colour"),
)  # fmt: skip
"""Names of two folders that make DATA a folder of pairs: source first, truth second."""
LAB_FILES: Final = (("L.npy", "ab.npy"), ("l/gray_scale.npy", "ab/ab/ab*.npy"))
"""L (N, H, W[, 1]) and ab (N, H, W, 2); of several ab files, in the order of their numbers, each
goes on where the one before ended. The second is how reference system C's arrays are published."""

Where = bytes | Place | Callable[[], bytes]
"""Encoded bytes, or how to get them."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture not yet decoded: where its bytes are."""

    name: str
    truth: Where
    source: Where | None = None
    """None: the source is the truth (colour photographs) or its left half (side by side)."""


def list_pictures(data: Place, layout: str) -> list[Listed]:
    """List the pictures of a folder, a shard or a pair of arrays, in the order of names.

    Raises:
        LocationError: it is not laid out as said.
    """
    if layout in ("lab", "auto") and (files := _find_lab(data)):
        return list(_list_lab(data, *files))
    if layout == "lab":
        names = ", ".join(" + ".join(pair) for pair in LAB_FILES)
        raise LocationError(f"{data}: has no Lab arrays ({names})")
    return list(_list_shards(data) or _list_pairs(data, layout) or _list_photos(data))


def read(where: Where) -> bytes:
    """The encoded picture."""
    if isinstance(where, bytes):
        return where
    return where() if callable(where) else where.read_bytes()


def decode_picture(where: Where) -> Image.Image:
    """The picture in RGB, upright.

    Raises:
        OSError: it is not a picture, or cut (Pillow's own error).
    """
    data = read(where)
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Short side to `size` by Pillow's bicubic (antialiased), then the centre square, (H, W, 3)."""
    fitted = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC, centering=(0.5, 0.5))
    return np.asarray(fitted, dtype=np.uint8)


def _list_shards(data: Place) -> Iterator[Listed] | None:
    files = find_shards(data)
    return _list_rows(files) if files else None


def _list_rows(files: Sequence[Place]) -> Iterator[Listed]:
    for file in files:
        try:
            with file.open("rb") as shard:
                for batch in pq.ParquetFile(shard, pre_buffer=False).iter_batches(
                    100, columns=["name", "image"]
                ):
                    for row in batch.to_pylist():
                        yield Listed(f"{file.name}/{row['name']}", row["image"])
        except (OSError, ValueError, KeyError) as error:
            raise LocationError(f"{file}: not a shard with name and image: {error}") from error


def _find_lab(data: Place) -> tuple[Place, list[Place]] | None:
    """The file of L and those of ab; None where there are none.

    Raises:
        LocationError: one of the two is there without the other.
    """
    for first, others in LAB_FILES:
        folder, _, pattern = others.rpartition("/")
        found = [*(data / folder if folder else data).glob(pattern)]
        found.sort(key=lambda path: (len(path.name), path.name))
        if (data / first).is_file() and found:
            return data / first, found
        if (data / first).is_file() or found:
            has, lacks = (others, first) if found else (first, others)
            raise LocationError(f"{data}: has {has}, but no {lacks}")
    return None


def _list_lab(data: Place, first: Place, others: Sequence[Place]) -> Iterator[Listed]:
    lightness, parts = _open_array(first), [_open_array(path) for path in others]
    counts = [len(ab) if ab.ndim else 0 for ab in parts]
    picture = lightness.shape[1:3]
    fits = all(ab.shape[1:] == (*picture, 2) for ab in parts) and len(picture) == 2
    if not fits or lightness.shape[3:] not in ((), (1,)) or sum(counts) != len(lightness):
        said = ", ".join(
            f"{name_below(path, data)} {ab.shape}" for path, ab in zip(others, parts, strict=True)
        )
        raise LocationError(
            f"{data}: {name_below(first, data)} is {lightness.shape}, {said}: must be "
            f"(N, H, W[, 1]) and (N, H, W, 2), and as many pictures in both "
            f"({len(lightness) if lightness.ndim else 0} of L, {sum(counts)} of ab)"
        )
    start = 0
    for ab in parts:
        scales = lab_scales(lightness, ab)
        part = lightness[start : start + len(ab)]
        for number in range(len(ab)):
            yield Listed(f"{start + number:06d}", partial(_encode_lab, part, ab, scales, number))
        start += len(ab)


def lab_scales(lightness: NDArray[Any], ab: NDArray[Any]) -> tuple[float, float]:
    """Factor of L and offset of ab that bring the arrays to Lab units.

    8-bit arrays are OpenCV's (L * 255/100, a and b + 128); others are in Lab units as they are.
    """
    return (
        100 / 255 if lightness.dtype == np.uint8 else 1.0,
        -128.0 if ab.dtype == np.uint8 else 0.0,
    )


def _encode_lab(
    lightness: NDArray[Any], ab: NDArray[Any], scales: tuple[float, float], number: int
) -> bytes:
    luma = lightness[number].reshape(ab.shape[1:3]).astype(np.float32) * np.float32(scales[0])
    planes = np.dstack((luma, ab[number].astype(np.float32) + np.float32(scales[1])))
    pixels = (lab_to_rgb(planes) * 255).round().astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        return file.getvalue()


def _open_array(path: Place) -> NDArray[Any]:
    try:
        return map_array(path)
    except (OSError, ValueError) as error:
        raise LocationError(f"{path}: cannot be read as a NumPy array: {error}") from error


def _list_pairs(data: Place, layout: str) -> list[Listed]:
    if layout not in ("auto", "two-folders"):
        return []
    for source, target in PAIR_FOLDERS:
        if (data / source).is_dir() and (data / target).is_dir():
            return _match_pairs(data, source, target)
    if layout == "two-folders":
        names = ", ".join("/".join(pair) for pair in PAIR_FOLDERS)
        raise LocationError(f"{data}: has no pair of folders ({names})")
    return []


def _match_pairs(data: Place, source: str, target: str) -> list[Listed]:
    sources, truths = _index_by_stem(data / source), _index_by_stem(data / target)
    alone = sorted(sources.keys() ^ truths.keys())
    if alone:
        first = alone[0]
        there, other = (source, target) if first in sources else (target, source)
        raise LocationError(
            f"{data}: {source}/ has {len(sources)} pictures, {target}/ {len(truths)}; "
            f"{len(alone)} pictures without a partner, first {there}/{first}, "
            f"which {other}/ does not have"
        )
    return [Listed(name, truths[name], sources[name]) for name in sorted(truths)]


def _index_by_stem(folder: Place) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for path in _list_files(folder):
        before = found.setdefault(str(name_below(path, folder).with_suffix("")), path)
        if before != path:
            raise LocationError(f"{path}: has the name of {before.name}: which one is the pair's?")
    return found


def _list_photos(data: Place) -> list[Listed]:
    if data.is_file():
        return [Listed(data.name, data)]
    return [Listed(str(name_below(path, data)), path) for path in _list_files(data)]


def _list_files(folder: Place) -> list[Place]:
    return find_pictures(folder, SUFFIXES)
