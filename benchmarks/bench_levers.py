"""The effect of each lever of `builtin:default` at prediction: one row each, the same photographs.

    python benchmarks/bench_levers.py PHOTOS [--limit N] [--before REF]

PHOTOS is a folder of colour photographs or Parquet shards; REF an earlier version of the model.
Writes benchmarks/results/levers.json.
"""

import argparse
from typing import Any

import torch
from bench_default import rows
from common import save
from torch import Tensor, nn

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.run import compare
from archive_colorizer.evaluation.subject import Subject, subject_of
from archive_colorizer.models.spec import Colorizer, Prediction, Task
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import load, resolve

LEVERS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "at 256 pixels alone": {"work_px": ()},
    "at 128 pixels alone": {"work_px": (128,)},
    "at 224 pixels alone": {"work_px": (224,)},
    "not lifted": {"rebalance": 0.0},
    "not lifted, temperature 1 (the expectation)": {"rebalance": 0.0, "temperature": 1.0},
    "not lifted, temperature 0.3": {"rebalance": 0.0, "temperature": 0.3},
}


class Mirrored(nn.Module):
    """The mean of what a model says of a picture and of its mirror image."""

    model: Colorizer

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.add_module("model", model)

    def predict(self, gray_b1hw: Tensor, **more: Any) -> Prediction:  # noqa: ANN401
        one = self.model.predict(gray_b1hw, **more)
        other = self.model.predict(gray_b1hw.flip(3), **more)
        return Prediction(*((a + b.flip(3)) / 2 for a, b in zip(one, other, strict=True)))


def variant(ref: str, settings: dict[str, Any]) -> nn.Module:
    """A model with other settings of its prediction."""
    model = resolve(ref)
    module = MODELS[model.card.family].build_from({**model.card.config, **settings})
    module.load_state_dict(load(model).state_dict())
    return module.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--before", default="")
    args = parser.parse_args()
    modules = {name: variant("builtin:default", given) for name, given in LEVERS.items()}
    modules["as shipped, averaged with its mirror image"] = Mirrored(modules["as shipped"])
    if args.before:
        modules["the version before"] = variant(args.before, {})
        modules["the version before, at 128 and 224 pixels"] = variant(
            args.before, {"work_px": (128, 224)}
        )
    subjects: list[Subject] = [subject_of(name, m, Task.COLORIZE) for name, m in modules.items()]
    config = EvaluationConfig(data=args.photos, models=("-",), limit=args.limit)
    found = rows(compare(config, subjects, torch.device("cpu")).report)
    save("levers", {"pictures": args.limit, "levers": found})
    for row in found:
        print(f"| {row['model']} | {row['psnr_over_grey']:+.2f} | "
              f"{100 * row.get('colourfulness_ratio', 0):.0f} % | {row['ab_error']:.2f} | "
              f"{row['ms_per_picture']:.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
