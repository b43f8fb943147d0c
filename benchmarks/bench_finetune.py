"""The gain of fine-tuning on own colour holdings: one source of the shards plays the archive.

    python benchmarks/bench_finetune.py SHARDS SOURCE [SOURCE ...] [--minutes 10] [--limit 100]

Takes the photographs whose column `source` is SOURCE, trains `builtin:default` on four fifths of
them and compares both on the fifth that was held out, by the hash of their content. Writes
benchmarks/results/finetune.json; rows of other sources that are there already are kept.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from bench_default import evaluate_model, rows
from common import RESULTS, save

from archive_colorizer.cli.exit_codes import EXIT_NO_GAIN
from archive_colorizer.cli.main import main as command
from archive_colorizer.data.library import Library, encode

MODEL = "builtin:default"


def photographs(shards: Path, source: str, folder: Path) -> int:
    """Write the pictures of one source as files; gives how many."""
    folder.mkdir()
    count = 0
    for shard in sorted(shards.glob("*.parquet")):
        table = pq.read_table(shard, columns=["image", "source"])
        for image in table.filter(pc.equal(table["source"], source))["image"].to_pylist():
            (folder / f"{count:05d}.jpg").write_bytes(image)
            count += 1
    return count


def fine_tune(shards: Path, source: str, minutes: float, limit: int) -> dict[str, object]:
    """Train on one source's photographs, and judge."""
    with tempfile.TemporaryDirectory() as scratch:
        photos, run, held = (Path(scratch) / name for name in ("photos", "run", "held"))
        count = photographs(shards, source, photos)
        words = ["train", "chroma_lite", str(photos), "--output", str(run), "--init", MODEL,
                 "--minutes", str(minutes), "--lr", "3e-4", "--set", "recipe.rebalance=0",
                 "--set", "feed.zoom=0.7", "--set", "loop.ema=0.99", "--engine", "local",
                 "--no-mlflow"]  # fmt: skip
        if command(words) not in (0, EXIT_NO_GAIN):
            sys.exit("training failed")
        steps = len((run / "losses.jsonl").read_text(encoding="utf-8").splitlines())
        held.mkdir()
        library = Library(str(run / "data" / "test.arrow"))
        for number in range(len(library)):
            (held / f"{number:05d}.png").write_bytes(encode(library[number].target, lossless=True))
        found = rows(evaluate_model(str(held), (MODEL, str(run / "model")), limit))
    found[-1]["model"] = "fine-tuned"
    return {"photographs": count, "held out": len(library), "minutes": minutes, "steps": steps,
            "models": found}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--limit", type=int, default=100, help="pictures that are compared at most")
    args = parser.parse_args()
    place = RESULTS / "finetune.json"
    kept = json.loads(place.read_text(encoding="utf-8"))["sources"] if place.exists() else {}
    for source in args.sources:
        kept[source] = fine_tune(args.shards, source, args.minutes, args.limit)
        save("finetune", {"sources": kept})
        for row in kept[source]["models"]:
            print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
