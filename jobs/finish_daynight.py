"""Make `builtin:day-to-night` and `builtin:night-to-day` of a CycleGAN's run.

    python jobs/finish_daynight.py RUN FOLDER

RUN is what `archive-colorizer train cyclegan SHARDS --domains day,night` left. FOLDER has a folder
for each of the two with a card.json, whose words stay; it gets half the weights, their settings,
the run's train.toml, and the mean brightness of the check photographs before and after.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from archive_colorizer.evaluation.translation_check import brightness
from archive_colorizer.models.cyclegan import CycleGAN
from archive_colorizer.weights.card import card_from_json
from archive_colorizer.weights.files import save_model
from archive_colorizer.weights.reference import load, resolve

DIRECTIONS = {"day-to-night": "forth", "night-to-day": "back"}

if __name__ == "__main__":
    run, folder = (Path(word) for word in sys.argv[1:3])
    source = resolve(str(run / "model"))
    both = load(source)
    assert isinstance(both, CycleGAN)
    for name, direction in DIRECTIONS.items():
        words = folder / name / "card.json"
        generator = getattr(both, direction)
        domains = list(both.config.domains[:: 1 if direction == "forth" else -1])
        config = {**source.card.config, "one_way": True, "domains": domains}
        one = CycleGAN(replace(both.config, one_way=True, domains=tuple(domains)))
        one.forth.load_state_dict(generator.state_dict())
        figures = {
            f"mean brightness, {photo}, {when}": round(value, 1)
            for photo, pair in brightness(one).items()
            for when, value in zip(("before", "after"), pair, strict=True)
        }
        card = replace(
            card_from_json(words.read_text(encoding="utf-8"), words.name),
            config=config,
            figures=figures,
        )
        model = save_model(folder / name, one, card)
        shutil.copy(run / "model" / "train.toml", folder / name / "train.toml")
        print(name, model.weights_sha256)
