"""Train `builtin:default` anew on a folder of Parquet shards: the command of its model card.

    python jobs/train_default.py SHARDS RUN [START] [OPTION ...]

START is a model reference; without it the encoder begins at its published ImageNet weights (extra
`pretrained`). jobs/settings/default.toml has the settings: a GPU trains 8 minutes, all photographs
on it. A run goes on where it was stopped. `jobs/finish_default.py` averages it with START and gives
the mean its card.
"""

import sys
from pathlib import Path

from archive_colorizer.cli.main import main

SETTINGS = Path(__file__).parent / "settings" / "default.toml"

if __name__ == "__main__":
    shards, run, *options = sys.argv[1:]
    start = ["--init", options.pop(0)] if options and not options[0].startswith("-") else []
    words = ["train", "chroma_lite", shards, "--output", run, "--config", str(SETTINGS), "--resume"]
    sys.exit(main([*words, *start, *options]))
