"""How much of its colour a model should show, on kinds of pictures that it knows and does not know.

    python benchmarks/bench_cleared.py CORPUS MODEL [--limit 100]

MODEL comes from `benchmarks/train_cleared.py`: its own kinds are the source `clothing` (not the
one that it was trained on), strange ones those of the shard `heldout-00`. For each source the mean
PSNR over grey is told, with the model's chroma times some factors; pictures are of a short side of
128 pixels, the size at which it was trained.
"""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import save
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer, open_colorizer
from archive_colorizer.registry.resolve import resolve

SHORT_PX = 128
FACTORS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
OWN = "clothing"


def pictures(table: pa.Table, source: str, limit: int) -> list[NDArray[np.uint8]]:
    rows = table.filter(pc.equal(table["source"], source)).slice(0, limit)
    found = []
    for data in rows["image"].to_pylist():
        image = Image.open(io.BytesIO(data)).convert("RGB")
        scale = SHORT_PX / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        found.append(np.asarray(image.resize(size, Image.Resampling.BOX)))
    return found


def gains(colorizer: Colorizer, truths: list[NDArray[np.uint8]]) -> dict[str, float]:
    """Mean dB over grey by factor."""
    grays = [np.asarray(Image.fromarray(one).convert("L")) for one in truths]
    answers = colorizer([GreyPicture(one) for one in grays], 16)
    by_factor: dict[float, list[float]] = {factor: [] for factor in FACTORS}
    for truth, gray, answer in zip(truths, grays, answers, strict=True):
        if isinstance(answer, Exception):
            raise answer
        plain = np.repeat(gray[..., None], 3, 2)
        lab = rgb_to_lab(plain.astype(np.float32) / 255)
        before = ((plain.astype(float) - truth) ** 2).mean()
        for factor in FACTORS:
            tinted = lab.copy()
            tinted[..., 1:] += factor * np.moveaxis(answer.ab_2hw, 0, -1)
            made = np.clip(np.rint(lab_to_rgb(tinted) * 255), 0, 255)
            after = max(((made - truth) ** 2).mean(), 1e-6)
            by_factor[factor].append(10 * np.log10(before / after))
    return {str(factor): round(float(np.mean(found)), 3) for factor, found in by_factor.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("model")
    parser.add_argument("--limit", type=int, default=100)
    args = parser.parse_args()
    columns = ["image", "source"]
    shards = sorted(args.corpus.glob("photos-*.parquet"))
    own = pa.concat_tables([pq.read_table(one, columns=columns) for one in shards])
    strange = pq.read_table(args.corpus / "heldout-00.parquet", columns=columns)
    colorizer = open_colorizer(resolve(args.model), "float32", None)
    found: dict[str, Any] = {OWN: gains(colorizer, pictures(own, OWN, args.limit))}
    for source in sorted(set(strange["source"].to_pylist())):
        found[source] = gains(colorizer, pictures(strange, source, args.limit))
    for source, row in found.items():
        print(source, row)
    save("cleared", {"pictures of a source": args.limit, "dB over grey, by factor": found})


if __name__ == "__main__":
    main()
