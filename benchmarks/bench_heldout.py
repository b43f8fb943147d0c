"""How a colorizer does on kinds of pictures that it was not trained on, source by source.

    python benchmarks/bench_heldout.py SHARD [--limit N] [--model REF ...]

SHARD is a Parquet shard whose column `source` names where its colour photographs come from. Writes
benchmarks/results/heldout.json: PSNR over grey, share of the truth's colourfulness, ab error and
the rank of doubt, for each source and for each model.
"""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import save

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import evaluate

KEPT = ("psnr_mean", "psnr_over_grey", "colourfulness_ratio", "ciede2000", "ab_error",
        "doubt_spearman")  # fmt: skip


def judge_source(
    shard: Path, source: str, models: tuple[str, ...], limit: int
) -> list[dict[str, Any]]:
    """Rows of one source's pictures: grey first, then each model."""
    table = pq.read_table(shard)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.parquet"
        pq.write_table(table.filter(pc.equal(table["source"], source)).drop(["split"]), part)
        output = str(Path(folder) / "report")
        report = evaluate(
            EvaluationConfig(data=str(part), models=models, output=output, limit=limit)
        )
    assert isinstance(report, EvaluationReport)
    return [
        {"source": source, "model": row.model} | {name: asdict(row)[name] for name in KEPT}
        for row in report.models
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shard", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--model", action="append", default=[], help="also this one")
    args = parser.parse_args()
    sources = sorted(set(pq.read_table(args.shard, columns=["source"])["source"].to_pylist()))
    models = ("builtin:default", *args.model)
    rows = [
        row for source in sources for row in judge_source(args.shard, source, models, args.limit)
    ]
    save("heldout", {"pictures of a source": args.limit, "rows": rows})
    for row in rows:
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
