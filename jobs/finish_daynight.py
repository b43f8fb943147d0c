"""Make `builtin:day-to-night` and `builtin:night-to-day` of a CycleGAN's run.

    python jobs/finish_daynight.py RUN FOLDER

RUN is what `archive-colorizer train cyclegan SHARDS --domains day,night` left; FOLDER gets one
folder for each direction: half the weights, the run's card and train.toml, and the mean brightness
of the check photographs before and after.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from archive_colorizer.evaluation.translation_check import brightness
from archive_colorizer.models.cyclegan import CycleGAN
from archive_colorizer.weights.files import save_model
from archive_colorizer.weights.reference import load, resolve

DIRECTIONS = {"day-to-night": "forth", "night-to-day": "back"}

if __name__ == "__main__":
    run, folder = (Path(word) for word in sys.argv[1:3])
    source = resolve(str(run / "model"))
    both = load(source)
    assert isinstance(both, CycleGAN)
    for name, direction in DIRECTIONS.items():
        domains = both.config.domains if direction == "forth" else both.config.domains[::-1]
        config = replace(both.config, one_way=True, domains=domains)
        one = CycleGAN(config).eval()
        generator = getattr(both, direction)
        assert generator is not None, f"{source.ref}: goes one way only"
        one.forth.load_state_dict(generator.state_dict())
        figures = {
            f"mean brightness, {photo}, {when}": round(value, 1)
            for photo, pair in brightness(one).items()
            for when, value in zip(("before", "after"), pair, strict=True)
        }
        settings = {key: value for key, value in source.card.config.items() if key != "back"}
        card = replace(
            source.card,
            name=name,
            config=settings | {"one_way": True, "domains": list(domains)},
            figures=figures,
        )
        model = save_model(folder / name, one, card)
        shutil.copy(run / "model" / "train.toml", folder / name / "train.toml")
        print(name, model.weights_sha256)
