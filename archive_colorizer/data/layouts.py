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
PAIR_FOLDERS: Final = (("source", "target"), ("input", "target"), ("A", "B"), ("grey", "colour"))
"""Names of two folders that make DATA a folder of pairs: source first, truth second."""
LAB_FILES: Final = ("L.npy", "ab.npy")
"""Reference system C's arrays: L (N, H, W[, 1]) and ab (N, H, W, 2)."""

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
    if layout == "lab" or (layout == "auto" and all((data / n).is_file() for n in LAB_FILES)):
        return _list_lab(data)
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


def _list_lab(data: Place) -> list[Listed]:
    lightness, ab = (_open_array(data / name) for name in LAB_FILES)
    fits = lightness.shape[:3] == ab.shape[:3] and ab.ndim == 4 and ab.shape[3] == 2
    if not fits or lightness.size != ab.size // 2:
        raise LocationError(
            f"{data}: L.npy is {lightness.shape}, ab.npy {ab.shape}: must be (N, H, W[, 1]) and "
            "(N, H, W, 2)"
        )
    scales = lab_scales(lightness, ab)
    return [
        Listed(f"{number:06d}", partial(_encode_lab, lightness, ab, scales, number))
        for number in range(len(ab))
    ]


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
            return _match_pairs(_index_by_stem(data / source), _index_by_stem(data / target), data)
    if layout == "two-folders":
        names = ", ".join("/".join(pair) for pair in PAIR_FOLDERS)
        raise LocationError(f"{data}: has no pair of folders ({names})")
    return []


def _match_pairs(sources: dict[str, Place], truths: dict[str, Place], data: Place) -> list[Listed]:
    alone = sorted(sources.keys() ^ truths.keys())
    if alone:
        raise LocationError(f"{data}: {len(alone)} pictures without a partner, first {alone[0]!r}")
    return [Listed(name, truths[name], sources[name]) for name in sorted(truths)]


def _index_by_stem(folder: Place) -> dict[str, Place]:
    return {str(name_below(path, folder).with_suffix("")): path for path in _list_files(folder)}


def _list_photos(data: Place) -> list[Listed]:
    if data.is_file():
        return [Listed(data.name, data)]
    return [Listed(str(name_below(path, data)), path) for path in _list_files(data)]


def _list_files(folder: Place) -> list[Place]:
    return find_pictures(folder, SUFFIXES)
