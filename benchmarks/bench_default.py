"""`builtin:default` on colour photographs that it has not seen: figures, and two plots.

    python benchmarks/bench_default.py PHOTOS [--limit N] [--model REF ...]

PHOTOS is a folder of colour photographs or Parquet shards. Writes benchmarks/results/default.json,
docs/images/vividness.png (PSNR against colour, by vividness) and docs/images/doubt.png (the error
that pictures of each tenth of doubt have).
"""

import argparse
import tempfile
from dataclasses import asdict
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from common import ROOT, save

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import evaluate

VIVIDNESS = (0.0, 0.25, 0.5, 0.75, 1.0)
KEPT = ("psnr_mean", "psnr_over_grey", "ssim", "colourfulness", "colourfulness_ratio", "ciede2000",
        "ab_error", "doubt_spearman", "ms_per_picture")  # fmt: skip
IMAGES = ROOT / "docs" / "images"


def evaluate_model(
    photos: str,
    models: tuple[str, ...],
    limit: int,
    **more: Any,  # noqa: ANN401
) -> EvaluationReport:
    with tempfile.TemporaryDirectory() as folder:
        config = EvaluationConfig(
            data=photos, models=models, output=folder, limit=limit, skin="off", **more
        )
        report = evaluate(config)
    assert isinstance(report, EvaluationReport)
    return report


def rows(report: EvaluationReport) -> list[dict[str, Any]]:
    """Keep the columns of a report's rows that the figures need."""
    return [
        {"model": row.model} | {name: value for name in KEPT
                                if (value := asdict(row)[name]) is not None}
        for row in report.models
    ]  # fmt: skip


def tenths(report: EvaluationReport, model: str) -> list[dict[str, float]]:
    """Pictures by tenths of their doubt: mean doubt, and the ab error that they have."""
    pictures = sorted(report.pictures[model], key=lambda picture: picture.doubt or 0)
    found = []
    for part in np.array_split(np.arange(len(pictures)), 10):
        errors = [pictures[i].ab_error for i in part]
        found.append({
            "doubt": float(np.mean([pictures[i].doubt for i in part])),
            "ab_error": float(np.mean(errors)), "ab_error_p90": float(np.percentile(errors, 90)),
        })  # fmt: skip
    return found


def plot_vividness(curve: list[dict[str, Any]], own: dict[str, Any]) -> None:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    x = [100 * row["colourfulness_ratio"] for row in curve]
    axes.plot(x, [row["psnr_over_grey"] for row in curve], "o-", color="tab:blue")
    for at, row, vividness in zip(x, curve, VIVIDNESS, strict=True):
        axes.annotate(f"{vividness:g}", (at, row["psnr_over_grey"]), (4, 4),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axes.plot(100 * own["colourfulness_ratio"], own["psnr_over_grey"], "s", color="tab:red",
              label="without --vividness")  # fmt: skip
    axes.axhline(0, color="grey", lw=0.8)
    axes.set(xlabel="colourfulness, % of the truth's", ylabel="PSNR over grey, dB",
             title="builtin:default by --vividness")  # fmt: skip
    axes.legend()
    figure.savefig(IMAGES / "vividness.png", dpi=110, metadata={"Software": None})


def plot_doubt(parts: list[dict[str, float]]) -> None:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    doubt = [part["doubt"] for part in parts]
    axes.plot(doubt, [part["ab_error"] for part in parts], "o-", label="mean")
    axes.plot(doubt, [part["ab_error_p90"] for part in parts], "o--", label="90th percentile")
    axes.set(xlabel="doubt of the picture (mean of each tenth)", ylabel="ab error, CIE Lab",
             title="Doubt against the colour error", ylim=(0, None))  # fmt: skip
    axes.legend()
    figure.savefig(IMAGES / "doubt.png", dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--model", action="append", help="also this one")
    args = parser.parse_args()
    model = "builtin:default"
    IMAGES.mkdir(exist_ok=True)
    plain = evaluate_model(args.photos, (model, *(args.model or ())), args.limit)
    ways = evaluate_model(args.photos, (model,), args.limit, hint_points=5, worn=True)
    curve = rows(evaluate_model(args.photos, (model,), args.limit, vividness=VIVIDNESS))[1:]
    own = next(row for row in rows(plain) if row["model"] == model)
    parts = tenths(plain, model)
    plot_vividness(curve, own)
    plot_doubt(parts)
    save("default", {
        "pictures": args.limit, "protocol": dict(plain.protocol), "plain": rows(plain),
        "hints and wear": rows(ways)[1:], "vividness": curve, "doubt by tenths": parts,
    })  # fmt: skip
    for row in (*rows(plain), *rows(ways)[2:], *curve):
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
