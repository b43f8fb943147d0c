"""How well `status --duplicates` tells scans of one print from other photographs, and how fast.

    python benchmarks/bench_duplicates.py SHARDS/photos-00.parquet

Copies of photographs (scaled, recompressed, brighter, cut, tilted) should be found again; pairs of
different photographs should not.
"""

import argparse
import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from common import save
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging.tone import dhash64, make_proxy
from archive_colorizer.pipeline.output.duplicates import ASPECT, DISTANCE, near_pairs

Grey = NDArray[np.uint8]
DISTANCES = (4, 6, 8, 10)
ROWS = 100_000


def packed(gray: Grey, quality: int) -> Grey:
    _, data = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def cut(gray: Grey, share: float) -> Grey:
    y, x = (round(side * share) for side in gray.shape)
    return np.ascontiguousarray(gray[y : gray.shape[0] - y, x : gray.shape[1] - x])


def scaled(gray: Grey, factor: float) -> Grey:
    small = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def toned(gray: Grey, gain: float, offset: float, gamma: float = 1.0) -> Grey:
    values = 255 * (gray / 255.0) ** gamma
    return np.clip((values - 128) * gain + 128 + offset, 0, 255).astype(np.uint8)


def tilted(gray: Grey, degrees: float) -> Grey:
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(gray, turn, (width, height), borderMode=1), np.uint8)


COPIES: Mapping[str, Callable[[Grey], Grey]] = {
    "half the size": lambda gray: scaled(gray, 0.5),
    "JPEG quality 30": lambda gray: packed(gray, 30),
    "brighter by 30": lambda gray: toned(gray, 1, 30),
    "contrast 1.3": lambda gray: toned(gray, 1.3, 0),
    "gamma 0.7": lambda gray: toned(gray, 1, 0, 0.7),
    "cut by 1 % a side": lambda gray: cut(gray, 0.01),
    "cut by 2 % a side": lambda gray: cut(gray, 0.02),
    "cut by 4 % a side": lambda gray: cut(gray, 0.04),
    "tilted by 1 degree": lambda gray: tilted(gray, 1),
    "0.7 of the size, JPEG 50, brighter by 15, cut by 1 %": lambda gray: packed(
        toned(scaled(cut(gray, 0.01), 0.7), 1, 15), 50
    ),
}


def hash_of(gray: Grey) -> int:
    return int(dhash64(make_proxy(np.ascontiguousarray(gray), 256)), 16)


def photographs(shard: str, limit: int) -> list[Grey]:
    """The first photographs of a shard, grey."""
    found: list[Grey] = []
    for batch in pq.ParquetFile(shard).iter_batches(100, columns=["image"]):
        for data in batch["image"].to_pylist()[: limit - len(found)]:
            with Image.open(io.BytesIO(data)) as image:
                found.append(np.asarray(image.convert("L")))
        if len(found) >= limit:
            break
    return found


def false_pairs(pictures: list[Grey]) -> dict[str, Any]:
    hashes = np.array([hash_of(gray) for gray in pictures], np.uint64)
    aspect = np.array([gray.shape[1] / gray.shape[0] for gray in pictures])
    figures: dict[str, Any] = {"pairs": len(pictures) * (len(pictures) - 1) // 2}
    for distance in DISTANCES:
        first, second = near_pairs(hashes, distance)
        alike = np.abs(np.log(aspect[first] / aspect[second])) <= np.log1p(ASPECT)
        figures[f"{distance} bits"] = int(alike.sum())
    return figures


def recall(pictures: list[Grey]) -> dict[str, Any]:
    hashes = [hash_of(gray) for gray in pictures]
    figures: dict[str, Any] = {"photographs": len(pictures)}
    for name, copy in COPIES.items():
        pairs = zip(hashes, pictures, strict=True)
        gaps = np.array([(one ^ hash_of(copy(gray))).bit_count() for one, gray in pairs])
        figures[name] = {f"{d} bits": round(float((gaps <= d).mean()), 3) for d in DISTANCES}
    return figures


def seconds_of(rows: int) -> float:
    hashes = np.random.default_rng(0).integers(0, 2**64, rows, dtype=np.uint64)
    start_s = time.perf_counter()
    near_pairs(hashes, DISTANCE)
    return round(time.perf_counter() - start_s, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shard")
    parser.add_argument("--limit", type=int, default=2000)
    words = parser.parse_args()
    pictures = photographs(words.shard, words.limit)
    save(
        "duplicates",
        {
            "what": "dhash64 of different photographs and of their copies",
            "false_pairs": false_pairs(pictures),
            "recall": recall(pictures[:500]),
            "seconds": {f"{n:,} rows": seconds_of(n) for n in (ROWS, 10 * ROWS)},
        },
    )


if __name__ == "__main__":
    main()
