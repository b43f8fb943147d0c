"""The conditional Wasserstein GAN's critic beside L1, unbounded and bounded: curves of short runs.

    python benchmarks/bench_critic.py SHARD [--steps 1000]

SHARD is val-00.parquet. Two runs of `train cwgan_gp` from the same seed differ in `recipe.balance`
and `recipe.drift` alone. Crops have 32 px, and L1 a seventh of its weight, so that critic and L1
pull at a picture as they do at 224 px. Writes benchmarks/results/critic.json,
docs/images/critic.png and the table in docs/results.md.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from common import ROOT, save, write_between

from archive_colorizer.cli.main import main as run_command
from archive_colorizer.training.journal import validations

SHARE: Final = 32 / 224
"""Of L1's weights: its pull falls with the side."""
COMMON: Final = (
    "feed.crop_px=32", "feed.zoom=0.5", "model.width=8", "model.levels=3", "recipe.critic_width=8",
    "recipe.perceptual=0", f"recipe.l1={100 * SHARE:.3f}", f"recipe.colour={0.1 * SHARE:.5f}",
    "loop.epoch_steps=100", "loop.precision=float32", "loop.final_lr=1.0",
)  # fmt: skip
WAYS: Final = {
    "unbounded (before)": ("recipe.balance=0", "recipe.drift=0"),
    "bounded by L1 (now)": (),
}
CURVES: Final = {
    "generator/pull": "the critic's pull at the colours, in units of L1's, before the bound",
    "critic/distance": "the critic's distance of real and made",
    "generator/gan": "the score of made pictures, negative",
    "generator/l1": "L1 of ab, held out",
}
LATE: Final = 0.25
"""Of the run: the table's means are over this last part."""


def train(shard: Path, folder: Path, ways: tuple[str, ...], steps: int) -> dict[str, Any]:
    """A run's curves: step and value by name, of the training or of held-out pictures."""
    words = [word for setting in (*COMMON, *ways) for word in ("--set", setting)]
    code = run_command([
        "train", "cwgan_gp", str(shard), "--output", str(folder), "--steps", str(steps),
        "--batch-size", "8", "--engine", "local", "--no-mlflow", *words,
    ])  # fmt: skip
    assert code in (0, 3), code  # 3: it gained nothing over its start
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in CURVES}
    for line in (folder / "losses.jsonl").read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        for name in CURVES.keys() & found["losses"].keys() - {"generator/l1"}:
            curves[name].append((found["step"], found["losses"][name]))
    for look in validations(folder):
        curves["generator/l1"].append((look["step"], look["figures"]["generator/l1"]))
    return curves


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """One panel a curve, both runs in each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, (name, title) in zip(figure.subplots(2, 2).flat, CURVES.items(), strict=True):
        for way, curves in found.items():
            axis.plot(*zip(*_smooth(curves[name]), strict=True), label=way, linewidth=1.2)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step of the critic", fontsize=8)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90)


def _smooth(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means over at most 40 stretches."""
    parts = np.array_split(np.asarray(points, np.float64), min(40, len(points)))
    return [(int(part[:, 0].mean()), float(part[:, 1].mean())) for part in parts]


def late(points: list[tuple[int, float]]) -> float:
    """The mean over the last part of a run."""
    last = points[-1][0]
    return float(np.mean([value for step, value in points if step >= (1 - LATE) * last]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shard", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.parquet"
        pq.write_table(pq.read_table(args.shard).drop(["split"]), part)
        for number, (way, settings) in enumerate(WAYS.items()):
            found[way] = train(part, Path(folder) / str(number), settings, args.steps)
    rows = {w: {name: late(points) for name, points in c.items()} for w, c in found.items()}
    best = {w: min(value for _, value in c["generator/l1"]) for w, c in found.items()}
    save("critic", {"steps": args.steps, "late": rows, "best_l1": best})
    draw(found, ROOT / "docs" / "images" / "critic.png")
    lines = [
        f"| {args.steps:,} steps, means over the last quarter | pull before the bound, in L1's | "
        "distance | score of made, negative | L1 held out | best L1 |",
        "|---|" + "---:|" * 5,
    ]
    for way, row in rows.items():
        cells = " | ".join(f"{row[name]:.3f}" for name in CURVES)
        lines.append(f"| {way} | {cells} | {best[way]:.4f} |")
    write_between("critic", "\n".join(lines))


if __name__ == "__main__":
    main()
