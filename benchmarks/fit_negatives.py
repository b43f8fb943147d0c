"""Train what recognises negatives, and report how well it does on photographs kept apart.

    python benchmarks/fit_negatives.py CORPUS [--minutes N] [--go-on | --report-only]

Trains on CORPUS/photos-*.parquet without the sources in LEFT_OUT: each photograph as an old print
or the positive of a film negative may be (other curves, fog, grain, frames), and its inverse. The
encoder begins as that of builtin:default (--go-on: as the shipped classifier). Thresholds come
from the sources left out, figures from val-00.parquet, heldout-00.parquet and historic/. Writes
weights/builtin/negatives/ and benchmarks/results/negatives.json.
"""

import argparse
import copy
import io
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
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
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from archive_colorizer.imaging.colour import decode_srgb, encode_srgb
from archive_colorizer.inference.negative_probe import NegativeProbe, squared
from archive_colorizer.inference.runner import Runner
from archive_colorizer.models.efficientnet_lite import fold_norms
from archive_colorizer.models.negative_classifier import (
    NegativeClassifier,
    NegativeClassifierConfig,
)
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

FOLDER = ROOT / "archive_colorizer" / "weights" / "builtin" / "negatives"
LEFT_OUT = ("ava", "flickr-misc", "pacs-photo")
"""Sources that are not trained on: thresholds are chosen on them."""
ALARMS, PASSED_OVER = 0.01, 0.003
"""Shares of positives taken for negatives, and of negatives lost at the first look."""
ENOUGH, ENOUGH_PLATES = 1500, 200
"""Photographs that thresholds are chosen by, and that are made film negatives of."""
KEPT_PX, BATCH, JOB_BATCH = 160, 24, 16
AVERAGE, DROPOUT = 0.998, 0.1
FROZEN_STAGES = 2
MIN_OF_SOURCE = 20
CURVE = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the training, with a cosine of its own."""

    share: float
    """Of the minutes."""
    sides_px: tuple[int, ...]
    """Sides that batches are drawn at."""
    rate: float
    warm_steps: int


PHASES = (
    Phase(0.8, (96, 96, 96, 128), 4e-4, 60),
    Phase(0.2, (128, 128, 160), 1.6e-4, 25),
)
"""Most at the cheapest sides, then at those that it is asked at."""
Gray = NDArray[np.uint8]
Values = NDArray[np.float32]


def photographs(paths: list[Path]) -> Iterator[tuple[Gray, str]]:
    """Grey photographs of shards, and their sources."""
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(100, columns=["image", "source"]):
            for row in batch.to_pylist():
                yield np.asarray(Image.open(io.BytesIO(row["image"])).convert("L")), row["source"]


def film(x: Values, gamma: float, least: float) -> Values:
    """A film negative of a photograph in [0, 1], scanned to sRGB: density by log exposure."""
    exposure = np.maximum(decode_srgb(x), np.float32(least))
    return np.asarray(encode_srgb((exposure / exposure.min()) ** np.float32(-gamma)), np.float32)


def as_print(gray: Gray, rng: np.random.Generator) -> Values:
    """A photograph with another curve, fog, blur, grain or frame: (KEPT_PX, KEPT_PX) in [0, 1].

    Some have the tones of a film negative that was inverted without more ado.
    """
    if rng.random() < 0.5:
        gray = gray[:, ::-1]
    if rng.random() < 0.06:
        gray = np.rot90(gray, int(rng.integers(1, 4)))
    height, width = (int(side * math.sqrt(rng.uniform(0.45, 1))) for side in gray.shape)
    top, left = (int(rng.integers(0, a - b + 1))
                 for a, b in zip(gray.shape, (height, width), strict=True))  # fmt: skip
    x: Any = gray[top : top + height, left : left + width].astype(np.float32) / 255
    if rng.random() < 0.15:
        x = 1 - film(x, rng.uniform(0.35, 0.8), 10 ** -rng.uniform(1.3, 3))
        if rng.random() < 0.7:
            low, high = np.percentile(x[::4, ::4], (0.5, 99.5))
            x = (x - low) / max(high - low, 0.05)
    x = np.clip(x, 1e-3, 1) ** np.float32(np.exp(rng.normal() * 0.25))
    x = 1 - np.clip(1 - x, 1e-3, 1) ** np.float32(np.exp(rng.normal() * 0.15))
    low, high = max(0.0, rng.uniform(-0.2, 0.2)), min(1.0, rng.uniform(0.75, 1.3))
    x = low + (high - low) * x
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.2:
        each = rng.integers(0, 14, (2, 2)) if rng.random() < 0.5 else int(rng.integers(2, 12))
        x = np.pad(x, each, constant_values=float(rng.choice([0.0, 1.0, rng.random()])))
    x = cv2.resize(x, (KEPT_PX, KEPT_PX), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        x = x + rng.normal(size=x.shape).astype(np.float32) * rng.uniform(0, 0.05)
    return np.asarray(np.clip(x, 0, 1), np.float32)


class Feed(IterableDataset[Tensor]):
    """Batches of positives without end, (BATCH, 1, side, side), one side a batch."""

    def __init__(self, pictures: Gray, sides_px: tuple[int, ...]) -> None:
        self._pictures, self._sides_px = pictures, sides_px

    def __iter__(self) -> Iterator[Tensor]:
        rng = np.random.default_rng(1)
        while True:
            order = rng.permutation(len(self._pictures))
            for start in range(0, len(order) - BATCH + 1, BATCH):
                worn = [as_print(self._pictures[i], rng) for i in order[start : start + BATCH]]
                size = (int(rng.choice(self._sides_px)),) * 2
                small = [cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in worn]
                yield torch.from_numpy(np.stack(small))[:, None]


class InHalf(nn.Sequential):
    """Stages that do not learn: bfloat16 is enough for them."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            found: Tensor = super().forward(input).float()  # type: ignore[no-untyped-call]
        return found


