"""How well prints are found on pages with colour beside them, and what it costs.

    python benchmarks/bench_content_box.py [CORPUS] [--pages N] [--seed N]

Pages are composed (`composed_pages`) about photographs of CORPUS/val-00.parquet taken to grey, or
about those of scikit-image and scikit-learn where no CORPUS is given. Then no print may be cut:
CORPUS/historic has scans of whole prints; without it the photographs stand in, grey and toned. And
colour photographs must stay colour photographs. Writes benchmarks/results/content_box.json.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from common import save
from composed_pages import KINDS, Page, compose_page
from numpy.typing import NDArray

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.content_box import Found, find_print
from archive_colorizer.imaging.tone import tone_class

PERCENTILES = (1, 2, 5, 10, 25, 50, 90)
PROXY_PX = 256
Picture = NDArray[np.uint8]


def look(rgb: Picture) -> Found:
    """Ask as `prepare` does."""
    return find_print(rgb, tone_class(rgb)[0], (rgb.shape[0], rgb.shape[1]))


def overlap(found: Found, page: Page) -> float:
    """Intersection over union of the found and the true print, both tilted; 0 for no box."""
    if found.bounds is None:
        return 0.0
    ours, true = found.bounds.corners(), page.corners_42
    common, _ = cv2.intersectConvexConvex(ours, true)
    return float(common / (cv2.contourArea(ours) + cv2.contourArea(true) - common))


def judge_pages(photographs: Sequence[Picture], count: int, seed: int) -> dict[str, Any]:
    """Figures over composed pages, and kind by kind."""
    kinds = list(KINDS)
    rows = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        rgb = photographs[number % len(photographs)]
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        page = compose_page(gray, rng, kinds[number % len(kinds)])
        found = look(page.rgb_hw3)
        rows.append((page.kind, overlap(found, page), found))
    figures = {"all": summary(rows)}
    figures |= {kind: summary([row for row in rows if row[0] == kind]) for kind in kinds}
    return figures


def summary(rows: Sequence[tuple[str, float, Found]]) -> dict[str, Any]:
    values = np.array([value for _, value, _ in rows])
    boxed = values[[found.bounds is not None for _, _, found in rows]]
    return {
        "pages": len(values),
        "iou_mean": round(float(values.mean()), 4),
        "iou_percentiles": {
            str(p): round(float(v), 3)
            for p, v in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)
        },
        "boxes": len(boxed),
        "iou_mean_of_boxes": round(float(boxed.mean()), 4),
        "boxes_under_0.8": int((boxed < 0.8).sum()),
        "no_box_review": sum(found.unsure for _, _, found in rows),
        "no_box_in_silence": sum(found.bounds is None and not found.unsure for _, _, found in rows),
    }


def judge_whole(pictures: Sequence[tuple[str, Picture]]) -> dict[str, Any]:
    """What becomes of pictures that have no page about them."""
    found = [(name, look(rgb), rgb.shape) for name, rgb in pictures]
    boxes = {
        name: round(one.bounds.w * one.bounds.h / (shape[0] * shape[1]), 4)
        for name, one, shape in found
        if one.bounds
    }
    return {
        "pictures": len(found),
        "share_of_the_picture_in_the_box": boxes,
        "review": sum(one.unsure for _, one, _ in found),
        "tones": dict(Counter(tone_class(rgb)[0] for _, rgb in pictures)),
    }


def reduced(rgb: Picture) -> Picture:
    """As `read_reduced` gives it: by a whole factor, the short side at least PROXY_PX."""
    factor = max(1, min(rgb.shape[:2]) // PROXY_PX)
    size = (rgb.shape[1] // factor, rgb.shape[0] // factor)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def toned(rgb: Picture, strength: float = 22.0) -> Picture:
    """A photograph as a sepia print."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    tone = strength * 4 * (gray / 255) * (1 - gray / 255)
    sepia = np.stack((gray + 0.6 * tone, gray, gray - tone), axis=-1)
    return np.asarray(sepia.clip(0, 255), np.uint8)


def milliseconds(pictures: Sequence[Picture], repeat: int = 20) -> dict[str, float]:
    """Processor time a picture, one thread: the tone alone, and finding with it."""
    tones = [tone_class(rgb)[0] for rgb in pictures]
    took = {}
    for name in ("tone", "find"):
        start_s = time.process_time()
        for _ in range(repeat):
            for rgb, tone in zip(pictures, tones, strict=True):
                if name == "tone":
                    tone_class(rgb)
                else:
                    find_print(rgb, tone, (rgb.shape[0], rgb.shape[1]))
        took[name] = (time.process_time() - start_s) / repeat / len(pictures) * 1000
    return {name: round(value, 3) for name, value in took.items()}


def read_shard(path: Path, limit: int) -> list[Picture]:
    column = pq.read_table(path, columns=["image"])["image"].to_pylist()[:limit]
    return [decoded(data) for data in column]


def decoded(data: bytes) -> Picture:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    own = [(name, reduced(rgb)) for name, rgb in colour_photographs()]
    photographs, prints = [rgb for _, rgb in own], own
    if args.corpus:
        photographs = read_shard(args.corpus / "val-00.parquet", args.pages)
        prints = [
            (path.name, reduced(decoded(path.read_bytes())))
            for path in sorted((args.corpus / "historic").iterdir())
        ]
    colour = [(str(i), rgb) for i, rgb in enumerate(photographs)]
    grey = [cv2.merge([cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)] * 3) for _, rgb in prints]
    sepia = [(name, toned(rgb)) for name, rgb in prints]
    figures = {
        "pages": f"{args.pages}, seed {args.seed}, photographs of "
        + ("the validation set" if args.corpus else "scikit-image and scikit-learn"),
        "composed": judge_pages(photographs, args.pages, args.seed),
        "whole_prints": judge_whole(prints) if args.corpus else {},
        "whole_prints_toned": judge_whole(sepia),
        "colour_photographs": judge_whole(colour),
        "ms": {
            "neutral": milliseconds(grey[:10]),
            "toned": milliseconds([rgb for _, rgb in sepia[:10]]),
            "colour": milliseconds(photographs[:10], repeat=2),
        },
    }
    save("content_box", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
