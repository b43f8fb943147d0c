"""Train `builtin:default` anew on a folder of Parquet shards: the command of its model card.

    python jobs/train_default.py SHARDS RUN --minutes 75

What `archive-colorizer train` does; RUN gets checkpoints and, at the end, `model/`.
"""

import sys

from archive_colorizer.cli import main

if __name__ == "__main__":
    shards, run, *options = sys.argv[1:]
    budget = options or ["--minutes", "75"]
    resume = ["--resume"] if "--resume" not in options else []
    sys.exit(main(["train", "chroma_unet", shards, "--output", run, *budget, *resume]))
