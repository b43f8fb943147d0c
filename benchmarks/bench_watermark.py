"""The imperceptible mark: how far it is seen, what it outlives, and how often it is imagined.

    python benchmarks/bench_watermark.py CORPUS [--part marks|alarms] [--only WORDS]

CORPUS is a folder with val-00, heldout-00 and highres-00.parquet (column `image`) and historic/.
Marked are pictures that `builtin:default` coloured, and photographs in their own colours, by the
job's own composition. Results: benchmarks/results/watermark.json.
"""

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import simplejpeg
from common import RESULTS, save
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from archive_colorizer.api import Colorizer
from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.imaging.compose import Composer, compose
from archive_colorizer.provenance import watermark
from archive_colorizer.provenance.watermark_embedding import marked

Pixels = NDArray[np.uint8]
Attack = Callable[[Pixels, np.random.Generator], Pixels]
KEYS = [b"wrong key %d" % number for number in range(300)]
PROXY_PX = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--part", choices=("marks", "alarms", "both"), default="both")
    parser.add_argument("--only", default="", help="sets of pictures whose name has this")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    if chosen.part != "alarms":
        for name, pictures in {
            "coloured, long side 1000 px and more": coloured(chosen.corpus, 1000, 9999),
            "coloured, long side 400 to 999 px": coloured(chosen.corpus, 400, 999),
            "own colours, long side 1280 px": photographs(chosen.corpus, "highres", 20),
            "own colours, short side 256 px": photographs(chosen.corpus, "val", 30),
        }.items():
            if chosen.only in name:
                keep("marks", {name: survive(pictures)})
        keep("times_ms", times())
    if chosen.part != "marks":
        alarms(chosen.corpus)


def keep(part: str, found: dict[str, Any]) -> None:
    """Write figures into the result file, which other parts may have written."""
    stored = RESULTS / "watermark.json"
    figures = json.loads(stored.read_text()) if stored.exists() else {}
    figures.pop("machine", None)
    save("watermark", figures | {part: figures.get(part, {}) | found})


def shard(corpus: Path, name: str, count: int) -> Iterator[Pixels]:
    table = pq.read_table(corpus / f"{name}-00.parquet", columns=["image"])
    for data in table["image"].to_pylist()[:count]:
        with Image.open(io.BytesIO(data)) as image:
            yield np.asarray(image.convert("RGB"))


def coloured(corpus: Path, least: int, most: int) -> Iterator[Composer]:
    """Grey pictures that the default model colours, of some sizes."""
    model = Colorizer.load()
    greys = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for _, rgb in colour_photographs()]
    greys += [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in shard(corpus, "highres", 50)]
    for path in sorted((corpus / "historic").glob("*.jpg")):
        with Image.open(path) as image:
            greys.append(np.asarray(image.convert("L")))
    for grey in greys:
        if least <= max(grey.shape) <= most:
            yield compose(grey, np.moveaxis(model(grey).chroma, -1, 0))


def photographs(corpus: Path, name: str, count: int) -> Iterator[Composer]:
    """Photographs whose own chroma stands in for a model's."""
    for rgb in shard(corpus, name, count):
        height, width = rgb.shape[:2]
        shrink = min(1, PROXY_PX / min(height, width))
        size = (round(width * shrink), round(height * shrink))
        small = rgb_to_lab(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
        yield compose(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.moveaxis(small[..., 1:], -1, 0))


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    return coded(rgb, "JPEG", quality)


def coded(rgb: Pixels, form: str, quality: int) -> Pixels:
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, form, quality=quality)
    with Image.open(data) as image:
        return np.asarray(image.convert("RGB"))


def resized(rgb: Pixels, factor: float) -> Pixels:
    height, width = rgb.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def cropped(rgb: Pixels, share: float, random: np.random.Generator) -> Pixels:
    """Both sides shortened by `share`, at a random place."""
    height, width = rgb.shape[:2]
    rows, columns = round(height * (1 - share)), round(width * (1 - share))
    top, left = random.integers(height - rows + 1), random.integers(width - columns + 1)
    return np.ascontiguousarray(rgb[top : top + rows, left : left + columns])


ATTACKS: dict[str, Attack] = {
    "as delivered (JPEG 90)": lambda rgb, _: rgb,
    "JPEG 50": lambda rgb, _: jpeg(rgb, 50),
    "JPEG 30": lambda rgb, _: jpeg(rgb, 30),
    "half size, JPEG 90": lambda rgb, _: jpeg(resized(rgb, 0.5), 90),
    "half size, JPEG 75": lambda rgb, _: jpeg(resized(rgb, 0.5), 75),
    "crop of 3 %, JPEG 90": lambda rgb, random: jpeg(cropped(rgb, 0.03, random), 90),
    "crop of 10 %, JPEG 90": lambda rgb, random: jpeg(cropped(rgb, 0.1, random), 90),
    "crop of 10 %, JPEG 50": lambda rgb, random: jpeg(cropped(rgb, 0.1, random), 50),
    "WebP 75": lambda rgb, _: coded(rgb, "WEBP", 75),
    "turned by a quarter": lambda rgb, _: np.ascontiguousarray(np.rot90(rgb)),
    "long side 256 px, JPEG 85": lambda rgb, _: jpeg(resized(rgb, 256 / max(rgb.shape)), 85),
}


