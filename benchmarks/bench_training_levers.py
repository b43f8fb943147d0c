"""The effect of levers of training on `builtin:default`: short runs that differ in one thing.

    python benchmarks/bench_training_levers.py SHARDS VALIDATION [--steps 200] [--only NAME ...]

Each goes on from `builtin:default` for so many steps with the same samples and the same schedule,
without Ray; the untouched model and the run with its own recipe stand beside them. What it would
not forget so soon begins at random weights and has the same time. VALIDATION is a folder of colour
photographs or Parquet shards. Writes benchmarks/results/training_levers.json; with --only, rows
that are there already are kept.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_default import evaluate_model, rows
from common import RESULTS, save

from archive_colorizer.cli.exit_codes import EXIT_NO_GAIN
from archive_colorizer.cli.main import main as command

MODEL = "builtin:default"
FAMILY = "chroma_lite"
OWN = {"recipe.rebalance": "0", "recipe.hint_share": "0.3", "feed.zoom": "0.7", "loop.ema": "0.99"}
LEVERS: dict[str, dict[str, str]] = {
    "own recipe": {},
    "no wear": {"feed.degrade_share": "0"},
    "regression 1": {"recipe.regression": "1"},
    "regression 10": {"recipe.regression": "10"},
    "crops of 96 pixels": {"feed.crop_px": "96"},
    "crops of 192 pixels": {"feed.crop_px": "192", "feed.batch_size": "24"},
    "whole short sides": {"feed.zoom": "1.0"},
    "rebalanced 0.25": {"recipe.rebalance": "0.25"},
    "no hints": {"recipe.hint_share": "0"},
    "saturation varied by 0.3": {"feed.saturation": "0.3"},
    "constant learning rate": {"loop.final_lr": "1"},
}
AS_SHIPPED = {"model.temperature": "0.4", "model.rebalance": "0.42", "model.work_px": "[112, 192]"}
SCRATCH: dict[str, dict[str, str]] = {
    "from scratch": {},
    "from scratch, no wear": {"feed.degrade_share": "0"},
    "from scratch, bins of 20": {"model.bin_edge": "20", "recipe.sigma": "10"},
    "from scratch, half as wide": {"model.widths": "[20, 40, 64, 112, 160]"},
    "from scratch, 1.5 times as wide": {"model.widths": "[60, 120, 192, 336, 480]"},
}


def train_variant(shards: str, run: Path, name: str, steps: int, minutes: float) -> float:
    """Train; gives seconds a step."""
    words = ["train", FAMILY, shards, "--output", str(run), "--engine", "local",
             "--no-mlflow"]  # fmt: skip
    settings = OWN
    if name in SCRATCH:
        settings = settings | AS_SHIPPED | SCRATCH[name]
        words += ["--minutes", str(minutes)]
    else:
        settings = settings | LEVERS[name]
        words += ["--init", MODEL, "--steps", str(steps), "--lr", "3e-4"]
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    if command(words) not in (0, EXIT_NO_GAIN):
        sys.exit("training failed")
    last = json.loads((run / "losses.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return float(last["spent_s"] / last["step"])


def judge_variant(photos: str, ref: str, limit: int) -> dict[str, Any]:
    """Figures on pictures as they are, and seen worn."""
    _, plain, worn = rows(evaluate_model(photos, (ref,), limit, worn=True))
    del plain["model"], plain["ms_per_picture"]
    return plain | {
        "psnr_over_grey_worn": worn["psnr_over_grey"],
        "ab_error_worn": worn["ab_error"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards")
    parser.add_argument("validation")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=8, help="from scratch")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--only", action="append", choices=(*LEVERS, *SCRATCH))
    args = parser.parse_args()
    place, found = RESULTS / "training_levers.json", {}
    if args.only and place.exists():
        found = json.loads(place.read_text(encoding="utf-8"))["levers"]
    if MODEL not in found:
        found[MODEL] = judge_variant(args.validation, MODEL, args.limit)
    for name in args.only or (*LEVERS, *SCRATCH):
        with tempfile.TemporaryDirectory() as scratch:
            run = Path(scratch) / "run"
            step_s = train_variant(args.shards, run, name, args.steps, args.minutes)
            found[name] = judge_variant(args.validation, str(run / "model"), args.limit)
            found[name]["seconds_per_step"] = step_s
        budget = {"steps": args.steps, "minutes from scratch": args.minutes}
        save("training_levers", {"pictures": args.limit, **budget, "levers": found})
    for name, row in found.items():
        print(f"| {name} | {row['psnr_over_grey']:+.2f} | {row['psnr_over_grey_worn']:+.2f} | "
              f"{100 * row['colourfulness_ratio']:.0f} % | {row['ab_error']:.2f} | "
              f"{row.get('seconds_per_step', 0):.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
