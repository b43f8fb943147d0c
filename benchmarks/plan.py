"""How many machines for how many pictures: arithmetic on measured step times; nothing is run.

    python benchmarks/plan.py [--cores 16] [--gbit 10] [--days 7] [--gpus 1 --gpu-pictures-per-s N]
                              [--price 0.80]

CPU times are of benchmarks/results/bench_steps.json and bench_pipeline.json (one thread of the
machine named there). The GPU's rate is not measured by this project yet: say your own.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
STEPS = ("prepare", "tone", "decode", "fit_chroma", "ycc_planes", "compose_encode_jpeg_8",
         "measure_jpeg")  # fmt: skip
"""Costs of a JPEG derivative."""
HOLDINGS = (38_000, 170_000, 1_600_000, 150_000_000)
MASTERS = {  # name: (megapixels as measured, MB a master)
    "JPEG, 1.5 MP": ("1.5 MP", 0.6),
    "JPEG, 24 MP": ("24 MP", 12.0),
    "TIFF, 24 MP": ("24 MP", 24.0),
    "TIFF, 100 MP": ("100 MP", 200.0),
}
DERIVATIVE_SHARE = 0.5
"""A JPEG derivative's size beside a JPEG master's of as many pixels, about."""


@dataclass(frozen=True)
class Node:
    """One machine of the planned cluster."""

    cores: int
    gbit: float
    gpus: int
    gpu_rate: float
    """Pictures a second and GPU."""
    price: float = 0.0
    """Of an hour, in whatever currency; 0 where nobody said."""


def rates(node: Node, megapixels: str, master_mb: float) -> dict[str, float]:
    """Pictures a second that each resource of one node allows."""
    ms = json.loads((RESULTS / "bench_steps.json").read_text())["ms"][megapixels]
    pipeline = json.loads((RESULTS / "bench_pipeline.json").read_text())
    cpu_s = sum(ms[name] for name in STEPS) / 1000
    model_s = pipeline["local_alone"]["step_ms"]["model"] / 1000
    jpeg_mb = {"1.5 MP": 0.6, "24 MP": 12.0, "100 MP": 50.0}[megapixels]
    found = {"network": node.gbit * 125 / (master_mb + DERIVATIVE_SHARE * jpeg_mb)}
    if node.gpus:
        return found | {"CPU": node.cores / cpu_s, "GPU": node.gpus * node.gpu_rate}
    return found | {"CPU": node.cores / (cpu_s + model_s)}


def table(node: Node, days: float) -> str:
    """Markdown: a row a kind of masters, a column a holding."""
    heads = [f"{count:,}" for count in HOLDINGS]
    lines = [
        f"| masters | pictures/s a node | bottleneck | {' | '.join(heads)} |",
        f"|---|---:|---|{'---:|' * len(heads)}",
    ]
    if node.price:
        lines = [line + extra for line, extra in zip(lines, (" per 1,000 |", "---:|"), strict=True)]
    for name, (megapixels, master_mb) in MASTERS.items():
        found = rates(node, megapixels, master_mb)
        narrow = min(found, key=lambda key: found[key])
        cells = []
        for count in HOLDINGS:
            hours = count / found[narrow] / 3600
            nodes = max(1, math.ceil(hours / (24 * days)))
            cells.append(f"{nodes:,} ({hours / nodes:,.1f} h)")
        if node.price:
            cells.append(f"{1000 / found[narrow] / 3600 * node.price:.4f}")
        lines.append(f"| {name} | {found[narrow]:.1f} | {narrow} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=16, help="of a node")
    parser.add_argument("--gbit", type=float, default=10.0, help="network of a node")
    parser.add_argument("--days", type=float, default=7.0, help="that the job may take")
    parser.add_argument("--gpus", type=int, default=0, help="of a node")
    parser.add_argument("--gpu-pictures-per-s", type=float, default=0.0, dest="rate")
    parser.add_argument("--price", type=float, default=0.0, help="of a node's hour")
    args = parser.parse_args()
    if args.gpus and not args.rate:
        parser.error("--gpus needs --gpu-pictures-per-s: this project has not measured it")
    print(table(Node(args.cores, args.gbit, args.gpus, args.rate, args.price), args.days))


if __name__ == "__main__":
    main()
