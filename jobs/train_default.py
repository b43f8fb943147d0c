"""Train `builtin:default` on a folder of Parquet shards, in plain Python, resumable.

    python jobs/train_default.py SHARDS RUN --minutes 75

RUN gets checkpoints and, at the end, `model/` with the averaged weights and an unfinished card.
"""

import argparse
import logging
from pathlib import Path

from archive_colorizer.models.chroma_unet import ChromaUNet, ChromaUNetConfig
from archive_colorizer.training.loop import Loop, LoopConfig
from archive_colorizer.training.photographs import load_photographs
from archive_colorizer.training.recipes.chroma_unet import ChromaRecipe, ChromaRecipeConfig
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.files import save_model

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser()
    parser.add_argument("shards")
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=75)
    args = parser.parse_args()
    photographs = load_photographs(args.shards, "train-*.parquet", short_px=208)
    recipe = ChromaRecipe(ChromaUNet(ChromaUNetConfig()), photographs, ChromaRecipeConfig())
    loop = Loop(recipe, LoopConfig(minutes=args.minutes), args.run)
    loop.run(resume=True)
    save_model(
        args.run / "model", loop.ema, ModelCard(name="mine", version="1", family="chroma_unet")
    )
