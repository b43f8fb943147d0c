"""Fit what tells reflections from white things, on photographs with drawn reflections.

    python benchmarks/fit_glare.py CORPUS [--photographs N]

Learns from CORPUS/photos-*.parquet without the sources in LEFT_OUT, whose clean photographs choose
the threshold. Writes archive_colorizer/imaging/glare.json. Nothing of val-00 is looked at.
"""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from common import ROOT
from drawn_glare import KINDS, draw_glare
from numpy.typing import NDArray
from PIL import Image
from sklearn.neural_network import MLPClassifier

from archive_colorizer.imaging import glare

LEFT_OUT = ("ava", "flickr-misc", "pacs-photo")
ALARMS = 0.04
"""Share of clean photographs that may be flagged."""
INSIDE, BESIDE = 0.6, 0.15
"""Share of a region in the reflection from which it counts as one, and up to which it does not."""
COVERED = 0.15
"""Share of the reflection that such a region has at least."""
HIDDEN, DECAY = 24, 1e-3


def photographs(corpus: Path) -> Iterator[tuple[NDArray[np.uint8], str]]:
    for path in sorted(corpus.glob("photos-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(100, columns=["image", "source"]):
            for row in batch.to_pylist():
                yield np.asarray(Image.open(io.BytesIO(row["image"])).convert("L")), row["source"]


def regions_of(
    gray: NDArray[np.uint8], mask: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Figures of a picture's regions, and which of them are of its reflection."""
    small = glare.reduced_gray(gray)
    seen = None if mask is None else glare.reduced_gray(mask.astype(np.uint8) * 255) > 127
    rows, truth = [], []
    for regions in glare.find_regions(small):
        for number, row in zip(regions.numbers, regions.features_nf, strict=True):
            if seen is None:
                rows.append(row)
                truth.append(False)
                continue
            own = regions.labels_hw == number
            inside = (own & seen).sum() / own.sum()
            covered = (own & seen).sum() / max(1, seen.sum())
            if inside <= BESIDE or (inside >= INSIDE and covered >= COVERED):
                rows.append(row)
                truth.append(inside >= INSIDE)
    figures = np.stack(rows) if rows else np.empty((0, 0), np.float32)
    return figures, np.array(truth, bool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--photographs", type=int, default=1500)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    learned: list[tuple[Any, Any]] = []
    kept: list[NDArray[np.float32]] = []
    drawn: list[tuple[Any, Any]] = []
    for gray, source in photographs(args.corpus):
        if source in LEFT_OUT:
            if len(kept) < args.photographs // 2:
                kept.append(regions_of(gray, None)[0])
                if len(kept) % 4 == 0:
                    drawn.append(_draw(gray, rng, len(drawn)))
        elif len(learned) < 2 * args.photographs:
            learned.append(regions_of(gray, None))
            learned.append(_draw(gray, rng, len(learned) // 2))
        if len(learned) >= 2 * args.photographs and len(kept) >= args.photographs // 2:
            break
    x, y = (np.concatenate(part) for part in zip(*(one for one in learned if len(one[1])),
                                                 strict=True))  # fmt: skip
    mean, scale = x.mean(0), x.std(0) + 1e-6
    net = MLPClassifier((HIDDEN,), alpha=DECAY, early_stopping=True, max_iter=60, random_state=0)
    net.fit((x - mean) / scale, y)
    (hidden, out), (bias_h, bias) = net.coefs_, net.intercepts_
    values = {
        "mean_f": mean, "scale_f": scale, "hidden_fh": hidden, "bias_h": bias_h,
        "out_h": out[:, 0],
    }  # fmt: skip
    found = glare.Network(**{n: np.asarray(v, np.float32) for n, v in values.items()},
                          bias=float(bias[0]), threshold=0.0)  # fmt: skip
    best = np.sort([found(one).max() if len(one) else 0.0 for one in kept])
    threshold = float(best[int((1 - ALARMS) * len(best))])
    told = [bool(t.any() and found(f)[t].max() >= threshold) for f, t in drawn if len(t)]
    print(f"{len(y):,} regions, {y.mean():.3f} of reflections; threshold {threshold:.3f}")
    by_kind = {kind: round(float(np.mean(told[i :: len(KINDS)])), 3)
               for i, kind in enumerate(KINDS)}  # fmt: skip
    print(f"clean {len(kept)}; found of {len(told)} drawn: {np.mean(told):.3f} {by_kind}")
    record = {n: np.round(v, 4).tolist() for n, v in values.items()}
    record |= {"bias": round(float(bias[0]), 4), "threshold": round(threshold, 4)}
    path = ROOT / "archive_colorizer" / "imaging" / "glare.json"
    path.write_text(json.dumps(record, separators=(",", ":")) + "\n")


def _draw(gray: NDArray[np.uint8], rng: np.random.Generator, number: int) -> tuple[Any, Any]:
    try:
        made = draw_glare(gray, rng, KINDS[number % len(KINDS)])
    except ValueError:
        return np.empty((0, 0), np.float32), np.empty(0, bool)
    return regions_of(made.gray_hw, made.mask_hw)


if __name__ == "__main__":
    main()