def beginning() -> NegativeClassifier:
    """The classifier with the encoder that colours; the first stages do not learn."""
    module = NegativeClassifier(NegativeClassifierConfig())
    encoder: Any = load(resolve("builtin:default")).get_submodule("encoder")
    fold_norms(encoder)
    state = encoder.state_dict()
    state["stem.0.weight"] = state["stem.0.weight"][:, :1]  # without the hints, which are 0
    module.encoder.load_state_dict(state)
    nn.init.zeros_(module.head.weight)
    nn.init.zeros_(module.head.bias)
    return module


def rates(module: NegativeClassifier, rate: float) -> list[dict[str, Any]]:
    """What learns, each tensor at its rate: folded norms leave them at very different sizes."""
    frozen = (module.encoder.stem, *module.encoder.stages[:FROZEN_STAGES])
    for part in (*frozen, *(m for m in module.modules() if getattr(m, "groups", 1) > 1)):
        part.requires_grad_(False)  # depthwise filters, too: their gradient costs most
    groups: list[dict[str, Any]] = [
        {"params": list(module.head.parameters()), "lr": 4 * rate, "weight_decay": 0.01}
    ]
    for one in module.encoder.parameters():
        if one.requires_grad:
            size = max(float(one.detach().square().mean().sqrt()), 1e-3 if one.ndim > 1 else 0.05)
            groups.append({"params": [one], "lr": 20 * rate * size, "weight_decay": 0.0})
    return groups


