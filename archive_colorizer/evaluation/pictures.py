"""The pictures that are compared: found, drawn and brought to one size."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageOps

from archive_colorizer.errors import LocationError
from archive_colorizer.evaluation.config import EvaluationConfig

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
PAIR_FOLDERS: Final = (("source", "target"), ("input", "target"), ("A", "B"), ("grey", "colour"))
"""Names of two folders that make DATA a folder of pairs: source first, truth second."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture not yet decoded: where its bytes are."""

    name: str
    truth: bytes | Path
    source: bytes | Path | None = None
    """None: the source is the truth (colour photographs) or its left half (side by side)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What goes in and what should come out, (H, W, 3) sRGB of one size."""

    name: str
    source_hw3: NDArray[np.uint8]
    truth_hw3: NDArray[np.uint8]


def find(config: EvaluationConfig) -> tuple[Listed, ...]:
    """The pictures of DATA that are compared, in the order in which they were drawn.

    Raises:
        LocationError: DATA is missing, has no picture, or is not laid out as said.
    """
    data = Path(config.data)
    if not data.exists():
        raise LocationError(f"{config.data}: does not exist")
    found = list(_shards(data) or _pairs(data, config.layout) or _photos(data))
    if not found:
        raise LocationError(f"{config.data}: no picture and no Parquet shard in it")
    found.sort(key=lambda item: _draw(config.seed, item.name))
    return tuple(found[: config.limit or None])


def open_pair(listed: Listed, config: EvaluationConfig) -> Pair:
    """Decode a picture and bring it to the square that is compared.

    Raises:
        OSError: it is not a picture, or cut (Pillow's own error).
    """
    truth = _decode(listed.truth)
    if config.layout == "side-by-side":
        half = truth.width // 2
        source = truth.crop((0, 0, half, truth.height))
        truth = truth.crop((truth.width - half, 0, truth.width, truth.height))
    else:
        source = _decode(listed.source) if listed.source is not None else truth
    if source.size != truth.size:
        raise OSError(f"source is {source.size}, truth is {truth.size}")
    return Pair(listed.name, square(source, config.size), square(truth, config.size))


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Short side to `size` by Pillow's bicubic (antialiased), then the centre square, (H, W, 3)."""
    fitted = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC, centering=(0.5, 0.5))
    return np.asarray(fitted, dtype=np.uint8)


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256, hex, of names and pixels: two reports with the same one compared the same."""
    total = hashlib.sha256()
    for pair in pairs:
        total.update(pair.name.encode("utf-8", "surrogateescape") + b"\0")
        total.update(pair.source_hw3.tobytes() + pair.truth_hw3.tobytes())
    return total.hexdigest()


def _decode(where: bytes | Path) -> Image.Image:
    data = where if isinstance(where, bytes) else where.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def _draw(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogateescape")).digest()


def _shards(data: Path) -> Iterator[Listed] | None:
    files = [data] if data.suffix == ".parquet" else sorted(data.glob("*.parquet"))
    return _rows(files) if files else None


def _rows(files: Sequence[Path]) -> Iterator[Listed]:
    for file in files:
        try:
            for batch in pq.ParquetFile(file).iter_batches(100, columns=["name", "image"]):
                for row in batch.to_pylist():
                    yield Listed(f"{file.name}/{row['name']}", row["image"])
        except (OSError, ValueError, KeyError) as error:
            raise LocationError(f"{file}: not a shard with name and image: {error}") from error


def _pairs(data: Path, layout: str) -> list[Listed]:
    if layout not in ("auto", "two-folders"):
        return []
    for source, target in PAIR_FOLDERS:
        if (data / source).is_dir() and (data / target).is_dir():
            return _matched(_by_stem(data / source), _by_stem(data / target), data)
    if layout == "two-folders":
        names = ", ".join("/".join(pair) for pair in PAIR_FOLDERS)
        raise LocationError(f"{data}: has no pair of folders ({names})")
    return []


def _matched(sources: dict[str, Path], truths: dict[str, Path], data: Path) -> list[Listed]:
    alone = sorted(sources.keys() ^ truths.keys())
    if alone:
        raise LocationError(f"{data}: {len(alone)} pictures without a partner, first {alone[0]!r}")
    return [Listed(name, truths[name], sources[name]) for name in sorted(truths)]


def _by_stem(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder).with_suffix("")): path for path in _files(folder)}


def _photos(data: Path) -> list[Listed]:
    if data.is_file():
        return [Listed(data.name, data)]
    return [Listed(str(path.relative_to(data)), path) for path in _files(data)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
