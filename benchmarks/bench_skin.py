"""Bias on skin: ab error and share left grey on faces, by the tone group of the truth.

    python benchmarks/bench_skin.py SHARD ... [--model REF ...] [--size PX]

Each SHARD is a Parquet shard of colour photographs. Those in which a face is found are put together
and judged as `archive-colorizer evaluate` judges them. Writes benchmarks/results/skin.json. Needs
the extra `faces`.
"""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import stdev
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from common import save

from archive_colorizer.data.layouts import decode_picture, square
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import evaluate
from archive_colorizer.evaluation.skin import FaceScores
from archive_colorizer.metrics.skin import find_skin


def with_faces(shard: Path, size: int) -> tuple[int, pa.Table]:
    """Pictures of a shard, and those of them (name, image) whose centre square shows a face."""
    table = pq.read_table(shard, columns=["name", "image"])
    rows = [
        {"name": f"{shard.stem}/{row['name']}", "image": row["image"]}
        for row in table.to_pylist()
        if find_skin(square(decode_picture(row["image"]), size))
    ]
    return len(table), pa.Table.from_pylist(rows, pa.schema({"name": "string", "image": "binary"}))


def judge(table: pa.Table, models: tuple[str, ...], size: int) -> EvaluationReport:
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "faces.parquet"
        pq.write_table(table, part)
        report = evaluate(EvaluationConfig(
            data=str(part), models=models, output=str(Path(folder) / "report"), limit=0,
            size=size, skin="on", sheet_rows=0,
        ))  # fmt: skip
    assert isinstance(report, EvaluationReport)
    return report


def standard_error(faces: list[FaceScores], tone: str, figure: str) -> float | None:
    """Of a tone group's mean; None for one face."""
    values = [getattr(face, figure) for face in faces if face.tone == tone]
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def rows(report: EvaluationReport) -> list[dict[str, Any]]:
    """One row a model and tone group."""
    found = []
    for model in report.models:
        faces = [face for picture in report.pictures[model.model] for face in picture.faces]
        for tone, scores in model.skin.items():
            errors = {f"{name}_se": standard_error(faces, tone, name)
                      for name in ("ab_error", "left_grey")}  # fmt: skip
            found.append({"model": model.model, "tone": tone} | asdict(scores) | errors)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path, nargs="+")
    parser.add_argument("--model", action="append", default=[], help="also this one")
    parser.add_argument("--size", type=int, default=256, help="edge of the square, px")
    args = parser.parse_args()
    parts = {shard.stem: with_faces(shard, args.size) for shard in args.shards}
    table = pa.concat_tables(part for _, part in parts.values())
    report = judge(table, ("builtin:default", *args.model), args.size)
    figures = rows(report)
    save("skin", {
        "pictures": {name: {"searched": searched, "with a face": len(part)}
                     for name, (searched, part) in parts.items()},
        "protocol": {topic: report.protocol[topic] for topic in ("skin", "size", "judged")},
        "rows": figures,
        "over groups": {model.model: {
            name: getattr(model, f"skin_{name}")
            for name in ("ab_error_worst", "ab_error_gap", "left_grey_worst", "left_grey_gap")
        } for model in report.models},
    })  # fmt: skip
    for row in figures:
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
