"""Fit what recognises negatives, and report how well it does on photographs kept apart.

    python benchmarks/fit_negatives.py CORPUS [--photographs N] [--report-only]

Fits on CORPUS/photos-*.parquet (each photograph as an old print may be: other curves, fog, grain,
borders) and reports on val-00.parquet, heldout-00.parquet and historic/, as they are and inverted.
Writes archive_colorizer/imaging/negative_weights.py and benchmarks/results/negatives.json.
"""

import argparse
import base64
import io
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from common import ROOT, save
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.imaging import negative_weights
from archive_colorizer.imaging.negative import features
from archive_colorizer.inference.negative_probe import differences, squared
from archive_colorizer.registry.resolve import load, resolve

WRITTEN = ROOT / "archive_colorizer" / "imaging" / "negative_weights.py"
ALARMS = 0.01
"""Share of positives that the probe may take for negatives."""
SIEVED = 0.08
"""Share of negatives that the sieve may pass over."""
SIEVE_PENALTY, PROBE_PENALTY = 3e-3, 2e-2
FOLDS = 5
CURVE = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
Gray = NDArray[np.uint8]


def photographs(paths: Sequence[Path], limit: int) -> Iterator[Gray]:
    """Grey photographs of shards, as many from each."""
    for path in paths:
        left = limit // len(paths)
        for batch in pq.ParquetFile(path).iter_batches(100, columns=["image"]):
            for data in batch["image"].to_pylist()[:left]:
                yield np.asarray(Image.open(io.BytesIO(data)).convert("L"))
            left -= len(batch)
            if left <= 0:
                break


def as_print(gray: Gray, rng: np.random.Generator) -> Gray:
    """A photograph with another curve, fog, blur, grain or border, as prints and scans have."""
    if rng.random() < 0.5:
        gray = gray[:, ::-1]
    height, width = (int(side * rng.uniform(0.7, 1)) for side in gray.shape)
    top, left = (int(rng.integers(0, a - b + 1))
                 for a, b in zip(gray.shape, (height, width), strict=True))  # fmt: skip
    x = gray[top : top + height, left : left + width].astype(np.float32) / 255
    x = np.clip(x, 1e-3, 1) ** np.float32(np.exp(rng.normal() * 0.2))
    x = 1 - np.clip(1 - x, 1e-3, 1) ** np.float32(np.exp(rng.normal() * 0.12))
    low, high = max(0.0, rng.uniform(-0.2, 0.2)), min(1.0, rng.uniform(0.75, 1.3))
    x = low + (high - low) * x
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.15:
        x = np.pad(x, int(rng.integers(2, 14)),
                   constant_values=float(rng.choice([0.0, 1.0, rng.random()])))  # fmt: skip
    if rng.random() < 0.4:
        x = x + rng.normal(size=x.shape).astype(np.float32) * rng.uniform(0, 0.04)
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


