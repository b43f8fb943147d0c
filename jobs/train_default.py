"""Train `builtin:default` anew on a folder of Parquet shards: the command of its model card.

    python jobs/train_default.py SHARDS RUN [OPTION ...]

Two runs of `archive-colorizer train`: one that lifts rare colours, and one from there that takes
colours as often as they are and sees larger parts of a picture. Each goes on where it was stopped.
RUN/second/model is the model; `jobs/finish_default.py` gives it its card. Options go to both.
"""

import sys

from archive_colorizer.cli.main import main

FIRST = ("--minutes", "75")
SECOND = (
    *("--minutes", "115", "--lr", "6e-4", "--set", "recipe.rebalance=0"),
    *("--set", "recipe.hint_share=0.3", "--set", "feed.zoom=0.7", "--set", "loop.ema=0.9995"),
)


def train(shards: str, run: str, *words: str) -> int:
    """One run."""
    return main(["train", "chroma_unet", shards, "--output", run, "--resume", *words])


if __name__ == "__main__":
    data, place, *options = sys.argv[1:]
    code = train(data, f"{place}/first", *FIRST, *options)
    start = ("--init", f"{place}/first/model")
    sys.exit(code or train(data, f"{place}/second", *start, *SECOND, *options))