def survive(pictures: Iterator[Composer]) -> dict[str, Any]:
    """Share of the pictures whose job is read, by what was done to them."""
    random = np.random.default_rng(0)
    right: dict[str, list[bool]] = {name: [] for name in ATTACKS}
    means, highs, declined = [], [], 0
    for plain in pictures:
        job = int(random.integers(2**32))
        made = marked(plain, job=job)
        if made is None:
            declined += 1
            continue
        seen = deltaE_ciede2000(*(rgb2lab(to_rgb(one)[::3, ::3]) for one in (plain, made)))
        means.append(float(seen.mean()))
        highs.append(float(np.percentile(seen, 99)))
        luma, cb, cr = made.ycc_planes()
        data = simplejpeg.encode_jpeg_yuv_planes(luma, cb, cr, 90)
        delivered = simplejpeg.decode_jpeg(data, "RGB")
        for name, attack in ATTACKS.items():
            found = watermark.read(attack(delivered, random))
            right[name].append(found.job == job)
    return {
        "pictures": len(means),
        "declined": declined,
        "ciede2000_mean": round(float(np.mean(means)), 3),
        "ciede2000_mean_of_the_worst_picture": round(max(means), 3),
        "ciede2000_p99": round(float(np.mean(highs)), 3),
        "found_percent": {name: round(100 * float(np.mean(of)), 1) for name, of in right.items()},
    }


def to_rgb(picture: Composer) -> Pixels:
    return np.concatenate(list(picture.rgb_strips(8, 256)))


def alarms(corpus: Path) -> None:
    """Each of 1,000 photographs and 50 pictures of noise, read with 300 wrong keys."""
    random = np.random.default_rng(0)
    noise = (random.integers(0, 256, (240, 320, 3), dtype=np.uint8) for _ in range(50))
    photos = chain(
        shard(corpus, "highres", 50), shard(corpus, "val", 500), shard(corpus, "heldout", 450)
    )
    for name, pictures in {"noise": noise, "photographs": photos}.items():
        scores, found = [], 0
        with ProcessPoolExecutor(2) as pool:
            for number, readings in enumerate(pool.map(read_wrongly, pictures), 1):
                scores += [reading.score for reading in readings]
                found += sum(reading.found for reading in readings)
                if number % 50 == 0:  # it takes long: what is there is kept
                    keep("alarms", {name: describe(np.array(scores), found)})


def read_wrongly(picture: Pixels) -> list[watermark.Reading]:
    spectra = watermark.Spectra(picture)
    return [spectra.read(key) for key in KEYS]


def describe(tops: NDArray[np.float64], found: int) -> dict[str, Any]:
    # Gumbel's law, by moments: the highest of many scores of a picture without a mark.
    scale = tops.std() * np.sqrt(6) / np.pi
    place = tops.mean() - 0.5772 * scale
    over = 1 - np.exp(-np.exp(-(watermark.MIN_SCORE - place) / scale))
    return {
        "pictures": len(tops) // len(KEYS),
        "reads": len(tops),
        "found": found,
        "score_mean": round(float(tops.mean()), 3),
        "score_p99": round(float(np.percentile(tops, 99)), 3),
        "score_max": round(float(tops.max()), 3),
        "share_of_pilots_over_the_threshold": float((tops >= watermark.MIN_SCORE).mean()),
        "the_same_by_gumbel": round(float(over), 5),
        "expected_alarms_a_read": float((tops >= watermark.MIN_SCORE).mean() * 21 / 2**16),
    }


def times() -> dict[str, float]:
    """Processor time of marking and reading, 1.5 megapixels."""
    rgb = cv2.resize(next(iter(colour_photographs()))[1], (1500, 1000))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = rgb_to_lab(cv2.resize(rgb, (384, 256), interpolation=cv2.INTER_AREA))
    plain = compose(grey, np.moveaxis(small[..., 1:], -1, 0))
    big = replace(plain, luma_hw=cv2.resize(grey, (6000, 4000)))
    return {
        "mark, 1.5 MP": took(lambda: marked(plain, job=1)),
        "mark, 24 MP": took(lambda: marked(big, job=1)),
        "read, 1.5 MP": took(lambda: watermark.read(rgb)),
    }


def took(work: Callable[[], object]) -> float:
    work()
    found = []
    for _ in range(9):
        start = time.process_time()
        work()
        found.append(1000 * (time.process_time() - start))
    return round(float(np.median(found)), 2)


if __name__ == "__main__":
    main()