class Looks:
    """What sieve and probe see in pictures."""

    def __init__(self) -> None:
        self._module: Any = load(resolve("builtin:default")).eval()

    def __call__(self, pictures: Sequence[Gray]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(n, sieve's) and (n, probe's), odd under inversion."""
        sieve = np.stack([features(one) for one in pictures])
        parts = []
        for start in range(0, len(pictures), 32):
            gray = np.stack([squared(one) for one in pictures[start : start + 32]])
            with torch.inference_mode():
                parts.append(differences(self._module, torch.from_numpy(gray).float()[:, None]))
        return sieve, torch.cat(parts).numpy()


def fit(positive: NDArray[Any], penalty: float) -> NDArray[np.float32]:
    """Logistic regression without intercept: above 0 is a negative.

    Each picture stands for its inverse, too, which has the negative of its values.
    """
    scale = positive.std(0) + 1e-6
    x = torch.from_numpy(positive / scale).double()
    w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.softplus(x @ w).mean() + penalty * (w**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return np.asarray(w.detach().numpy() / scale, np.float32)


def rounded(weights: NDArray[np.float32]) -> str:
    return base64.b85encode(weights.astype(np.float16).tobytes()).decode()


def unpacked(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b85decode(text), np.float16).astype(np.float32)


def judge(sieve: NDArray[Any], probe: NDArray[Any]) -> dict[str, Any]:
    """Figures of one set with what is written: margins of positives; inverses have minus those."""
    first = sieve @ unpacked(negative_weights.SIEVE_WEIGHTS)
    margin = probe @ unpacked(negative_weights.PROBE_WEIGHTS)
    sign = np.log(negative_weights.PROBE_FROM / (1 - negative_weights.PROBE_FROM))
    asked, asked_inverse = (m >= negative_weights.SIEVE_FROM for m in (first, -first))
    ordered = np.sort(margin)[::-1]
    at = {alarm: max(float(ordered[int(alarm * len(ordered))]), 0.0) for alarm in CURVE}
    return {
        "photographs": len(margin),
        "recall": round(float((asked_inverse & (-margin >= sign)).mean()), 4),
        "false_alarms": round(float((asked & (margin >= sign)).mean()), 4),
        "positives_that_pass_the_sieve": round(float(asked.mean()), 4),
        "negatives_that_pass_the_sieve": round(float(asked_inverse.mean()), 4),
        "recall_of_the_probe_alone_at_false_alarms": {
            str(alarm): round(float((-margin > level).mean()), 4) for alarm, level in at.items()
        },
        "recall_of_the_sieve_alone_at_1_percent": round(
            float((-first > np.sort(first)[::-1][int(0.01 * len(first))]).mean()), 4
        ),
    }


def apart(values: NDArray[Any], penalty: float) -> NDArray[np.float32]:
    """Margin of each picture by a fit to the four fifths that it does not belong to, ascending."""
    fold = np.arange(len(values)) % FOLDS
    margins = np.empty(len(values), np.float32)
    for number in range(FOLDS):
        inside = fold == number
        margins[inside] = values[inside] @ unpacked(rounded(fit(values[~inside], penalty)))
    return np.sort(margins)


def write_weights(sieve: NDArray[Any], probe: NDArray[Any]) -> None:
    """Fit both; thresholds come from pictures that were not fitted to."""
    passing = apart(sieve, SIEVE_PENALTY)[int((1 - SIEVED) * len(sieve))]
    level = max(float(apart(probe, PROBE_PENALTY)[int((1 - ALARMS) * len(probe))]), 0.0)
    names = {
        "SIEVE_FROM": round(-float(passing), 4),
        "PROBE_FROM": round(1 / (1 + float(np.exp(-level))), 4),
        "SIEVE_WEIGHTS": rounded(fit(sieve, SIEVE_PENALTY)),
        "PROBE_WEIGHTS": rounded(fit(probe, PROBE_PENALTY)),
    }
    lines = [
        '"""What `benchmarks/fit_negatives.py` fitted: made by it, not written by hand."""',
        "",
    ]
    lines += ["from typing import Final", ""]
    lines += [
        f"SIEVE_FROM: Final = {names['SIEVE_FROM']}",
        f"PROBE_FROM: Final = {names['PROBE_FROM']}",
    ]
    for key in ("SIEVE_WEIGHTS", "PROBE_WEIGHTS"):
        text = str(names[key])
        lines += [f"{key}: Final = ("]
        lines += [f'    "{text[i : i + 88]}"' for i in range(0, len(text), 88)]
        lines += [")"]
    WRITTEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for key, value in names.items():
        setattr(negative_weights, key, value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--photographs", type=int, default=6000)
    parser.add_argument("--report-only", action="store_true")
    args = parser.parse_args()
    looks = Looks()
    if not args.report_only:
        rng = np.random.default_rng(1)
        shards = sorted(args.corpus.glob("photos-*.parquet"))
        prints = (as_print(gray, rng) for gray in photographs(shards, args.photographs))
        parts = []
        while chunk := list(islice(prints, 500)):
            parts.append(looks(chunk))
            print(len(parts) * 500, flush=True)
        sieve, probe = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = rng.permutation(len(sieve))
        write_weights(sieve[order], probe[order])
    sets = {
        "validation": list(photographs([args.corpus / "val-00.parquet"], 500)),
        "held out sources": list(photographs([args.corpus / "heldout-00.parquet"], 800)),
        "historic": [
            np.asarray(Image.open(path).convert("L"))
            for path in sorted((args.corpus / "historic").iterdir())
        ],
    }
    figures = {}
    for name, pictures in sets.items():
        start_s = time.process_time()
        seen = looks(pictures)
        ms = (time.process_time() - start_s) / len(pictures) * 1000
        figures[name] = judge(*seen) | {"ms_of_sieve_and_probe": round(ms, 2)}
    start_s = time.process_time()
    for gray in sets["validation"]:
        features(gray)
    ms = (time.process_time() - start_s) / len(sets["validation"]) * 1000
    save("negatives", {"fitted_on": args.photographs, "sets": figures, "ms_of_sieve": round(ms, 2)})
    print(figures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    main()
