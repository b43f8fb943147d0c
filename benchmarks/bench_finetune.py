"""What fine-tuning on own colour holdings gains: one source of the shards plays the archive.

    python benchmarks/bench_finetune.py SHARDS SOURCE [--minutes 10]

Takes the photographs whose column `source` is SOURCE, trains `builtin:default` on four fifths of
them and compares both on the fifth that was held out. Writes benchmarks/results/finetune.json.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from bench_default import evaluated, rows
from common import save

from archive_colorizer.cli import main as command
from archive_colorizer.training.library import Library, encode

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("source")
    parser.add_argument("--minutes", default="10")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        photos, run, held = (Path(scratch) / name for name in ("photos", "run", "held"))
        count = photographs(args.shards, args.source, photos)
        words = ["train", "chroma_unet", str(photos), "--output", str(run), "--init", MODEL,
                 "--minutes", args.minutes, "--lr", "3e-4", "--set", "recipe.rebalance=0",
                 "--set", "feed.zoom=0.7", "--set", "loop.ema=0.99", "--no-mlflow"]  # fmt: skip
        if command(words):
            sys.exit("training failed")
        held.mkdir()
        library = Library(str(run / "data" / "test.arrow"))
        for number in range(len(library)):
            (held / f"{number:05d}.png").write_bytes(encode(library[number].target, lossless=True))
        report = evaluated(str(held), (MODEL, str(run / "model")), 0)
    found = rows(report)
    found[-1]["model"] = "fine-tuned"
    save("finetune", {"source": args.source, "photographs": count, "held out": len(library),
                      "minutes": float(args.minutes), "models": found})  # fmt: skip
    for row in found:
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
