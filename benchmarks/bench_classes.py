"""How often `--class auto` is right on grey photographs whose class is known.

    python benchmarks/bench_classes.py SHARDS

Takes the rows of the source `imagenette` (Howard 2019) that are of ImageNet's validation set, as
their names say: the classifier has not learned from them. The names have the synset of one of ten
classes, too; the pictures are shown in grey, and the likeliest of all 1,000 is asked for. Writes
benchmarks/results/classes.json.
"""

import re
import sys
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
SURE = 0.5


def measure(shards: Path) -> dict[str, object]:
    """Ask for every photograph's class."""
    classes, scores, hits = open_imagenet_classes(), list[float](), list[bool]()
    for shard in sorted(shards.glob("photos-*.parquet")):
        table = pq.read_table(shard, columns=["image", "name", "source"])
        wanted = pc.and_(pc.equal(table["source"], "imagenette"),
                         pc.match_substring(table["name"], "ILSVRC2012_val"))  # fmt: skip
        rows = table.filter(wanted).to_pylist()
        pictures = [cv2.cvtColor(decode(row["image"]), cv2.COLOR_RGB2GRAY) for row in rows]
        for row, found in zip(rows, classes(pictures), strict=True):
            if isinstance(found, PhotoError):
                sys.exit(f"{row['name']}: {found}")
            scores.append(found.score)
            hits.append(found.number == NUMBERS[re.findall(r"n\d{8}", row["name"])[0]])
    sure = [hit for hit, score in zip(hits, scores, strict=True) if score >= SURE]
    return {
        "photographs": len(hits),
        "right": round(sum(hits) / len(hits), 3),
        f"of these with a score from {SURE}": len(sure),
        "right of them": round(sum(sure) / max(1, len(sure)), 3),
    }


if __name__ == "__main__":
    figures = measure(Path(sys.argv[1]))
    print(figures)
    save("classes", {"short side, px": 160, "classes": len(NUMBERS), "figures": figures})
