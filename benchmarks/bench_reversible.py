"""Time of `--reversible` beside the normal way: the same grey JPEGs, in turn, in one run.

python benchmarks/bench_reversible.py
"""

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from common import gray_photograph, save
from PIL import Image

from archive_colorizer.pipeline.config import JobConfig, OutputConfig, RunConfig
from archive_colorizer.pipeline.run import colorize

STEPS = ("read", "prepare", "model", "compose", "encode", "write")


def milliseconds(source: Path, output: Path, *, reversible: bool) -> list[dict[str, float]]:
    """Colour a folder; give each picture's time by step, and the derivative's share of bytes."""
    config = JobConfig(source=str(source), output=str(output), deliver=OutputConfig(quality=90))
    run = RunConfig(engine="local", keep_model="off", report="off", quiet=True)
    config = replace(config, deliver=replace(config.deliver, reversible=reversible), run=run)
    assert colorize(config).is_clean
    rows = ds.dataset(output / "manifest").to_table().to_pylist()
    assert all(row["reversible"] is reversible for row in rows)
    return [
        {step: row[f"ms_{step}"] for step in STEPS}
        | {"bytes": row["derivative_bytes"] / row["source_bytes"]}
        for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    taken: dict[str, list[dict[str, float]]] = {"normal": [], "reversible": []}
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "masters")
        source.mkdir()
        for number in range(args.pictures):
            picture = Image.fromarray(gray_photograph(args.megapixels, number))
            picture.save(source / f"{number}.jpg", quality=92)
        for number in range(args.rounds):
            for way in taken:
                output = Path(place, f"{way}-{number}")
                taken[way] += milliseconds(source, output, reversible=way == "reversible")
    figures: dict[str, Any] = {"megapixels": args.megapixels, "pictures": len(taken["normal"])}
    for way, found in taken.items():
        steps = {step: round(statistics.median(one[step] for one in found), 1) for step in STEPS}
        total = statistics.median(sum(one[step] for step in STEPS) for one in found)
        share = statistics.median(one["bytes"] for one in found)
        figures[way] = {"ms": round(total, 1), "steps": steps, "bytes_of_master": round(share, 3)}
    figures["ratio"] = round(figures["reversible"]["ms"] / figures["normal"]["ms"], 3)
    rest = {
        way: sum(ms for step, ms in figures[way]["steps"].items() if step != "model")
        for way in taken
    }
    figures["ratio_without_model"] = round(rest["reversible"] / rest["normal"], 3)
    print(figures)
    save("reversible", figures)


if __name__ == "__main__":
    main()
