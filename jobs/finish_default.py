"""Give freshly trained weights the figures that their card claims: the check photographs'.

python jobs/finish_default.py CARD.json WEIGHTS.safetensors FOLDER
"""

import sys
from dataclasses import replace
from pathlib import Path

from archive_colorizer.evaluation.release.default_check import check
from archive_colorizer.weights.card import card_from_json
from archive_colorizer.weights.local import load_module, save_model

if __name__ == "__main__":
    source, weights, folder = (Path(word) for word in sys.argv[1:4])
    card = card_from_json(source.read_text(encoding="utf-8"), source.name)
    module = load_module(weights, card)
    measured = {f"mean chroma, {row.name}": round(row.mean_chroma, 2) for row in check(module)}
    model = save_model(folder, module, replace(card, figures={**card.figures, **measured}))
    print(model.weights_sha256)
