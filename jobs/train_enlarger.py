"""Train `builtin:restore` (scale 1), `builtin:upscale-x2` or `-x4` anew on Parquet shards.

    python jobs/train_enlarger.py SHARDS RUN 1|2|4 [OPTION ...]

Three runs of `archive-colorizer train`: small crops; larger ones in bfloat16, which AMX does much
faster; and a short one in float32, in which bfloat16's rounding is unlearned. Each goes on where it
was stopped. RUN/third/model is the model. Options go to all three.
"""

import sys

from archive_colorizer.cli.main import main

ALL = "model.blocks=4 model.convolutions=4 model.features=32 loop.epoch_steps=1000"
OWN = {
    "1": ("model.growth=16 feed.degrade_share=0.5 recipe.jpeg=30", (48, 96), (26, 22, 8)),
    "2": ('model.growth=24 data.splits=["train_sr"]', (64, 128), (60, 68, 20)),
    "4": ('model.growth=24 data.splits=["train_sr"]', (112, 192), (60, 68, 20)),
}
"""Scale -> settings, edges of the crops, minutes of the runs."""


def train(number: int, place: str, settings: str, *words: str) -> None:
    """One run, from the one before."""
    data, folder, scale, *options = sys.argv[1:]
    own, (small, large), minutes = OWN[scale]
    settings += f" {ALL} {own} model.scale={scale} feed.crop_px={large if number else small}"
    words += tuple(word for setting in settings.split() for word in ("--set", setting))
    words += ("--init", f"{folder}/{('first', 'second')[number - 1]}/model") if number else ()
    words += ("--minutes", str(minutes[number]), "--batch-size", "8", "--resume", *options)
    if main(["train", "rdn", data, "--output", f"{folder}/{place}", *words]) not in (0, 3):
        sys.exit("training failed")  # 3: it gained nothing, and gives what it began from


if __name__ == "__main__":
    train(0, "first", "loop.precision=float32", "--lr", "8e-4")
    train(1, "second", "loop.final_lr=0.05 loop.precision=bfloat16", "--lr", "8e-4")
    third = "loop.final_lr=0.02 loop.precision=float32 loop.warmup_steps=0"
    train(2, "third", third, "--lr", "1e-4")
