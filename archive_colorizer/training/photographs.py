"""Colour photographs for training, decoded once and kept in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from archive_colorizer.errors import LocationError

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})
Photograph = NDArray[np.uint8]


def load_photographs(data: str, pattern: str = "*.parquet", *, short_px: int) -> list[Photograph]:
    """Read Parquet shards with a column `image`, or a folder of pictures.

    Args:
        data: a folder of shards or pictures (nested), or one shard.
        pattern: which shards of the folder.
        short_px: larger pictures are reduced to this short side.

    Returns:
        (H, W, 3) uint8 RGB each, in the order of names.

    Raises:
        LocationError: nothing is there.
    """
    root = Path(data)
    shards = [root] if root.suffix == ".parquet" else sorted(root.glob(pattern))
    if shards and all(path.is_file() for path in shards):
        encoded = (item for path in shards for item in _images(path))
    else:
        files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
        encoded = (path.read_bytes() for path in files)
    photographs = [_decode(item, short_px) for item in encoded]
    if not photographs:
        raise LocationError(f"{data}: no photographs there ({pattern})")
    return photographs


def _images(shard: Path) -> Sequence[bytes]:
    items: Sequence[bytes] = pq.read_table(shard, columns=["image"])["image"].to_pylist()
    return items


def _decode(data: bytes, short_px: int) -> Photograph:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise LocationError(f"a photograph of {len(data)} bytes cannot be decoded")
    scale = short_px / min(bgr.shape[:2])
    if scale < 1:
        bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
