"""Train `builtin:upscale-x2` or `-x4` anew on Parquet shards: the command of their model cards.

    python jobs/train_upscaler.py SHARDS RUN 2|4 [OPTION ...]

Three runs of `archive-colorizer train`: small crops; larger ones in bfloat16, which AMX does much
faster; and a short one in float32, in which bfloat16's rounding is unlearned.
Each goes on where it was stopped. RUN/third/model is the model. Options go to all three.
"""

import sys

from archive_colorizer.cli import main

ALL = "model.blocks=4 model.convolutions=4 model.features=32 model.growth=24 loop.epoch_steps=1000"
CROPS = {2: (64, 128), 4: (112, 192)}


def train(shards: str, run: str, settings: str, *words: str) -> int:
    """One run."""
    words += tuple(w for key in f"{ALL} {settings}".split() for w in ("--set", key))
    return main(["train", "rdn", shards, "--splits", "train_sr", "--output", run, "--resume",
                 "--batch-size", "8", *words])  # fmt: skip


if __name__ == "__main__":
    data, place, times, *options = sys.argv[1:]
    small, large = CROPS[int(times)]
    scale, wide = f"model.scale={times}", f"feed.crop_px={large}"
    first = f"{scale} feed.crop_px={small} loop.precision=float32"
    code = train(data, f"{place}/first", first, "--minutes", "60", "--lr", "8e-4", *options)
    second = f"{scale} {wide} loop.final_lr=0.05"
    start = ("--init", f"{place}/first/model", "--minutes", "68", "--lr", "8e-4")
    code = code or train(data, f"{place}/second", second, *start, *options)
    third = f"{scale} {wide} loop.final_lr=0.02 loop.warmup_steps=0 loop.precision=float32"
    start = ("--init", f"{place}/second/model", "--minutes", "20", "--lr", "1e-4")
    sys.exit(code or train(data, f"{place}/third", third, *start, *options))
