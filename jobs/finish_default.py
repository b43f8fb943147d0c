"""Make `builtin:default` of two models of one training: their mean weights, a card, its figures.

    python jobs/finish_default.py CARD.json BEFORE AFTER SHARE FOLDER

SHARE of AFTER's weights and the rest of BEFORE's (Wortsman et al. 2022: the mean of two points of
one training often generalises better than both). BEFORE and AFTER are model references.
"""

import sys
from dataclasses import replace
from pathlib import Path

from archive_colorizer.evaluation.release.default_check import check
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.weights.card import card_from_json
from archive_colorizer.weights.local import load_module, save_model
from archive_colorizer.weights.state import mean_state


def main(source: Path, before: str, after: str, share: float, folder: Path) -> None:
    """Write the model, and say its weights' SHA-256."""
    card = card_from_json(source.read_text(encoding="utf-8"), source.name)
    files = [Path(resolve(ref).path) for ref in (before, after)]
    module = load_module(files[0], card)
    module.load_state_dict(mean_state(*files, share=share))
    measured = {f"mean chroma, {row.name}": round(row.mean_chroma, 2) for row in check(module)}
    model = save_model(folder, module, replace(card, figures={**card.figures, **measured}))
    print(model.weights_sha256)


if __name__ == "__main__":
    first, before, after, part, place = sys.argv[1:]
    main(Path(first), before, after, float(part), Path(place))
