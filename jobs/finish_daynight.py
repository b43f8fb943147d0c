"""Make `builtin:day-to-night` and `builtin:night-to-day` of a CycleGAN's run.

    python jobs/finish_daynight.py RUN FOLDER

RUN is what `archive-colorizer train cyclegan SHARDS --domains day,night` left. FOLDER has a folder
for each of the two with a card.json, whose words stay; it gets half the weights, their settings,
the run's train.toml, and the mean brightness of the check photographs before and after.
"""

import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

from archive_colorizer.evaluation.release.translation_check import brightness
from archive_colorizer.models.cyclegan import CycleGAN, one_way
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.card import card_from_json
from archive_colorizer.weights.local import save_model

if __name__ == "__main__":
    run, folder = (Path(word) for word in sys.argv[1:3])
    both = load(resolve(str(run / "model")))
    assert isinstance(both, CycleGAN)
    for name, back in (("day-to-night", False), ("night-to-day", True)):
        one, words = one_way(both, back=back), folder / name / "card.json"
        figures = {
            f"mean brightness, {photo}, {when}": round(value, 1)
            for photo, pair in brightness(one).items()
            for when, value in zip(("before", "after"), pair, strict=True)
        }
        card = card_from_json(words.read_text(encoding="utf-8"), words.name)
        card = replace(card, config=asdict(one.config), figures=figures)
        print(name, save_model(folder / name, one, card).weights_sha256)
        shutil.copy(run / "model" / "train.toml", folder / name / "train.toml")
