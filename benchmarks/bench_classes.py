"""How often `--class auto` is right on grey photographs whose class is known.

    python benchmarks/bench_classes.py SHARDS

Takes the rows of the source `imagenette` (Howard 2019), whose names have the synset of ten of
ImageNet's classes, in grey, and asks for the likeliest of all 1,000. Photographs of ImageNet's
validation set, which the classifier has not learned from, are told by their names. Writes
benchmarks/results/classes.json.
"""

import re
import sys
from collections import Counter
from pathlib import Path

import cv2
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import save

from archive_colorizer.data.library import decode
from archive_colorizer.errors import PhotoError
from archive_colorizer.inference.imagenet_classes import open_imagenet_classes

NUMBERS = {"n01440764": 0, "n02102040": 217, "n02979186": 482, "n03000684": 491, "n03028079": 497,
           "n03394916": 566, "n03417042": 569, "n03425413": 571, "n03445777": 574,
           "n03888257": 701}  # fmt: skip
"""Imagenette's synsets -> ImageNet's numbers."""


def measure(shards: Path) -> dict[str, object]:
    """Ask for every photograph's class."""
    classes, counts, right = open_imagenet_classes(), Counter[str](), Counter[str]()
    sure, sure_right = Counter[str](), Counter[str]()
    for shard in sorted(shards.glob("photos-*.parquet")):
        table = pq.read_table(shard, columns=["image", "name", "source"])
        table = table.filter(pc.equal(table["source"], "imagenette"))
        names = table["name"].to_pylist()
        pictures = [cv2.cvtColor(decode(image), cv2.COLOR_RGB2GRAY)
                    for image in table["image"].to_pylist()]  # fmt: skip
        for name, found in zip(names, classes(pictures), strict=True):
            if isinstance(found, PhotoError):
                sys.exit(f"{name}: {found}")
            kind = "unseen" if "ILSVRC2012_val" in name else "of its training set"
            synset = re.findall(r"n\d{8}", name)[0]
            hit = found.number == NUMBERS[synset]
            counts[kind] += 1
            right[kind] += hit
            if found.score >= 0.5:
                sure[kind] += 1
                sure_right[kind] += hit
    return {
        kind: {"photographs": counts[kind], "right": round(right[kind] / counts[kind], 3),
               "score 0.5 and over": sure[kind],
               "right of these": round(sure_right[kind] / max(1, sure[kind]), 3)}
        for kind in sorted(counts)
    }  # fmt: skip


if __name__ == "__main__":
    figures = measure(Path(sys.argv[1]))
    print(figures)
    save("classes", {"short side, px": 160, "classes": len(NUMBERS), "figures": figures})
