"""Are colour hints local, and what do five gain? With the reach that hints have, and without one.

    python benchmarks/bench_hints.py PHOTOS [--limit N] [--model REF]

PHOTOS is a folder of colour photographs or Parquet shards. A strange hint: one point of 3x3 pixels,
chroma 40, place and hue drawn, alone and as a sixth. It is local where no pixel outside of a disc
of a tenth of the picture around it changes its a and b by more than 3. Five true hints: as
`archive-colorizer evaluate --hint-points 5`. Writes benchmarks/results/hints.json.
"""

import argparse
from statistics import fmean
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from common import save
from numpy.typing import NDArray

from archive_colorizer.errors import PhotoError
from archive_colorizer.evaluation import pictures
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.hints import changed_outside, strange_hint
from archive_colorizer.evaluation.subject import grey_of, keep_luminance, true_points
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer
from archive_colorizer.inference.runner import open_runner
from archive_colorizer.metrics.picture import mse, psnr
from archive_colorizer.registry.resolve import resolve

MODULE = "archive_colorizer.models.chroma_classifier.keep_local"


def measure(colorizer: Colorizer, truth_hw3: NDArray[np.uint8], seed: int) -> dict[str, float]:
    """Figures of one picture."""
    gray_bhw = grey_of(truth_hw3[None])
    strange = strange_hint(truth_hw3.shape[:2], np.random.default_rng(seed))
    five = true_points(truth_hw3[None], 5)[0]
    six = np.where(strange[2:] > 0, strange, five)
    answers = colorizer([GreyPicture(gray_bhw[0], hints_3hw=planes)
                         for planes in (None, strange, five, six)])  # fmt: skip
    found = [answer.ab_2hw for answer in answers if not isinstance(answer, PhotoError)]
    free, by_one, by_five, by_six = found
    alone = changed_outside(free, by_one, strange[2])
    beside = changed_outside(by_five, by_six, strange[2])
    at = strange[2] > 0
    plain, gained = (
        psnr(mse(keep_luminance(gray_bhw, ab[None])[0], truth_hw3)) for ab in (free, by_five)
    )
    return {
        "local": float(alone == 0),
        "changed outside": alone,
        "local as a sixth": float(beside == 0),
        "changed outside as a sixth": beside,
        "missed at the hint": float(np.hypot(*(by_one - strange[:2] * AB_SCALE)[:, at]).mean()),
        "psnr": plain,
        "five hints gain": gained - plain,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--model", default="builtin:default")
    args = parser.parse_args()
    config = EvaluationConfig(data=args.photos, models=(args.model,), limit=args.limit)
    pairs = [pictures.open_pair(listed, config) for listed in pictures.find(config)]
    colorizer = Colorizer(open_runner(resolve(args.model), "exact", device=torch.device("cpu")))
    found: dict[str, Any] = {}
    for name in ("as shipped", "hints change everything"):
        with patch(MODULE, lambda _, hinted, *__: hinted) if found else patch.dict({}):
            rows = [measure(colorizer, pair.truth_hw3, i) for i, pair in enumerate(pairs)]
        found[name] = {key: fmean(row[key] for row in rows) for key in rows[0]}
        print(name, found[name], flush=True)
    save("hints", {"pictures": len(pairs), "set": pictures.digest(pairs), **found})


if __name__ == "__main__":
    main()