def train(module: NegativeClassifier, pictures: Gray, phase: Phase, minutes: float) -> int:
    """Teach the classifier, which ends with its averaged weights; give the number of steps."""
    quick: Any = copy.deepcopy(module)
    optimizer = torch.optim.AdamW(rates(quick, phase.rate))
    for number in range(FROZEN_STAGES):
        quick.encoder.stages[number] = InHalf(*quick.encoder.stages[number])
    quick.head = nn.Sequential(nn.Dropout(DROPOUT), quick.head)
    quick.to(memory_format=torch.channels_last)
    full = [group["lr"] for group in optimizer.param_groups]
    feed = DataLoader(Feed(pictures, phase.sides_px), None, num_workers=1, prefetch_factor=8)
    start_s, step, shown = time.perf_counter(), 0, 0.7
    for positive in feed:
        part = (time.perf_counter() - start_s) / 60 / minutes
        if part >= 1:
            break
        factor = min(1, (step + 1) / phase.warm_steps) * (1 + math.cos(math.pi * part)) / 2
        for group, rate in zip(optimizer.param_groups, full, strict=True):
            group["lr"] = rate * (factor + 0.003)
        logits = quick(torch.cat((positive, 1 - positive)))
        truth = torch.arange(2).repeat_interleave(len(positive)).float()
        loss = F.binary_cross_entropy_with_logits(logits, truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(quick.parameters(), 5.0)
        optimizer.step()
        step += 1
        keep = min(AVERAGE, (1 + step) / (20 + step))
        with torch.no_grad():
            for mean, value in zip(module.parameters(), quick.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        shown = 0.98 * shown + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"{step} steps, {part:.0%}: {shown:.4f}", flush=True)
    return step


def look(module: NegativeClassifier, pictures: list[Gray]) -> tuple[Values, Values]:
    """First looks at pictures and at their inverses, (n, 2), and second looks, (n,)."""
    first, second = [], []
    for start in range(0, len(pictures), JOB_BATCH):
        chunk = pictures[start : start + JOB_BATCH]
        both = [forward(module, chunk, side)
                for side in (module.config.first_px, module.config.second_px)]  # fmt: skip
        first.append(both[0])
        second.append((both[1][:, 0] - both[1][:, 1]) / 2)
    return np.concatenate(first), np.concatenate(second)


def forward(module: NegativeClassifier, pictures: list[Gray], side: int) -> Values:
    """Logits of pictures and of their inverses: (n, 2)."""
    gray = np.stack([squared(one, side) for one in pictures])
    x = torch.from_numpy(gray).float()[:, None] / 255
    with torch.inference_mode():
        return torch.stack((module(x), module(1 - x)), dim=1).numpy()


def choose(module: NegativeClassifier, pictures: list[Gray]) -> NegativeClassifierConfig:
    """Thresholds by photographs that were not trained on."""
    first, second = look(module, pictures)
    level = max(float(np.quantile(second, 1 - ALARMS)), 0.0)
    unsure = float(np.quantile(first[-second >= level, 1], PASSED_OVER))
    negative = 1 / (1 + math.exp(-level))
    return replace(module.config, unsure_from=round(unsure, 3), negative_from=round(negative, 4))


def judge(module: NegativeClassifier, pictures: list[Gray], sources: list[str]) -> dict[str, Any]:
    """Figures of one set: as the probe answers, and as second looks at everything would."""
    config, (first, second) = module.config, look(module, pictures)
    level = math.log(config.negative_from / (1 - config.negative_from))
    said = (first[:, 0] >= config.unsure_from) & (second >= level)
    said_inverse = (first[:, 1] >= config.unsure_from) & (-second >= level)
    ordered = np.sort(second)[::-1]
    at = {alarms: max(float(ordered[int(alarms * len(ordered))]), 0.0) for alarms in CURVE}
    of = {one: np.array(sources) == one for one in sorted(set(sources))}
    return {
        "photographs": len(second),
        "recall": share(said_inverse),
        "false_alarms": share(said),
        "positives_looked_at_twice": share(first[:, 0] >= config.unsure_from),
        "recall_at_false_alarms": {str(key): share(-second > level) for key, level in at.items()},
        "by_source": {
            one: {"photographs": int(here.sum()), "recall": share(said_inverse[here]),
                  "false_alarms": share(said[here])}
            for one, here in of.items() if here.sum() >= MIN_OF_SOURCE
        },
        **through_the_probe(module, pictures),
    }  # fmt: skip


def through_the_probe(module: NegativeClassifier, pictures: list[Gray]) -> dict[str, Any]:
    """Cost by the job's own way, and recall of negatives as film has them."""
    probe = NegativeProbe(Runner(module, "float32"))

    def ask(asked: list[Gray]) -> NDArray[np.bool_]:
        batches = (asked[i : i + JOB_BATCH] for i in range(0, len(asked), JOB_BATCH))
        return np.array([probe.is_negative(score) for batch in batches for score in probe(batch)])

    start_s = time.process_time()
    ask(pictures)
    ms = (time.process_time() - start_s) / len(pictures) * 1000
    some = pictures[:: max(1, len(pictures) // ENOUGH_PLATES)]
    plates = [film(np.asarray(one / 255, np.float32), 0.65, 1e-3) for one in some]
    framed = [np.pad(one, max(2, min(one.shape) // 20), constant_values=1.0) for one in plates]
    return {
        "recall_as_film": share(ask([eight_bits(one) for one in plates])),
        "recall_as_film_with_clear_rebate": share(ask([eight_bits(one) for one in framed])),
        "ms_a_positive": round(ms, 2),
    }


def eight_bits(x: Values) -> Gray:
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def share(values: NDArray[np.bool_]) -> float:
    return round(float(values.mean()), 4)


def card(module: NegativeClassifier, figures: dict[str, Any], trained: str) -> ModelCard:
    """What is shipped with the weights."""
    names = {
        "recall": "recall",
        "false_alarms": "false alarms",
        "recall_as_film": "recall, as film",
    }
    return ModelCard(
        name="negatives",
        version="0.3.0",
        family="negative_classifier",
        config=asdict(module.config),
        summary="Says whether a grey picture is a negative (`--negatives`). EfficientNet-Lite2 "
        f"and a linear layer ({sum(p.numel() for p in module.parameters()):,} parameters).",
        trained_on="Colour photographs of the same collection as builtin:default, taken to grey "
        f"and inverted: photos-00 to 04 without the sources {', '.join(LEFT_OUT)}. Most of these "
        "sources state no licence for the photographs. It began as the encoder of builtin:default.",
        data_rights="not_cleared",
        training=trained,
        command="python benchmarks/fit_negatives.py CORPUS",
        figures={f"{name}, {of}": figures[of][key]
                 for of in figures for key, name in names.items()},
        protocol="`benchmarks/fit_negatives.py`: photographs as they are (false alarms), inverted "
        "(recall) and as film has them (density 0.65 of log exposure), with the thresholds of the "
        "card, which were chosen on the sources left out for 1 % false alarms.",
        limits=(
            "It saw photographs that a computer inverted, and no scan of a real negative.",
            "About half are recognised of kinds of pictures that it was not trained on, and of "
            "negatives with the tones of film.",
            "The rights of the training photographs are not cleared.",
        ),
        licence="Apache-2.0 (weights)",
    )  # fmt: skip


def how(steps: list[int], minutes: float) -> str:
    """What the card says of the training."""
    parts = (
        f"{count:,} steps at {', '.join(map(str, sorted(set(phase.sides_px))))} pixels"
        for count, phase in zip(steps, PHASES, strict=True)
    )
    return (
        f"{', then '.join(parts)}, each of {BATCH} photographs and their inverses, in "
        f"{minutes:g} minutes: AdamW, cosines, EMA {AVERAGE}; the first stages and the depthwise "
        "filters stay as they were. One CPU core that was shared with much other work, no GPU."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--go-on", action="store_true", help="from the shipped weights")
    parser.add_argument("--report-only", action="store_true")
    args = parser.parse_args()
    shipped = resolve("builtin:negatives") if args.go_on or args.report_only else None
    module: Any = load(shipped) if shipped else beginning()
    trained = ""
    if not args.report_only:
        teaching: list[Gray] = []
        apart: list[Gray] = []
        for gray, source in photographs(sorted(args.corpus.glob("photos-*.parquet"))):
            (apart if source in LEFT_OUT else teaching).append(squared(gray, KEPT_PX))
        pictures = np.stack(teaching)
        steps = [train(module, pictures, phase, phase.share * args.minutes) for phase in PHASES]
        for one in module.parameters():  # as they are stored
            one.data = one.data.half().float()
        module.config = choose(module, apart[:: max(1, len(apart) // ENOUGH)])
        before = f"{shipped.card.training} Then, from there: " if shipped else ""
        trained = before + how(steps, args.minutes)
    sets = {
        "validation": list(photographs([args.corpus / "val-00.parquet"])),
        "held out sources": list(photographs([args.corpus / "heldout-00.parquet"])),
        "historic": [
            (np.asarray(Image.open(path).convert("L")), "historic")
            for path in sorted((args.corpus / "historic").iterdir())
        ],
    }
    figures = {name: judge(module, *map(list, zip(*pairs, strict=True)))
               for name, pairs in sets.items()}  # fmt: skip
    if not args.report_only:
        save_model(FOLDER, module, card(module, figures, trained))
    save("negatives", {"thresholds": asdict(module.config), "sets": figures})
    print(figures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    main()
