"""Write a model's card anew: card.json into the weights' metadata and card.md; the tensors stay.

    python jobs/write_card.py FOLDER [SKIN.json NAME]

SKIN.json (benchmarks/bench_skin.py writes it) gives the card the figures on skin of its model NAME.
The SHA-256 of model.safetensors, and so the recipe of jobs with it, becomes another one.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from archive_colorizer.weights.card import card_from_json
from archive_colorizer.weights.local import load_module, save_model
from archive_colorizer.weights.reference import WEIGHTS_NAME


def skin_figures(source: Path, name: str) -> dict[str, float]:
    """Figures of a model by tone group, for a card."""
    rows = json.loads(source.read_text(encoding="utf-8"))["rows"]
    return {
        f"skin {words}, {row['tone']} ({row['faces']} faces)": round(row[field], digits)
        for field, words, digits in (("ab_error", "ab error", 1), ("left_grey", "left grey", 2))
        for row in rows
        if row["model"] == name
    }


def main(folder: Path, *skin: str) -> None:
    """Write the card, and say the weights' SHA-256."""
    card = card_from_json((folder / "card.json").read_text(encoding="utf-8"), str(folder))
    more = skin_figures(Path(skin[0]), skin[1]) if skin else {}
    module = load_module(folder / WEIGHTS_NAME, card)
    model = save_model(folder, module, replace(card, figures={**card.figures, **more}))
    print(model.weights_sha256)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
